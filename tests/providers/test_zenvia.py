"""Zenvia: its webhooks, send call and answers, templates and checks, and what its stand-in makes of them."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import ZENVIA_SPECIFICATION, needs

from wabench.events import EventType, MessageEvent
from wabench.providers import zenvia
from wabench.providers.base import (
    Accepted,
    Channel,
    Content,
    Failed,
    Media,
    Message,
    Template,
    TemplateDraft,
    TemplateState,
    Text,
)
from wabench.providers.errors import ErrorFamily, Unparsable

SENDER, ANA = "551140028922", "5511987654321"
CHANNEL = Channel("https://api.zenvia.com/v2/", SENDER, secrets={"token": "secret-token"})
SALE = Template("spring_sale", "pt_BR", "marketing", {"first_name": "Ana", "code": "10"}, True, "c2c3e42d")


def only(body: Any) -> MessageEvent:
    (event,) = zenvia.parse(json.dumps(body).encode())
    return event


def message(*contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"id": "m1", "from": ANA, "to": SENDER, "direction": "IN", "contents": list(contents),
            "timestamp": "2026-07-01T12:00:00Z", "visitor": {"name": "Ana Lima", "firstName": "Ana"}}  # fmt: skip
    return {"id": "event", "type": "MESSAGE", "channel": "whatsapp", "direction": "IN", "message": said | more}


def status(code: str, **more: Any) -> dict[str, Any]:
    about = {"id": "m9", "externalId": "wb:1", "contentIndex": 0, "direction": "OUT", "from": SENDER, "to": ANA}
    return {
        "id": "event",
        "type": "MESSAGE_STATUS",
        "channel": "whatsapp",
        "message": about,
        "messageStatus": {"timestamp": "2026-07-01T09:00:00.500-03:00", "code": code} | more,
    }


CONTENTS = [
    ({"type": "text", "text": "Olá"}, "text", "Olá"),
    ({"type": "text", "text": "Yes", "payload": "YES"}, "button", "Yes"),
    ({"type": "file", "fileUrl": "https://x.example/1", "fileMimeType": "image/jpeg", "fileCaption": "look"}, "image",
     "look"),
    ({"type": "file", "fileUrl": "https://x.example/1", "fileMimeType": "image/webp"}, "sticker", None),
    ({"type": "file", "fileUrl": "https://x.example/1", "fileMimeType": "video/mp4"}, "video", None),
    ({"type": "file", "fileUrl": "https://x.example/1", "fileMimeType": "audio/ogg; codecs=opus"}, "audio", None),
    ({"type": "file", "fileUrl": "https://x.example/1", "fileMimeType": "application/pdf", "fileName": "a.pdf"},
     "document", "a.pdf"),
    ({"type": "file", "fileUrl": "https://x.example/1"}, "document", None),
    ({"type": "location", "latitude": 1.5, "longitude": 2, "name": "Home"}, "location", "Home"),
    ({"type": "contacts", "contacts": [{"name": {"formattedName": "Eva Reis"}}]}, "contacts", "Eva Reis"),
    ({"type": "flow_response", "token": "t", "body": "Sent", "data": {"a": 1}}, "interactive", "Sent"),
    ({"type": "product_list_order", "catalogId": "1", "productItems": [], "text": "two"}, "order", "two"),
    ({"type": "unsupported"}, "unsupported", None),
]  # fmt: skip


@pytest.mark.parametrize(("content", "kind", "said"), CONTENTS)
def test_each_content_type_becomes_an_event_with_its_text(content: dict, kind: str, said: str | None) -> None:
    event = only(message(content))
    assert (event.event_type, event.content_type, event.body_text) == ("received", kind, said)
    assert (event.message_id, event.phone, event.channel_id) == ("m1", "+" + ANA, SENDER)
    assert (event.direction, event.profile_name) == ("in", "Ana Lima")
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == "2026-07-01T12:00:00+00:00"


def test_a_content_that_is_not_documented_is_unknown_and_keeps_its_word() -> None:
    event = only(message({"type": "hologram"}))
    assert (event.event_type, event.content_type, event.message_id) == ("unknown", "hologram", "m1")


def test_several_contents_are_several_events_of_one_message() -> None:
    body = message({"type": "text", "text": "a"}, {"type": "text", "text": "b"}, {"type": "unsupported"})
    events = zenvia.parse(json.dumps(body).encode())
    assert [e.event_id for e in events] == ["zenvia:m1:text", "zenvia:m1:text:1", "zenvia:m1:unsupported:2"]
    assert {e.message_id for e in events} == {"m1"}


def test_an_ad_click_a_reply_and_a_name_in_two_parts_are_kept() -> None:
    event = only(
        message(
            {"type": "text", "text": "hi"},
            visitor={"firstName": "Ana", "lastName": "Lima"},
            referral={"ctwaId": "clid", "source": {"id": "7", "type": "ad"}},
            idRef="m0",
        )
    )
    assert (event.ad_click_id, event.reply_to_message_id, event.profile_name) == ("clid", "m0", "Ana Lima")
    referral = {"source": {"id": "7", "type": "ad"}}
    assert only(message({"type": "text", "text": "hi"}, referral=referral)).ad_click_id == "7"


def test_a_message_out_of_the_console_or_ours_is_accepted_and_says_whose_it_is() -> None:
    body = message({"type": "template", "templateId": "t"}, **{"from": SENDER, "to": ANA, "direction": "OUT"})
    event = only(body | {"direction": "OUT"})
    assert (event.event_type, event.direction, event.phone, event.channel_id) == ("accepted", "out", "+" + ANA, SENDER)
    assert event.content_type == "template"


STATUSES = [
    ("SENT", "sent"),
    ("DELIVERED", "delivered"),
    ("VERIFIED", "delivered"),
    ("READ", "read"),
    ("REJECTED", "failed"),
    ("NOT_DELIVERED", "failed"),
    ("DELETED", "deleted"),
    ("TELEPORTED", "unknown"),
]


@pytest.mark.parametrize(("code", "kind"), STATUSES)
def test_each_status_becomes_an_event_with_its_callback(code: str, kind: str) -> None:
    event = only(status(code))
    assert (event.event_id, event.event_type) == (f"zenvia:m9:{code}", kind)
    assert (event.message_id, event.callback_data, event.direction) == ("m9", "wb:1", "out")
    assert (event.phone, event.channel_id) == ("+" + ANA, SENDER)
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == "2026-07-01T12:00:00.500000+00:00"


def test_a_click_says_which_button_and_each_click_counts() -> None:
    context = {"button": {"type": "link", "payload": "https://x.example"}}
    first = only(status("CLICKED", context=context))
    again = only(status("CLICKED", context=context, timestamp="2026-07-01T12:05:00Z"))
    assert (first.event_type, first.content_type, first.body_text) == ("clicked", "link", "https://x.example")
    assert first.event_id != again.event_id


def test_statuses_of_two_contents_are_two_events_of_one_message() -> None:
    second = status("READ")
    second["message"] = second["message"] | {"contentIndex": 1}
    assert only(status("READ")).event_id == "zenvia:m9:READ"
    assert only(second).event_id == "zenvia:m9:READ:1"


def test_the_older_place_of_message_id_and_content_index_is_read() -> None:
    body = status("READ") | {"messageId": "old", "contentIndex": 2, "message": {}}
    assert (only(body).event_id, only(body).message_id) == ("zenvia:old:READ:2", "old")


@pytest.mark.parametrize(
    ("code", "family"), [("131026", "never"), ("131049", "never"), ("132015", "stop_template"), ("470", "maybe_sent")]
)
def test_a_failure_has_metas_code_and_its_family(code: str, family: str) -> None:
    event = only(status("NOT_DELIVERED", causes=[{"channelErrorCode": code, "reason": "r", "details": "d"}]))
    assert (event.event_type, event.error_code, event.error_family) == ("failed", code, family)


def test_a_failure_because_the_person_stopped_promotions_is_an_opt_out_too() -> None:
    body = status("NOT_DELIVERED", causes=[{"channelErrorCode": "131050"}])
    failed, opt_out = zenvia.parse(json.dumps(body).encode())
    assert (failed.event_type, opt_out.event_type, opt_out.phone) == ("failed", "opt_out", "+" + ANA)
    assert opt_out.message_id is None


def test_the_same_event_told_by_two_subscriptions_is_one() -> None:
    told = [status("READ") | {"id": each, "subscriptionId": each} for each in ("one", "two")]
    assert len({only(body).event_id for body in told}) == 1


@pytest.mark.parametrize(
    "kind", ["CONVERSATION_STATUS", "CONVERSATION_MESSAGE", "SUPPORT_EXPERT_AGENT", "CONTACT", "X"]
)
def test_an_event_of_another_kind_is_kept_as_unknown(kind: str) -> None:
    event = only({"id": "1", "type": kind, "timestamp": "2026-07-01T12:00:00Z"})
    assert (event.event_type, event.content_type) == ("unknown", kind)
    assert event.occurred_at is not None


def test_an_event_of_another_channel_is_no_whatsapp_message() -> None:
    assert only(status("READ") | {"channel": "sms"}).event_type == "unknown"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "message", "messageStatus", "contents", "id", "code", "timestamp", "causes", "from",
                         "to", "direction", "contentIndex", "context", "button", "visitor", "referral", "channel"]),
        inner | st.sampled_from(["MESSAGE", "MESSAGE_STATUS", "IN", "text", "whatsapp", "SENT", "9" * 30]),
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@given(json_values)
def test_any_json_at_all_becomes_at_least_one_event(value: object) -> None:
    events = zenvia.parse(json.dumps(value).encode())
    assert events
    assert {e.event_type for e in events} <= set(EventType)


@given(json_values, json_values)
def test_any_message_and_any_status_becomes_at_least_one_event(value: object, other: object) -> None:
    said = {"type": "MESSAGE", "message": {"id": "m", "contents": [value], "visitor": other, "timestamp": value}}
    told = {"type": "MESSAGE_STATUS", "message": value, "messageId": "m", "messageStatus": {"code": other}}
    told |= {"contentIndex": value}
    assert zenvia.parse(json.dumps([said, told]).encode())


@given(st.binary())
def test_bytes_that_are_no_json_are_unparsable_and_nothing_worse(body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError:
        with pytest.raises(Unparsable):
            zenvia.parse(body)


def sent(content: Content, phone: str | None = "+" + ANA) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zenvia.request(Message(phone, "BR.1", content, "wb:1"), CHANNEL).content)
    return found


SENDABLE: Mapping[str, tuple[Content, dict[str, Any]]] = {
    "template": (SALE, {"type": "template", "templateId": "c2c3e42d", "fields": {"first_name": "Ana", "code": "10"}}),
    "plain template": (
        Template("hello", "en", "utility", provider_id="t2"),
        {"type": "template", "templateId": "t2"},
    ),
    "text": (Text("See https://shop.example", True), {"type": "text", "text": "See https://shop.example"}),
    "image": (
        Media("image", "https://shop.example/a.JPG?x=1", "New"),
        {"type": "file", "fileUrl": "https://shop.example/a.JPG?x=1", "fileMimeType": "image/jpeg",
         "fileCaption": "New"},
    ),
    "document": (
        Media("document", "https://shop.example/a.pdf", "", "a.pdf"),
        {"type": "file", "fileUrl": "https://shop.example/a.pdf", "fileMimeType": "application/pdf",
         "fileName": "a.pdf"},
    ),
    "file of no known type": (
        Media("image", "https://shop.example/a"),
        {"type": "file", "fileUrl": "https://shop.example/a"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "wanted"), SENDABLE.values(), ids=SENDABLE)
def test_a_message_is_one_content_with_our_callback(content: Content, wanted: dict[str, Any]) -> None:
    assert sent(content) == {"from": SENDER, "to": ANA, "contents": [wanted], "externalId": "wb:1"}


def test_the_call_goes_to_the_channel_with_the_token() -> None:
    request = zenvia.request(Message("+" + ANA, None, Text("x"), "wb:1"), CHANNEL)
    assert (request.method, str(request.url)) == ("POST", "https://api.zenvia.com/v2/channels/whatsapp/messages")
    assert request.headers["x-api-token"] == "secret-token"


@pytest.mark.parametrize(
    ("content", "phone", "why"),
    [
        (SALE, None, "phone"),
        (Template("sale", "en", "marketing"), "+" + ANA, "'sale' needs Zenvia's own id"),
        (Media("document", "https://shop.example/a.pdf", "caption"), "+" + ANA, "caption"),
    ],
)
def test_what_zenvia_can_not_say_is_an_error(content: Content, phone: str | None, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sent(content, phone)


def specification(operation: str) -> dict[str, Any]:
    spec = json.loads(ZENVIA_SPECIFICATION.read_text(encoding="utf-8"))
    schema = spec["paths"][operation]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return {**schema, "components": spec["components"]}


@needs(ZENVIA_SPECIFICATION)
@pytest.mark.parametrize("content", [content for content, _ in SENDABLE.values()], ids=SENDABLE)
def test_a_request_fits_the_providers_published_schema(content: Content) -> None:
    jsonschema.Draft202012Validator(specification("/channels/whatsapp/messages")).validate(sent(content))


@needs(ZENVIA_SPECIFICATION)
@pytest.mark.parametrize("body", [message({"type": "text", "text": "x"}), status("READ")], ids=["message", "status"])
def test_the_webhooks_here_are_shaped_as_published(body: dict[str, Any]) -> None:
    spec = json.loads(ZENVIA_SPECIFICATION.read_text(encoding="utf-8"))
    name = "events.message-event" if body["type"] == "MESSAGE" else "events.message-status-event"
    schema = {**spec["components"]["schemas"][name], "components": spec["components"]}
    schema["components"]["schemas"]["events.message-status"] = {
        "$ref": "#/components/schemas/events.message-status-base"
    }
    schema["components"]["schemas"]["content.all"] = {"type": "object"}
    jsonschema.Draft202012Validator(schema).validate(body)


def answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Accepted | Failed:
    return zenvia.outcome(httpx.Response(status, json=content, headers=headers))


def error(code: str, path: str = "") -> dict[str, Any]:
    details = [{"code": "INVALID", "path": path, "message": "why"}] if path else []
    return {"code": code, "message": "Title", "details": details}


ERRORS = [
    (400, error("VALIDATION_ERROR"), ErrorFamily.NEVER),
    (400, error("VALIDATION_ERROR", "to"), ErrorFamily.NEVER),
    (400, error("VALIDATION_ERROR", "contents[0].templateId"), ErrorFamily.STOP_TEMPLATE),
    (400, error("VALIDATION_ERROR", "contents[0].fields.from"), ErrorFamily.NEVER),
    (400, error("VALIDATION_ERROR", "from"), ErrorFamily.STOP_ACCOUNT),
    (401, error("AUTHENTICATION_ERROR"), ErrorFamily.STOP_ACCOUNT),
    (404, error("NOT_FOUND"), ErrorFamily.STOP_ACCOUNT),
    (404, error("NOT_FOUND", "contents.0.templateId"), ErrorFamily.STOP_TEMPLATE),
    (409, error("DUPLICATED"), ErrorFamily.MAYBE_SENT),
    (500, error("INTERNAL_ERROR"), ErrorFamily.MAYBE_SENT),
    (400, error("SOMETHING_NEW"), ErrorFamily.MAYBE_SENT),
    (429, error("SOMETHING_NEW"), ErrorFamily.RETRY),
    (429, "slow down", ErrorFamily.RETRY),
    (401, "who are you", ErrorFamily.STOP_ACCOUNT),
    (502, "<html>", ErrorFamily.MAYBE_SENT),
    (200, {}, ErrorFamily.MAYBE_SENT),
    (200, {"id": None}, ErrorFamily.MAYBE_SENT),
    (200, ["m1"], ErrorFamily.MAYBE_SENT),
    (400, {"code": ["x"], "details": "y"}, ErrorFamily.MAYBE_SENT),
]


@pytest.mark.parametrize(("status", "content", "family"), ERRORS)
def test_an_error_is_its_place_and_codes_family(status: int, content: Any, family: ErrorFamily) -> None:
    found = answer(status, content)
    assert isinstance(found, Failed)
    assert found.family is family


def test_an_accepted_message_gives_its_id_and_a_refused_one_says_where() -> None:
    assert answer(200, {"id": "m1", "from": SENDER}) == Accepted("m1")
    said = answer(400, error("VALIDATION_ERROR", "to"), {"retry-after": "7"})
    assert said == Failed(ErrorFamily.NEVER, "VALIDATION_ERROR", "Title; to: why", 7.0)


@given(st.integers(200, 599), json_values)
def test_any_answer_at_all_is_an_outcome(status: int, value: object) -> None:
    assert isinstance(answer(status, value), Accepted | Failed)


LISTED = {"id": "t1", "name": "sale", "locale": "pt_BR", "category": "MARKETING", "status": "PAUSED",
          "components": {"body": {"type": "TEXT_TEMPLATE", "text": "Hi {{name}}"}}, "qualityScore": "RED",
          "comments": [{"text": "old"}, {"text": "too promotional"}]}  # fmt: skip


def test_templates_are_listed_page_by_page_with_what_is_said_of_them() -> None:
    request = zenvia.templates.list_request(CHANNEL, "3")
    assert dict(request.url.params) == {"channel": "WHATSAPP", "senderId": SENDER, "page": "3", "size": "500"}
    headers = {"x-page": "3", "x-page-size": "500", "x-total": "1501"}
    found = zenvia.templates.read_list(httpx.Response(200, json=[LISTED], headers=headers))
    state = TemplateState("sale", "pt_BR", "marketing", "paused", "Hi {{name}}", "t1", "red", "too promotional")
    assert found == ([state], "4")
    last = zenvia.templates.read_list(httpx.Response(200, json=[], headers=headers))
    assert last == ([], None)
    assert isinstance(zenvia.templates.read_list(httpx.Response(401, json=error("AUTHENTICATION_ERROR"))), Failed)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("WAITING_REVIEW", "pending"), ("WAITING_APPROVAL", "pending"), ("APPROVED", "approved"), ("REJECTED", "rejected"),
     ("DISABLED", "disabled"), ("NEW_WORD", "pending")],
)  # fmt: skip
def test_a_templates_status_is_in_our_words(theirs: str, ours: str) -> None:
    found = zenvia.templates.read_list(httpx.Response(200, json=[LISTED | {"status": theirs}]))
    assert not isinstance(found, Failed)
    assert found[0][0].status == ours


DRAFT = TemplateDraft("sale", "pt_BR", "marketing", "Hi {{name}}", {"name": "Ana"})


def test_a_template_is_submitted_in_one_call() -> None:
    request = zenvia.templates.submit_request(DRAFT, CHANNEL, [])
    assert request is not None
    assert json.loads(request.content) == {
        "name": "sale",
        "locale": "pt_BR",
        "channel": "WHATSAPP",
        "senderId": SENDER,
        "category": "MARKETING",
        "components": {"body": {"type": "TEXT_TEMPLATE", "text": "Hi {{name}}"}},
        "examples": {"name": "Ana"},
    }
    answered = httpx.Response(200, json=LISTED | {"status": "WAITING_REVIEW"})
    assert zenvia.templates.submit_request(DRAFT, CHANNEL, [answered]) is None
    state = zenvia.templates.read_submitted(answered)
    assert isinstance(state, TemplateState)
    assert (state.status, state.provider_id) == ("pending", "t1")
    assert isinstance(zenvia.templates.read_submitted(httpx.Response(409, json=error("DUPLICATED"))), Failed)


@needs(ZENVIA_SPECIFICATION)
def test_a_submission_fits_the_providers_published_schema() -> None:
    request = zenvia.templates.submit_request(DRAFT, CHANNEL, [])
    assert request is not None
    spec = json.loads(ZENVIA_SPECIFICATION.read_text(encoding="utf-8"))
    schema = {**spec["components"]["schemas"]["templates.create.whatsapp"], "components": spec["components"]}
    jsonschema.Draft202012Validator(schema).validate(json.loads(request.content))


def test_the_check_of_webhooks_says_what_is_not_heard_and_no_secret() -> None:
    webhook = {"url": "https://u:pass@hooks.shop.example/webhooks/zenvia?key=pass",
               "headers": {"X-Wabench-Secret": "pass"}}  # fmt: skip
    item = {"eventType": "MESSAGE", "webhook": webhook, "criteria": {"channel": "whatsapp"}, "status": "DEGRADED"}
    check = next(each for each in zenvia.checks if each.name == "webhooks")
    assert check.request(CHANNEL).url.path == "/v2/subscriptions"
    assert check.read(httpx.Response(200, json=[item])) == {
        "MESSAGE": "DEGRADED https://hooks.shop.example/webhooks/zenvia",
        "MESSAGE_STATUS": "no subscription: nothing of it is heard",
    }
    bare = check.read(httpx.Response(200, json=[item | {"webhook": {"url": "https://x.example"}}]))
    assert not isinstance(bare, Failed)
    assert bare["MESSAGE"] == "DEGRADED https://x.example, without X-Wabench-Secret"
    assert isinstance(check.read(httpx.Response(401, json=error("AUTHENTICATION_ERROR"))), Failed)
