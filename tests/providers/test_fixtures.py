"""Every payload that the providers' own sources show: normalised as it says, or `unknown`; none lost, none raises."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from shared import FIXTURES

from wabench import providers
from wabench.events import MessageEvent
from wabench.providers.base import Accepted, Failed, Provider

FOLDERS = {
    "meta_openapi": "meta",
    "twilio_oas": "twilio",
    "bird_schema_examples": "messagebird",
    "messagebird_go_testdata": "messagebird",
    "zenvia_oas": "zenvia",
}
"""Whose payloads stand where."""

SHEENA, SHOP = "+16505551234", "106540352242922"
WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQz"
WAM, PERSON, ID = "wam_01krdgeqcxet5s7t44vh8rt9mg", "+15550001111", "NL.xxxx"

# Read off each payload by eye: type, time, phone, user id, message id, direction, content, text, error.
Row = tuple[str, str | None, str | None, str | None, str | None, str | None, str | None, str | None, str | None]
META: dict[str, Row] = {
    "button_message": ("received", "2025-06-16T16:24:05+00:00", SHEENA, None,
                       f"{WAMID}QUU0M0MxQzQzMUJCMTMwNUZFOQA=", "in", "button", "Unsubscribe", None),
    "contact_sharing_message": ("received", "2025-04-11T04:08:16+00:00", SHEENA, None,
                                f"{WAMID}QTRBNjU5OUFFRTAzODEwMTQ0RgA=", "in", "contacts", None, None),
    "image_message": ("received", "2025-04-11T04:08:16+00:00", SHEENA, None,
                      f"{WAMID}QTRBNjU5OUFFRTAzODEwMTQ0RgA=", "in", "image", "Taj Mahal", None),
    "interactive_button_reply_message": ("received", "2025-06-15T22:05:36+00:00", SHEENA, None,
                                         f"{WAMID}QTZBQzg0MzQ4QjRCM0NGNkVGOAA=", "in", "interactive", "Cancel", None),
    "interactive_list_reply_message": ("received", "2025-06-13T22:42:55+00:00", SHEENA, None,
                                       f"{WAMID}QUJDQ0NDM0FEODY4ODkzOTc5RgA=", "in", "interactive",
                                       "Priority Mail Express", None),
    "location_message": ("received", "2025-04-11T04:08:16+00:00", SHEENA, None,
                         f"{WAMID}QTU2MjZEMDBGRkE3MENEMDE0RQA=", "in", "location", "Philz Coffee", None),
    "order_message": ("received", "2025-06-16T17:52:05+00:00", SHEENA, None,
                      f"{WAMID}QTEyQjFGNzI1QTQxMjI5QTMyOQA=", "in", "order", None, None),
    "reaction_message": ("reaction", "2025-06-08T21:52:24+00:00", SHEENA, None,
                         f"{WAMID}QTRBNjU5OUFFRTAzODEwMTQ0RgA=", "in", "reaction", "👍", None),
    "system_message": ("identity_update", "2025-06-18T17:55:42+00:00", "+12195555358", None,
                       "wamid.HBgLMTk4MzU1NTE5NzQVAgASGAoxMTgyMDg2MjY3AA==", "in", "system", SHEENA, None),
    "text_message": ("received", "2025-06-08T20:59:43+00:00", SHEENA, None,
                     f"{WAMID}QTRBNjU5OUFFRTAzODEwMTQ0RgA=", "in", "text", "Does it come in another color?", None),
    "text_message_from_click_to_whatsapp_ad": ("received", "2025-06-18T19:46:32+00:00", SHEENA, None,
                                               f"{WAMID}QUQ0N0VFMDA2MTQ0RkJFNkNDNAA=", "in", "text",
                                               "Hello! Can I get more info on this?", None),
    "text_message_with_context_product_inquiry": ("received", "2025-06-15T19:46:40+00:00", SHEENA, None,
                                                  f"{WAMID}QTA2NTUwRkNEMDdFQjJCRUU0NQA=", "in", "text",
                                                  "Is this still available?", None),
    "unsupported_message": ("received", "2025-06-16T16:18:22+00:00", SHEENA, None,
                            "wamid.HBgLMTQyMDU1NTA3NDkVAgASGBI5N0MwRjg0RTVBNUI1RDA2OTkA", "in", "unsupported", None,
                            "131051"),
}  # fmt: skip
BIRD: dict[str, Row] = {
    "EventWhatsAppAccepted": ("accepted", "2026-06-01T17:00:12+00:00", PERSON, ID, WAM, "out", None, None, None),
    "EventWhatsAppSent": ("sent", "2026-06-01T17:00:12+00:00", PERSON, ID, WAM, "out", None, None, None),
    "EventWhatsAppDelivered": ("delivered", "2026-06-01T17:00:12+00:00", PERSON, ID, WAM, "out", None, None, None),
    "EventWhatsAppRead": ("read", "2026-06-01T17:00:12+00:00", PERSON, ID, WAM, "out", None, None, None),
    "EventWhatsAppFailed": ("failed", "2026-07-16T12:00:00+00:00", PERSON, ID, WAM, "out", None, None,
                            "insufficient_balance"),
    "EventWhatsAppFailedWritable": ("failed", "2026-07-16T12:00:00+00:00", PERSON, ID, WAM, "out", None, None,
                                    "insufficient_balance"),
    "EventWhatsAppRejected": ("failed", "2026-07-23T12:00:00+00:00", PERSON, ID, WAM, "out", None, None,
                              "insufficient_balance"),
    "EventWhatsAppRejectedWritable": ("failed", "2026-07-23T12:00:00+00:00", PERSON, ID, WAM, "out", None, None,
                                      "insufficient_balance"),
    "EventWhatsAppReceived": ("received", "2026-07-16T12:00:00+00:00", PERSON, ID, WAM, "in", None, None, None),
    "EventWhatsAppReceivedWritable": ("received", "2026-07-16T12:00:00+00:00", PERSON, ID, WAM, "in", None, None, None),
}  # fmt: skip
CLASSIC: dict[str, Row] = {
    name: ("received", "2018-08-24T09:49:01+00:00", None, None, "mesid", "in", "text", said, None)
    for name, said in [("messageObject", "Hello world"), ("messageListObject", "Foo"), ("allMessageListObject", "Foo")]
}
ROWS = {"meta_openapi/webhooks": META, "bird_schema_examples": BIRD, "messagebird_go_testdata": CLASSIC}
EXPECTED = {f"{folder}/{name}.json": row for folder, rows in ROWS.items() for name, row in rows.items()}


def payloads(folder: str = "") -> list[str]:
    """List the payloads' paths; none where the folder is not there, which skips what is asked of them."""
    found = (path.relative_to(FIXTURES) for path in sorted((FIXTURES / folder).rglob("*.json")))
    return [str(path) for path in found if path.parts[0] in FOLDERS]


