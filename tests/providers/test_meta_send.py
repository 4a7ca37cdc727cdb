"""Meta's send call and its answers; handshake and signature."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import jsonschema
import pytest
from shared import META_SPECIFICATION, needs

from wabench.providers import meta
from wabench.providers.base import Accepted, Channel, Failed, Media, Message, Template, Text
from wabench.providers.errors import ErrorFamily

CHANNEL = Channel("https://graph.facebook.com/v26.0/", "106540352242922", secrets={"token": "secret-token"})
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
POSITIONAL = Message(
    "+5511980000001",
    "BR.1",
    Template("spring_sale", "pt_BR", "marketing", {"1": "Ana", "2": "SALE"}),
    "wb:0123456789abcdef",
)
NAMED = Message(
    None, "BR.1", Template("spring_sale", "pt_BR", "marketing", {"first_name": "Ana"}, is_named=True), "wb:1"
)
PLAIN = Message("+5511980000001", None, Template("hello", "en", "utility"), "wb:2")
TEXT = Message("+5511980000001", None, Text("See https://shop.example", previews_link=True), "wb:3")
IMAGE = Message("+5511980000001", None, Media("image", "https://shop.example/a.jpg", "New"), "wb:4")
DOCUMENT = Message("+5511980000001", None, Media("document", "https://shop.example/a.pdf", "", "a.pdf"), "wb:5")


def body(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(meta.request(message, CHANNEL).content)
    return found


def test_a_positional_template_goes_to_the_phone() -> None:
    request = meta.request(POSITIONAL, CHANNEL)
    assert str(request.url) == "https://graph.facebook.com/v26.0/106540352242922/messages"
    assert request.headers["authorization"] == "Bearer secret-token"
    assert json.loads(request.content) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+5511980000001",
        "type": "template",
        "template": {
            "name": "spring_sale",
            "language": {"code": "pt_BR"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "SALE"}]}
            ],
        },
        "biz_opaque_callback_data": "wb:0123456789abcdef",
    }


def test_named_parameters_carry_their_names_and_a_user_id_is_the_recipient() -> None:
    sent = body(NAMED)
    assert "to" not in sent
    assert sent["recipient"] == "BR.1"
    (component,) = sent["template"]["components"]
    assert component["parameters"] == [{"type": "text", "text": "Ana", "parameter_name": "first_name"}]


def test_a_template_without_variables_has_no_components() -> None:
    assert body(PLAIN)["template"] == {"name": "hello", "language": {"code": "en"}}


def test_marketing_goes_to_the_marketing_api_where_that_is_chosen() -> None:
    channel = replace(CHANNEL, options={"marketing": "marketing_messages"})
    assert meta.request(POSITIONAL, channel).url.path == "/v26.0/106540352242922/marketing_messages"
    assert meta.request(PLAIN, channel).url.path == "/v26.0/106540352242922/messages"


def test_text_and_files_are_said_as_documented() -> None:
    assert (body(TEXT)["type"], body(TEXT)["text"]) == (
        "text",
        {"body": "See https://shop.example", "preview_url": True},
    )
    assert body(IMAGE)["image"] == {"link": "https://shop.example/a.jpg", "caption": "New"}
    assert body(DOCUMENT)["document"] == {"link": "https://shop.example/a.pdf", "filename": "a.pdf"}


@needs(META_SPECIFICATION)
@pytest.mark.parametrize("message", [POSITIONAL, PLAIN, TEXT, IMAGE, DOCUMENT])
def test_a_request_fits_the_providers_published_schema(message: Message) -> None:
    spec = json.loads(META_SPECIFICATION.read_text(encoding="utf-8"))
    operation = next(item["post"] for url, item in spec["paths"].items() if url.endswith("/messages"))
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": spec["components"]}).validate(body(message))


def answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Accepted | Failed:
    return meta.outcome(httpx.Response(status, json=content, headers=headers))


def error(code: int, details: str = "why") -> dict[str, Any]:
    return {"error": {"message": f"(#{code}) title", "code": code, "error_data": {"details": details}}}


def test_an_accepted_message_gives_its_id_and_who_it_is_for() -> None:
    contacts = [{"input": "+5511980000001", "wa_id": "5511980000001"}]
    messages = [{"id": "wamid.1", "message_status": "accepted"}]
    assert answer(200, {"contacts": contacts, "messages": messages}) == Accepted("wamid.1", "5511980000001")
    assert answer(200, {"contacts": [{"user_id": "BR.1"}], "messages": messages}) == Accepted("wamid.1", None, "BR.1")
    assert answer(200, {"messages": messages}) == Accepted("wamid.1")


@pytest.mark.parametrize(
    ("status", "code", "family"),
    [
        (400, 130429, ErrorFamily.RETRY),
        (400, 131056, ErrorFamily.RETRY),
        (400, 80007, ErrorFamily.RETRY),
        (500, 131000, ErrorFamily.MAYBE_SENT),
        (503, 2, ErrorFamily.MAYBE_SENT),
        (400, 987654, ErrorFamily.MAYBE_SENT),
        (400, 131049, ErrorFamily.NEVER),
        (400, 131026, ErrorFamily.NEVER),
        (400, 132000, ErrorFamily.STOP_TEMPLATE),
        (404, 132001, ErrorFamily.STOP_TEMPLATE),
        (401, 190, ErrorFamily.STOP_ACCOUNT),
        (403, 200, ErrorFamily.STOP_ACCOUNT),
        (400, 131048, ErrorFamily.STOP_ACCOUNT),
    ],
)
def test_an_error_is_its_codes_family_not_its_http_status(status: int, code: int, family: ErrorFamily) -> None:
    assert answer(status, error(code)) == Failed(family, str(code), "why")


@pytest.mark.parametrize(
    ("status", "content", "family"),
    [
        (502, "<html>", ErrorFamily.MAYBE_SENT),
        (200, {}, ErrorFamily.MAYBE_SENT),
        (200, {"messages": []}, ErrorFamily.MAYBE_SENT),
        (400, {"error": None}, ErrorFamily.MAYBE_SENT),
        (400, [], ErrorFamily.MAYBE_SENT),
        (429, "slow down", ErrorFamily.RETRY),
        (401, "who are you", ErrorFamily.STOP_ACCOUNT),
    ],
)
def test_an_answer_that_is_not_metas_may_have_been_sent_unless_its_status_says_no(
    status: int, content: Any, family: ErrorFamily
) -> None:
    found = answer(status, content)
    assert isinstance(found, Failed)
    assert found.family is family


def test_retry_after_is_read_when_it_is_in_seconds() -> None:
    found = answer(400, error(130429), {"retry-after": "7"})
    assert isinstance(found, Failed)
    assert found.retry_after == 7.0
    assert meta.family("not a number") is ErrorFamily.MAYBE_SENT
    assert meta.family(None) is ErrorFamily.MAYBE_SENT


def test_the_handshake_is_answered_to_our_token_only() -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": "ours"}
    assert meta.challenge(query, {"verify_token": "ours"}) == "42"
    assert meta.challenge(query, {"verify_token": "other"}) is None
    assert meta.challenge(query | {"hub.verify_token": ""}, {}) is None
    assert meta.challenge(query | {"hub.mode": "unsubscribe"}, {"verify_token": "ours"}) is None


def test_a_signature_is_ours_or_is_not() -> None:
    secrets = {"app_secret": "key"}
    headers = {"x-hub-signature-256": meta.sign(b"body", secrets)}
    assert meta.verify(b"body", headers, "", secrets, NOW)
    assert not meta.verify(b"body ", headers, "", secrets, NOW)
    assert not meta.verify(b"body", {}, "", secrets, NOW)
    assert not meta.verify(b"body", {"x-hub-signature-256": "ключ"}, "", secrets, NOW)
    assert not meta.verify(b"body", headers, "", {}, NOW)
