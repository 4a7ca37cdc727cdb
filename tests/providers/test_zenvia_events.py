"""Zenvia's webhooks -> message events."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import ZENVIA_SPECIFICATION, needs

from wabench.events import EventType, MessageEvent
from wabench.providers import zenvia
from wabench.providers.errors import Unparsable

SENDER, ANA = "551140028922", "5511987654321"


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
    assert (event.content_type, event.template_name) == ("template", "t")


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
