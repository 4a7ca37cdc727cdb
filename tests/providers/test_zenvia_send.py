"""Zenvia's send call and its answers; templates and checks."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import ZENVIA_SPECIFICATION, needs

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
from wabench.providers.errors import ErrorFamily

SENDER, ANA = "551140028922", "5511987654321"
CHANNEL = Channel("https://api.zenvia.com/v2/", SENDER, secrets={"token": "secret-token"})
SALE = Template("spring_sale", "pt_BR", "marketing", {"first_name": "Ana", "code": "10"}, True, "c2c3e42d")


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


anything = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "code", "message", "details", "path"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.integers(200, 599), anything)
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


def test_without_a_total_pages_are_asked_for_until_one_is_short() -> None:
    asked = zenvia.templates.list_request(CHANNEL, "2")
    full = zenvia.templates.read_list(httpx.Response(200, json=[LISTED] * 500, request=asked))
    assert not isinstance(full, Failed)
    assert full[1] == "3"
    short = zenvia.templates.read_list(httpx.Response(200, json=[LISTED] * 499, request=asked))
    assert not isinstance(short, Failed)
    assert short[1] is None


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
        "MESSAGE": ["DEGRADED", "https://hooks.shop.example/webhooks/zenvia"],
        "MESSAGE_STATUS": "no subscription",
    }
    bare = check.read(httpx.Response(200, json=[item | {"webhook": {"url": "https://x.example"}}]))
    assert not isinstance(bare, Failed)
    assert bare["MESSAGE"] == ["DEGRADED", "https://x.example", "without X-Wabench-Secret"]
    assert isinstance(check.read(httpx.Response(401, json=error("AUTHENTICATION_ERROR"))), Failed)