def provider_of(path: str) -> Provider:
    return providers.get(FOLDERS[Path(path).parts[0]])


def said(event: MessageEvent) -> Row:
    at = event.occurred_at.isoformat() if event.occurred_at else None
    return (event.event_type, at, event.phone, event.user_id, event.message_id, event.direction, event.content_type,
            event.body_text, event.error_code)  # fmt: skip


@pytest.mark.parametrize("path", payloads())
def test_every_payload_is_normalised_as_it_says_or_unknown(path: str) -> None:
    events = provider_of(path).parse((FIXTURES / path).read_bytes())
    assert events
    assert all(event.event_id.startswith(f"{provider_of(path).name}:") for event in events)
    if path in EXPECTED:
        assert {said(event) for event in events} == {EXPECTED[path]}
    else:
        assert {event.event_type for event in events} == {"unknown"}


@pytest.mark.parametrize("path", EXPECTED)
def test_a_payload_that_is_expected_is_there(path: str) -> None:
    if not FIXTURES.exists():
        pytest.skip("WABENCH_SHARED has no fixtures")
    assert (FIXTURES / path).exists()


@pytest.mark.parametrize("path", payloads())
def test_every_payload_gives_the_same_ids_however_often_it_is_read(path: str) -> None:
    parse, body = provider_of(path).parse, (FIXTURES / path).read_bytes()
    assert [e.event_id for e in parse(body)] == [e.event_id for e in parse(body)]


def more_of(path: str) -> MessageEvent:
    if not (FIXTURES / path).exists():
        pytest.skip("WABENCH_SHARED has no fixtures")
    return provider_of(path).parse((FIXTURES / path).read_bytes())[0]


