"""Bird's three APIs: the send call of each, its answers, what it can be asked."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import BIRD_COMPONENTS, BIRD_SCHEMA, needs

from wabench.providers import _bird_v1, _messagebird_classic, messagebird
from wabench.providers._meta_errors import ERRORS as META_ERRORS
from wabench.providers.base import Accepted, Channel, Failed, Media, Message, Template, TemplateDraft, Text
from wabench.providers.errors import ErrorFamily

PHONE, BSUID, CALLBACK = "+5511980000001", "BR.13491208655302741918", "wb:0123456789abcdef"
SECRETS = {"token": "bk_eu1_secret", "access_key": "secret-key"}
HOOK = "https://hooks.shop.example/webhooks/messagebird"
V1 = Channel("https://eu1.platform.bird.com/v1/", "+15550001111", {}, SECRETS, HOOK)
CHANNELS = Channel("https://api.bird.com", "a1405560", {"dialect": "channels", "workspace": "ws-1"}, SECRETS, HOOK)
CLASSIC = Channel(
    "https://conversations.messagebird.com/v1", "chid", {"dialect": "classic", "namespace": "ns-1"}, SECRETS, HOOK
)
DIALECTS = {"v1": V1, "channels": CHANNELS, "classic": CLASSIC}
TEMPLATE = Template("spring_sale", "pt_BR", "marketing", {"1": "Ana", "2": "SALE"}, provider_id="1c05f3a5")
NAMED = Template("spring_sale", "pt_BR", "marketing", {"first_name": "Ana"}, is_named=True, provider_id="1c05f3a5")
TEXT = Text("See https://shop.example", previews_link=True)
IMAGE = Media("image", "https://shop.example/a.jpg", "New")
DOCUMENT = Media("document", "https://shop.example/a.pdf", "Yours", "a.pdf")
CONTENTS = {"template": TEMPLATE, "named": NAMED, "text": TEXT, "image": IMAGE, "document": DOCUMENT}


def request(content: Any, channel: Channel, phone: str | None = PHONE, user_id: str | None = None) -> httpx.Request:
    return messagebird.request(Message(phone, user_id, content, CALLBACK), channel)


def body(content: Any, channel: Channel, **who: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request(content, channel, **who).content)
    return found


def test_v1_sends_with_a_bearer_token_and_a_key_that_is_the_sends_own() -> None:
    first, again = request(TEXT, V1), request(TEXT, V1)
    assert (first.method, str(first.url)) == ("POST", "https://eu1.platform.bird.com/v1/whatsapp/messages")
    assert first.headers["authorization"] == "Bearer bk_eu1_secret"
    other = messagebird.request(Message(PHONE, None, TEXT, "wb:other"), V1)
    key = first.headers["idempotency-key"]
    assert key == again.headers["idempotency-key"] != other.headers["idempotency-key"]


V1_BODIES: Mapping[str, Any] = {
    "template": {
        "slug": "spring_sale",
        "language": "pt_BR",
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "SALE"}]}
        ],
    },
    "text": {"body": "See https://shop.example", "preview_url": True},
    "image": {"url": "https://shop.example/a.jpg", "caption": "New"},
    "document": {"url": "https://shop.example/a.pdf", "caption": "Yours", "filename": "a.pdf"},
}


def test_v1_has_another_key_after_a_message_that_was_made_and_rejected() -> None:
    messages = [Message(PHONE, None, TEXT, CALLBACK, spent) for spent in (0, 1, 2, 1)]
    first, second, third, again = [messagebird.request(m, V1).headers["idempotency-key"] for m in messages]
    assert (len({first, second, third}), second == again) == (3, True)
    rejected = {"id": "wam_1", "status": "rejected", "last_error": {"code": "rate_limited"}}
    assert answer(202, rejected) == Failed(ErrorFamily.RETRY, "rate_limited", "", spends_key=True)
    throttled = answer(429, v1_error("rate_limit_error"))  # no message was made: an earlier one may hold the key
    assert isinstance(throttled, Failed)
    assert not throttled.spends_key


@pytest.mark.parametrize("kind", V1_BODIES)
def test_v1_carries_one_kind_of_content_and_the_callback_in_its_metadata(kind: str) -> None:
    content = replace(TEMPLATE, provider_id="") if kind == "template" else CONTENTS[kind]
    frame = {"to": PHONE, "from": "+15550001111", "metadata": {"callback_data": CALLBACK}}
    assert body(content, V1) == {**frame, kind: V1_BODIES[kind]}


def test_v1_names_parameters_takes_an_id_or_a_slug_and_a_business_scoped_id() -> None:
    template = body(replace(NAMED, provider_id="wat_01krdgeqcxet5s7t44vh8rt9mg"), V1)["template"]
    assert (template["id"], "slug" in template) == ("wat_01krdgeqcxet5s7t44vh8rt9mg", False)
    assert template["components"][0]["parameters"] == [{"type": "text", "text": "Ana", "name": "first_name"}]
    assert body(TEXT, V1, phone=None, user_id=BSUID)["to"] == BSUID
    assert "components" not in body(Template("hello", "en", "utility"), V1)["template"]


def test_birds_own_templates_choose_the_number_themselves() -> None:
    assert "from" not in body(Template("bird_otp", "en", "authentication", {"1": "1234"}), V1)


def test_v1_without_callback_data_has_neither_key_nor_metadata() -> None:
    plain = messagebird.request(Message(PHONE, None, TEXT, ""), V1)
    assert "idempotency-key" not in plain.headers
    assert "metadata" not in json.loads(plain.content)


CHANNELS_BODIES: Mapping[str, Any] = {
    "template": {"template": {
        "projectId": "1c05f3a5", "version": "latest", "locale": "pt_BR",
        "parameters": [{"type": "string", "key": "1", "value": "Ana"}, {"type": "string", "key": "2", "value": "SALE"}],
    }},
    "text": {"body": {"type": "text", "text": {"text": "See https://shop.example"}}},
    "image": {"body": {"type": "image", "image": {
        "images": [{"mediaUrl": "https://shop.example/a.jpg"}], "text": "New"}}},
    "document": {"body": {"type": "file", "file": {
        "files": [{"contentType": "application/pdf", "mediaUrl": "https://shop.example/a.pdf", "filename": "a.pdf"}],
        "text": "Yours"}}},
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANNELS_BODIES)
def test_channels_says_template_or_body_and_the_callback_as_reference(kind: str) -> None:
    sent = request(CONTENTS[kind], CHANNELS)
    assert str(sent.url) == "https://api.bird.com/workspaces/ws-1/channels/a1405560/messages"
    assert sent.headers["authorization"] == "AccessKey secret-key"
    receiver = {"contacts": [{"identifierKey": "phonenumber", "identifierValue": PHONE}]}
    assert json.loads(sent.content) == {"receiver": receiver, **CHANNELS_BODIES[kind], "reference": CALLBACK}


def test_channels_takes_a_version_named_values_and_a_business_scoped_id() -> None:
    template = body(replace(NAMED, provider_id="1c05f3a5:10e2dd22"), CHANNELS)["template"]
    assert (template["projectId"], template["version"]) == ("1c05f3a5", "10e2dd22")
    assert template["parameters"] == [{"type": "string", "key": "first_name", "value": "Ana"}]
    contact = body(TEXT, CHANNELS, phone=None, user_id=BSUID)["receiver"]["contacts"][0]
    assert contact == {"identifierKey": "whatsappbsuid", "identifierValue": BSUID}


CLASSIC_BODIES: Mapping[str, Any] = {
    "template": ("hsm", {"hsm": {
        "namespace": "ns-1", "templateName": "spring_sale",
        "language": {"policy": "deterministic", "code": "pt_BR"},
        "params": [{"default": "Ana"}, {"default": "SALE"}],
    }}),
    "text": ("text", {"text": "See https://shop.example"}),
    "image": ("image", {"image": {"url": "https://shop.example/a.jpg", "caption": "New"}}),
    "document": ("file", {"file": {"url": "https://shop.example/a.pdf", "caption": "Yours"}}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CLASSIC_BODIES)
def test_classic_has_its_statuses_reported_to_an_address_that_names_the_send(kind: str) -> None:
    content = replace(TEMPLATE, provider_id="") if kind == "template" else CONTENTS[kind]
    sent, (name, inside) = request(content, CLASSIC), CLASSIC_BODIES[kind]
    assert str(sent.url) == "https://conversations.messagebird.com/v1/send"
    assert sent.headers["authorization"] == "AccessKey secret-key"
    assert json.loads(sent.content) == {
        "to": PHONE,
        "from": "chid",
        "type": name,
        "content": inside,
        "reportUrl": f"{HOOK}?callback=wb%3A0123456789abcdef",
        "trackId": CALLBACK,
    }
    assert "reportUrl" not in body(content, replace(CLASSIC, webhook_url=""))
    local = "http://127.0.0.1:8400/webhooks/messagebird"
    assert "reportUrl" not in body(content, replace(CLASSIC, webhook_url=local))
    rehearsal = replace(CLASSIC, base_url="http://127.0.0.1:8500/messagebird", webhook_url=local)
    assert body(content, rehearsal)["reportUrl"].startswith(f"{local}?callback=wb")


@pytest.mark.parametrize(
    ("content", "channel", "who", "why"),
    [
        (TEXT, CLASSIC, {"phone": None, "user_id": BSUID}, "phones only"),
        (NAMED, CLASSIC, {}, "named variables"),
        (TEMPLATE, replace(CLASSIC, options={"dialect": "classic"}), {}, "namespace"),
        (replace(TEMPLATE, provider_id=""), CHANNELS, {}, "project's id"),
        (TEXT, replace(CHANNELS, options={"dialect": "channels"}), {}, "workspace"),
        (TEXT, replace(V1, options={"dialect": "v2"}), {}, "dialect is v1, channels, classic"),
    ],
)
def test_what_an_api_cannot_say_is_refused_before_it_is_sent(
    content: Any, channel: Channel, who: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        request(content, channel, **who)


def fits(sent: dict[str, Any]) -> None:
    """Validate against both published forms: the one refuses unknown fields, the other is newer."""
    strict = json.loads(BIRD_COMPONENTS.read_text(encoding="utf-8"))
    reference = {"$ref": "#/components/schemas/WhatsAppMessageSendRequest", "components": strict["components"]}
    jsonschema.Draft202012Validator(reference).validate(sent)
    newer = json.loads(BIRD_SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator({"$ref": "#/$defs/WhatsAppMessageSendRequest", **newer}).validate(sent)


@needs(BIRD_COMPONENTS)
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_v1_request_fits_the_published_schemas(kind: str) -> None:
    content = CONTENTS[kind]
    fits(body(replace(content, provider_id="") if isinstance(content, Template) else content, V1))
    fits(body(TEXT, V1, phone=None, user_id=BSUID))


@needs(BIRD_COMPONENTS)
def test_a_misspelt_field_does_not_fit_the_published_schema() -> None:
    sent = body(TEXT, V1)
    for wrong in ({**sent, "metdata": {}}, {**sent, "text": {"body": "x", "previewurl": True}}):
        with pytest.raises(jsonschema.ValidationError):
            fits(wrong)


def answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Accepted | Failed:
    return messagebird.outcome(httpx.Response(status, json=content, headers=headers))


def test_an_accepted_message_gives_its_id_in_each_dialect() -> None:
    taken = {"id": "wam_1", "status": "accepted", "to": {"phone_number": PHONE, "bsuid": BSUID}}
    assert answer(202, taken) == Accepted("wam_1", "5511980000001", BSUID)
    assert answer(202, {"id": "5f34", "status": "accepted", "receiver": {}}) == Accepted("5f34")
    assert answer(202, {"id": "2e15", "status": "accepted"}) == Accepted("2e15")


def test_a_message_that_is_rejected_at_once_was_not_accepted() -> None:
    said = {"code": "insufficient_balance", "description": "The wallet is empty."}
    found = answer(202, {"id": "wam_1", "status": "rejected", "last_error": said})
    assert found == Failed(ErrorFamily.STOP_ACCOUNT, "insufficient_balance", "The wallet is empty.", spends_key=True)


def v1_error(kind: str, name: str = "Some", code: str = "E12345") -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "name": name, "message": "why"}}


@pytest.mark.parametrize(
    ("status", "content", "family"),
    [
        (401, v1_error("auth_error"), ErrorFamily.STOP_ACCOUNT),
        (402, v1_error("billing_error"), ErrorFamily.STOP_ACCOUNT),
        (422, v1_error("validation_error", "WhatsAppTemplateParameterMismatch"), ErrorFamily.STOP_TEMPLATE),
        (422, v1_error("validation_error", "WhatsAppInvalidRecipient"), ErrorFamily.NEVER),
        (422, v1_error("validation_error", "WhatsAppSenderNotFound"), ErrorFamily.STOP_ACCOUNT),
        (404, v1_error("not_found_error"), ErrorFamily.STOP_TEMPLATE),
        (409, v1_error("conflict_error"), ErrorFamily.MAYBE_SENT),
        (500, v1_error("internal_error"), ErrorFamily.MAYBE_SENT),
        (400, v1_error("cosmic_error"), ErrorFamily.MAYBE_SENT),
    ],
)
def test_a_v1_error_is_its_names_family_else_its_types(status: int, content: Any, family: ErrorFamily) -> None:
    found = answer(status, content)
    assert isinstance(found, Failed)
    assert (found.family, found.code) == (family, "E12345")
    assert found.detail == f"{content['error']['name']}: why"


@pytest.mark.parametrize(
    ("status", "content", "family"),
    [
        (422, {"code": "InvalidPayload", "message": "m", "details": {".receiver": ["x"]}}, ErrorFamily.NEVER),
        (422, {"code": "InvalidPayload", "message": "m", "details": {".template.locale": ["x"]}},
         ErrorFamily.STOP_TEMPLATE),
        # one person's value must not stop everybody
        (422, {"code": "InvalidPayload", "message": "m", "details": {".template.parameters[0].value": ["x"]}},
         ErrorFamily.NEVER),
        (422, {"code": "InvalidPayload", "message": "m", "details": {".template.parameters": ["2, not 1"]}},
         ErrorFamily.STOP_TEMPLATE),
        (401, {"code": "Unauthorized", "message": "m"}, ErrorFamily.STOP_ACCOUNT),
        (404, {"code": "NotFound", "message": "m"}, ErrorFamily.STOP_ACCOUNT),
        (429, {"code": "TooManyRequests", "message": "m"}, ErrorFamily.RETRY),
        (503, {"code": "Unavailable", "message": "m"}, ErrorFamily.MAYBE_SENT),
    ],
)  # fmt: skip
def test_a_channels_error_is_its_statuss_family(status: int, content: Any, family: ErrorFamily) -> None:
    found = answer(status, content)
    assert isinstance(found, Failed)
    assert (found.family, found.code) == (family, content["code"])


def classic_error(code: int, parameter: str | None = None) -> dict[str, Any]:
    return {"errors": [{"code": code, "description": "why", "parameter": parameter}]}


@pytest.mark.parametrize(
    ("status", "content", "family"),
    [
        (401, classic_error(2), ErrorFamily.STOP_ACCOUNT),
        (401, classic_error(1001), ErrorFamily.STOP_ACCOUNT),
        (402, classic_error(25), ErrorFamily.STOP_ACCOUNT),
        (422, classic_error(10, "to"), ErrorFamily.NEVER),
        (422, classic_error(10, "content.hsm.templateName"), ErrorFamily.STOP_TEMPLATE),
        (422, classic_error(10, "content.hsm.params[0].default"), ErrorFamily.NEVER),  # one person's value
        (422, classic_error(10, "content.hsm.params"), ErrorFamily.STOP_TEMPLATE),
        (429, classic_error(21), ErrorFamily.RETRY),
        (500, classic_error(99), ErrorFamily.MAYBE_SENT),
        (400, classic_error(4711), ErrorFamily.MAYBE_SENT),
    ],
)
def test_a_classic_error_is_its_codes_family(status: int, content: Any, family: ErrorFamily) -> None:
    found = answer(status, content)
    assert isinstance(found, Failed)
    assert (found.family, found.code) == (family, str(content["errors"][0]["code"]))


@pytest.mark.parametrize(
    ("status", "content", "family"),
    [
        (502, "<html>", ErrorFamily.MAYBE_SENT),
        (202, {}, ErrorFamily.MAYBE_SENT),
        (202, {"id": None}, ErrorFamily.MAYBE_SENT),
        (400, {"error": None}, ErrorFamily.MAYBE_SENT),
        (400, {"errors": []}, ErrorFamily.MAYBE_SENT),
        (400, [], ErrorFamily.MAYBE_SENT),
        (429, "slow down", ErrorFamily.RETRY),
        (401, "who are you", ErrorFamily.STOP_ACCOUNT),
    ],
)
def test_an_answer_that_is_not_birds_may_have_been_sent_unless_its_status_says_no(
    status: int, content: Any, family: ErrorFamily
) -> None:
    found = answer(status, content, {"retry-after": "7"})
    assert isinstance(found, Failed)
    assert (found.family, found.retry_after) == (family, 7.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "error", "errors", "code", "to"]), inner),
    max_leaves=12,
)


@given(JSON, st.sampled_from([200, 202, 400, 404, 429, 500]))
def test_no_answer_makes_the_outcome_raise(content: Any, status: int) -> None:
    response = httpx.Response(status, content=json.dumps(content).encode())
    assert isinstance(messagebird.outcome(response), Accepted | Failed)


def test_every_code_of_the_published_lists_has_a_family() -> None:
    codes = {"insufficient_balance", "price_not_found", "internal_error", "undeliverable", "service_window_expired",
             "rate_limited", "recipient_suppressed", "media_rejected"}  # fmt: skip
    assert codes <= set(_bird_v1.ERRORS) <= set(messagebird.ERRORS)
    assert _bird_v1.family("rate_limited") is ErrorFamily.RETRY
    assert _bird_v1.family("something_new") is ErrorFamily.MAYBE_SENT
    assert _messagebird_classic.family("131049") is META_ERRORS[131049]


def test_each_dialect_says_what_it_can_do() -> None:
    v1, channels, classic = (messagebird.describe({"dialect": name}) for name in DIALECTS)
    assert messagebird.describe({}) == v1
    assert (v1.base_url, v1.sending_secrets) == ("https://eu1.platform.bird.com/v1", ("token",))
    assert messagebird.describe({"region": "us1"}).base_url == "https://us1.platform.bird.com/v1"
    assert [(can.idempotency_key, can.user_id_recipients, can.named_parameters, can.has_history)
            for can in (v1, channels, classic)] == [
        (True, True, True, True), (False, True, True, True), (False, False, False, False)]  # fmt: skip
    assert classic.history.startswith("none")
    assert messagebird.describe({"messages_per_second": "5"}).messages_per_second == 5
    with pytest.raises(ValueError, match="region is eu1 or us1"):
        messagebird.describe({"region": "moon"})


SINCE = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_history_is_asked_for_page_by_page() -> None:
    assert messagebird.history is not None
    first = messagebird.history.request(V1, SINCE, None)
    assert dict(first.url.params) == {"limit": "100", "created_after": "2026-07-01T12:00:00.000Z"}
    assert messagebird.history.request(V1, SINCE, "c2").url.params["starting_after"] == "c2"
    second = messagebird.history.request(CHANNELS, SINCE, "t2")
    assert second.url.path == "/workspaces/ws-1/channels/a1405560/messages"
    assert (second.url.params["pageToken"], second.headers["authorization"]) == ("t2", "AccessKey secret-key")
    with pytest.raises(ValueError, match="no list of messages"):
        messagebird.history.request(CLASSIC, SINCE, None)


def test_templates_are_listed_a_language_each_by_v1_alone() -> None:
    assert messagebird.templates is not None
    assert messagebird.templates.list_request(V1, "c2").url.params["starting_after"] == "c2"
    languages = {
        "pt-BR": {"status": "approved"},
        "en": {"status": "rejected", "rejection": {"reason": "Parameters are adjacent."}},
    }
    row = {"id": "wat_1", "slug": "spring_sale", "category": "marketing", "languages": languages}
    answered = httpx.Response(200, json={"data": [row], "next_cursor": "c3"})
    page = messagebird.templates.read_list(answered)
    assert not isinstance(page, Failed)
    states, following = page
    assert [(s.name, s.language, s.status, s.reason, s.provider_id) for s in states] == [
        ("spring_sale", "pt_BR", "approved", "", "wat_1"),
        ("spring_sale", "en", "rejected", "Parameters are adjacent.", "wat_1"),
    ]
    assert following == "c3"
    with pytest.raises(ValueError, match="dialect v1 only"):
        messagebird.templates.list_request(CHANNELS, None)
    with pytest.raises(ValueError, match="dashboard only"):
        messagebird.templates.submit_request(TemplateDraft("new", "en", "marketing", "Hi"), V1, [])


CHECKED = [
    (V1, "/v1/whatsapp/numbers",
     {"data": [{"phone_number": "+15550001111", "status": "connected", "quality_rating": "green"}]},
     {"number": "+15550001111", "status": "connected", "quality": "green", "tier": None}),
    (CHANNELS, "/workspaces/ws-1/channels/a1405560", {"identifier": "+1555", "name": "Shop", "status": "active"},
     {"number": "+1555", "name": "Shop", "status": "active"}),
    (CLASSIC, "/v1/conversations", {"totalCount": 3, "items": []}, {"conversations": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("channel", "path", "content", "found"), CHECKED, ids=list(DIALECTS))
def test_the_account_is_asked_something_harmless(channel: Channel, path: str, content: Any, found: Any) -> None:
    (check,) = messagebird.checks
    asked = check.request(channel)
    assert (asked.method, asked.url.path) == ("GET", path)
    assert check.read(httpx.Response(200, json=content)) == found
    refused = check.read(httpx.Response(401, json=classic_error(2)))
    assert isinstance(refused, Failed)
    assert refused.family is ErrorFamily.STOP_ACCOUNT


def test_a_number_that_the_workspace_does_not_have_is_said_so() -> None:
    found = messagebird.checks[0].read(httpx.Response(200, json={"data": []}))
    assert isinstance(found, Failed)
    assert found.code == "no_number"


def test_no_secret_shows_in_a_channels_repr() -> None:
    assert not any(secret in repr(channel) for channel in DIALECTS.values() for secret in SECRETS.values())