def test_metas_payloads_keep_the_name_the_reply_the_ad_and_the_number() -> None:
    event = more_of("meta_openapi/webhooks/button_message.json")
    assert (event.profile_name, event.channel_id) == ("Sheena Nelson", SHOP)
    assert event.reply_to_message_id == "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJFNjk2OTMwNEZCQjhGMzUyQUYA"
    event = more_of("meta_openapi/webhooks/text_message_from_click_to_whatsapp_ad.json")
    assert (event.ad_click_id or "").startswith("Aff-n8ZTODiE79d22KtAwQKj9e")
    assert more_of("meta_openapi/webhooks/unsupported_message.json").error_family == "never"


def twilio_messages() -> Iterator[tuple[str, dict[str, object]]]:
    for path in payloads("twilio_oas"):
        value = json.loads((FIXTURES / path).read_bytes())
        for message in value.get("messages", [value]):
            yield path, message


@pytest.mark.parametrize(("path", "message"), [pytest.param(*each, id=each[0]) for each in twilio_messages()])
def test_twilios_rest_messages_are_read_back_those_of_whatsapp_as_they_say(path: str, message: dict) -> None:
    twilio = providers.get("twilio")
    assert twilio.history is not None
    events, following = twilio.history.read(json.dumps({"messages": [message], "next_page_uri": None}).encode())
    assert following is None
    ends = [str(message[end]) for end in ("from", "to")]
    if not any(end.startswith("whatsapp:") for end in ends):
        assert events == []  # an SMS of the same account is no message of ours
        return
    assert path.endswith("createScheduledMessageWhatsapp.json")
    assert {(e.message_id, e.phone, e.direction) for e in events} == {(f"SM{'a' * 32}", "+15558675310", "out")}
    assert events[0].event_type == "accepted"
    assert events[0].occurred_at is not None
    assert events[0].occurred_at.isoformat() == "2021-11-29T22:40:10+00:00"


@pytest.mark.parametrize("path", [path for path in payloads("twilio_oas") if "messages__get" in path])
def test_twilios_pages_are_read_back_to_their_end(path: str) -> None:
    twilio = providers.get("twilio")
    assert twilio.history is not None
    _, following = twilio.history.read((FIXTURES / path).read_bytes())
    assert (following is not None) == path.endswith("readFullPage1.json")


def test_birds_list_of_messages_is_read_back() -> None:
    path = FIXTURES / "bird_schema_examples/WhatsAppMessageList.json"
    if not path.exists():
        pytest.skip("WABENCH_SHARED has no fixtures")
    history = providers.get("messagebird").history
    assert history is not None
    events, following = history.read(path.read_bytes())
    assert {(e.message_id, e.phone, e.user_id) for e in events} == {(WAM, PERSON, ID)}
    assert following == "string"


def answers() -> Iterator[tuple[str, str | None]]:
    """List what the sources show as answers to a send, and the message's id in each; None where it is a refusal."""
    for path in payloads("meta_openapi/requests"):
        if "response_200" in path and not Path(path).name.startswith("message_templates"):
            messages = json.loads((FIXTURES / path).read_bytes()).get("messages")
            yield path, messages[0]["id"] if messages else None
    for path in payloads("twilio_oas"):
        if "__post_201" in path:
            yield path, f"SM{'a' * 32}" if "Mms" not in path else f"MM{'a' * 32}"
    if payloads("bird_schema_examples"):
        yield "bird_schema_examples/WhatsAppMessage.json", WAM
        yield "bird_schema_examples/Error.json", None
        yield "messagebird_go_testdata/messageSendResponse.json", "2e15efafec384e1c82e9842075e87beb"


@pytest.mark.parametrize(("path", "message_id"), list(answers()))
def test_every_answer_to_a_send_is_an_outcome(path: str, message_id: str | None) -> None:
    status = 201 if message_id else 400
    outcome = provider_of(path).outcome(httpx.Response(status, content=(FIXTURES / path).read_bytes()))
    assert isinstance(outcome, Accepted if message_id else Failed)
    assert not isinstance(outcome, Accepted) or outcome.message_id == message_id


@pytest.mark.parametrize("path", [p for p in payloads("meta_openapi/requests") if "message_templates__response" in p])
def test_metas_answers_about_templates_are_read(path: str) -> None:
    templates = providers.get("meta").templates
    assert templates is not None
    response = httpx.Response(200, content=(FIXTURES / path).read_bytes())
    found = templates.read_list(response) if "data" in response.json() else templates.read_submitted(response)
    assert not isinstance(found, Failed)
