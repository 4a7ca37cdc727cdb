"""Bird's webhooks and lists, of all three APIs -> message events."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench.events import EventType, MessageEvent
from wabench.providers import messagebird
from wabench.providers.errors import Unparsable

SHOP, ANA, BSUID = "+15550001111", "+5511987654321", "BR.13491208655302741918"
WAM, REPLY = "wam_01krdgeqcxet5s7t44vh8rt9mg", "wam_01kya19eknftrs2s6p82asmvnh"
AT = "2026-06-01T17:00:12.250Z"
WHEN = "2026-06-01T17:00:12.250000+00:00"


def parse(content: Any, query: str = "") -> list[MessageEvent]:
    return messagebird.parse(json.dumps(content).encode(), query)


def only(content: Any, query: str = "") -> MessageEvent:
    (event,) = parse(content, query)
    return event


def v1(kind: str, **data: Any) -> dict[str, Any]:
    frame = {
        "whatsapp_id": WAM,
        "workspace_id": "ws_1",
        "direction": "outbound",
        "from": {"phone_number": SHOP},
        "to": {"phone_number": ANA, "bsuid": BSUID},
        "tags": None,
        "metadata": {"callback_data": "wb:1"},
    }
    return {"type": kind, "timestamp": AT, "data": {**frame, **data}}


def v1_in(kind: str = "whatsapp.received", **data: Any) -> dict[str, Any]:
    person = {"phone_number": ANA, "bsuid": BSUID, "username": "ana.s", "display_name": "Ana"}
    frame = {"whatsapp_id": REPLY, "direction": "inbound", "from": person, "to": {"phone_number": SHOP}}
    return v1(kind, **{**frame, "metadata": None, **data})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("accepted", "accepted"), ("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("failed", "failed"),
     ("rejected", "failed"), ("teleported", "unknown")],
)  # fmt: skip
def test_each_v1_status_becomes_an_event(kind: str, expected: str) -> None:
    event = only(v1(f"whatsapp.{kind}"))
    assert (event.event_type, event.event_id) == (expected, f"messagebird:{WAM}:{kind}")
    assert (event.message_id, event.channel_id, event.direction) == (WAM, SHOP, "out")
    assert (event.phone, event.user_id, event.callback_data) == (ANA, BSUID, "wb:1")
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == WHEN


FAILURES = [
    ({"code": "undeliverable", "meta_error_code": "131049"}, "131049", "never"),
    ({"code": "undeliverable", "meta_error_code": "999999"}, "undeliverable", "never"),
    ({"code": "internal_error", "meta_error_code": "132015"}, "132015", "stop_template"),
    ({"code": "insufficient_balance", "meta_error_code": "131026"}, "insufficient_balance", "stop_account"),
    ({"code": "rate_limited"}, "rate_limited", "retry"),
    ({"code": "recipient_suppressed", "meta_error_code": None}, "recipient_suppressed", "never"),
    ({"code": "service_window_expired"}, "service_window_expired", "never"),
    ({"code": "something_new"}, "something_new", "maybe_sent"),
    (None, None, None),
]


@pytest.mark.parametrize(("error", "code", "family"), FAILURES)
def test_a_v1_failure_carries_metas_code_where_bird_hands_it_on(error: Any, code: str | None, family: Any) -> None:
    event = only(v1("whatsapp.failed", error=error))
    assert (event.event_type, event.error_code, event.error_family) == ("failed", code, family)


V1_CONTENT = [
    ({"text": {"body": "Olá"}}, "text", "Olá"),
    ({"image": {"id": "1", "caption": "look"}}, "image", "look"),
    ({"video": {"id": "1"}}, "video", None),
    ({"audio": {"id": "1", "voice": True}}, "audio", None),
    ({"sticker": {"id": "1"}}, "sticker", None),
    ({"document": {"id": "1", "filename": "a.pdf"}}, "document", "a.pdf"),
    ({"location": {"latitude": 1.5, "longitude": 2, "name": "Home"}}, "location", "Home"),
    ({"contact_cards": [{"name": {"formatted_name": "Eva"}}]}, "contacts", "Eva"),
    ({"interactive_reply": {"type": "button", "button": {"slug": "y", "text": "Yes"}}}, "interactive", "Yes"),
    ({"interactive_reply": {"type": "list", "list": {"slug": "e", "text": "Express"}}}, "interactive", "Express"),
    ({"unsupported": {"type": "order"}}, "order", None),
    ({"hologram": {"x": 1}}, None, None),
]


@pytest.mark.parametrize(("content", "kind", "said"), V1_CONTENT)
def test_each_v1_content_is_named_in_metas_words(content: dict[str, Any], kind: str | None, said: str | None) -> None:
    event = only(v1_in(**content, in_reply_to_message_id=WAM))
    assert (event.event_type, event.content_type, event.body_text) == ("received", kind, said)
    assert (event.event_id, event.direction) == (f"messagebird:{REPLY}:received", "in")
    assert (event.phone, event.user_id, event.username, event.profile_name) == (ANA, BSUID, "ana.s", "Ana")
    assert (event.channel_id, event.reply_to_message_id) == (SHOP, WAM)


def test_our_own_receipt_of_an_inbound_message_is_no_reading_by_the_customer() -> None:
    assert only(v1_in("whatsapp.read")).event_type == EventType.UNKNOWN


def test_a_person_known_by_an_id_alone_has_no_phone() -> None:
    event = only(v1_in(**{"from": {"bsuid": BSUID}, "text": {"body": "hi"}}))
    assert (event.phone, event.user_id) == (None, BSUID)


def test_reactions_differ_by_what_they_are_and_say_what_they_are_on() -> None:
    def reacted(emoji: str | None, at: str = AT) -> MessageEvent:
        data = {"whatsapp_id": WAM, "emoji": emoji, "from": {"phone_number": ANA}, "to": {"phone_number": SHOP}}
        return only({"type": "whatsapp.reacted", "timestamp": at, "data": data})

    event = reacted("👍")
    assert (event.event_type, event.body_text, event.reply_to_message_id) == ("reaction", "👍", WAM)
    assert (event.phone, event.direction, event.message_id) == (ANA, "in", None)
    assert len({reacted("👍").event_id, reacted(None).event_id, reacted("👍", "2026-06-01T18:00:00Z").event_id}) == 3


@pytest.mark.parametrize(("address", "phone", "user_id"), [(ANA, ANA, None), (BSUID, None, BSUID)])
def test_a_suppression_is_an_opt_out(address: str, phone: str | None, user_id: str | None) -> None:
    data = {"suppression_id": "was_1", "address": address, "waba": None, "reason": "manual", "workspace_id": "ws_1"}
    event = only({"type": "whatsapp_suppression.created", "timestamp": AT, "data": data})
    assert (event.event_type, event.phone, event.user_id) == ("opt_out", phone, user_id)
    assert event.event_id == "messagebird:was_1:suppressed"


def listed(**message: Any) -> dict[str, Any]:
    frame = {"id": WAM, "direction": "outbound", "from": {"phone_number": SHOP}, "to": {"phone_number": ANA},
             "status": "delivered", "created_at": "2026-06-01T17:00:00Z", "sent_at": "2026-06-01T17:00:05Z",
             "delivered_at": AT, "read_at": None, "metadata": {"callback_data": "wb:1"}}  # fmt: skip
    return {**frame, **message}


def page(*messages: dict[str, Any], cursor: str | None = None) -> tuple[list[MessageEvent], str | None]:
    assert messagebird.history is not None
    return messagebird.history.read(json.dumps({"data": messages, "next_cursor": cursor}).encode())


def test_a_listed_message_tells_each_status_with_the_webhooks_ids_and_times() -> None:
    events, following = page(listed(read_at="2026-06-01T18:00:00Z"), cursor="c2")
    assert following == "c2"
    assert [event.event_type for event in events] == ["accepted", "sent", "delivered", "read"]
    webhook = only(v1("whatsapp.delivered", to={"phone_number": ANA}))
    assert webhook in events


def test_a_listed_message_that_was_received_has_its_webhooks_id() -> None:
    wrote = {"id": REPLY, "direction": "inbound", "status": "received", "from": {"phone_number": ANA},
             "to": {"phone_number": SHOP}, "text": {"body": "hi"}, "sent_at": None, "delivered_at": None}  # fmt: skip
    (event,), following = page(listed(**wrote))
    assert (event.event_id, event.event_type, event.body_text) == (f"messagebird:{REPLY}:received", "received", "hi")
    assert following is None


def test_a_listed_failure_says_why_and_when_and_what_was_rejected_was_never_accepted() -> None:
    error = {"code": "undeliverable", "meta_error_code": "131026", "occurred_at": "2026-06-01T17:00:09Z"}
    events, _ = page(listed(status="failed", delivered_at=None, last_error=error))
    assert [(e.event_type, e.error_code) for e in events] == [("accepted", None), ("sent", None), ("failed", "131026")]
    assert events[-1].occurred_at is not None
    assert events[-1].occurred_at.isoformat() == "2026-06-01T17:00:09+00:00"
    cost = {"amount": "0", "currency_code": "USD"}  # which would make it an accepted message
    rejected, _ = page(listed(status="rejected", sent_at=None, delivered_at=None, last_error=error, cost=cost))
    assert [e.event_type for e in rejected] == ["failed"]


def test_a_listed_cost_is_an_acceptance_of_its_own_so_that_it_is_not_taken_for_a_repetition() -> None:
    cost = {"amount": "0.00990", "currency_code": "USD", "transaction_amount": "0.00990", "passthrough_amount": None}
    template = {"slug": "spring_sale", "category": "marketing", "language": "pt-BR", "components": []}
    events, _ = page(listed(cost=cost, template=template))
    priced = events[-1]
    assert (priced.event_type, priced.price, priced.currency) == ("accepted", 0.0099, "USD")
    assert (priced.template_name, priced.category, priced.content_type) == ("spring_sale", "marketing", "template")
    assert len({event.event_id for event in events}) == 4
    assert {event.price for event in events[:-1]} == {None}


def channels(event: str = "whatsapp.outbound", **payload: Any) -> dict[str, Any]:
    frame = {
        "id": "404544c5",
        "channelId": "52ad151f",
        "sender": {"connector": {"id": "60bf59d6", "identifierValue": ""}},
        "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": ANA}]},
        "body": {"type": "text", "text": {"text": "Olá"}},
        "meta": {"extraInformation": {"whatsappbsuid": BSUID}},
        "reference": "wb:1",
        "status": "delivered",
        "direction": "outgoing",
        "lastStatusAt": AT,
        "createdAt": "2026-06-01T17:00:00Z",
    }
    return {"service": "channels", "event": event, "payload": {**frame, **payload}}


def channels_in(**payload: Any) -> dict[str, Any]:
    contact = {"id": "d4e8935a", "identifierKey": "phonenumber", "identifierValue": ANA,
               "annotations": {"name": "Ana"}}  # fmt: skip
    extra = {"timestamp": "1780333212", "whatsappbsuid": BSUID, "whatsappusername": "ana.s"}
    frame = {
        "sender": {"contact": contact},
        "receiver": {"connector": {"id": "60bf59d6", "identifierValue": ""}},
        "meta": {"extraInformation": extra},
        "reference": "",
        "direction": "incoming",
    }
    return channels("whatsapp.inbound", **{**frame, **payload})


@pytest.mark.parametrize(
    ("status", "expected"),
    [("accepted", "accepted"), ("processing", "accepted"), ("sent", "sent"), ("delivered", "delivered"),
     ("sending_failed", "failed"), ("delivery_failed", "failed"), ("teleported", "unknown")],
)  # fmt: skip
def test_each_channels_status_becomes_an_event(status: str, expected: str) -> None:
    event = only(channels(status=status))
    assert (event.event_type, event.event_id) == (expected, f"messagebird:404544c5:{status}")
    assert (event.phone, event.user_id, event.callback_data) == (ANA, BSUID, "wb:1")
    assert (event.channel_id, event.direction) == ("52ad151f", "out")
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == WHEN


@pytest.mark.parametrize(
    ("failure", "code", "family"),
    [
        ({"code": 15001, "source": {"name": "whatsapp", "code": "131049"}}, "131049", "never"),
        ({"code": 15005, "source": {"name": "sms-messagebird", "code": "1"}}, "15005", "never"),
        ({"code": 12001}, "12001", "maybe_sent"),
        ({"code": 12002}, "12002", "stop_template"),
        ({"code": 99999}, "99999", "maybe_sent"),
    ],
)
def test_a_channels_failure_carries_metas_code_where_whatsapp_is_its_source(
    failure: dict[str, Any], code: str, family: str
) -> None:
    event = only(channels(status="delivery_failed", failure=failure))
    assert (event.error_code, event.error_family) == (code, family)


@pytest.mark.parametrize(
    ("kind", "expected"), [("read", "read"), ("opened", "read"), ("clicked", "clicked"), ("danced", "unknown")]
)
def test_what_a_customer_does_with_a_message_is_an_interaction(kind: str, expected: str) -> None:
    payload = {"id": "i1", "type": kind, "messageId": "404544c5", "channelId": "52ad151f", "createdAt": AT,
               "messageReference": "wb:1"}  # fmt: skip
    event = only({"service": "channels", "event": "whatsapp.interaction", "payload": payload})
    assert (event.event_type, event.message_id, event.callback_data) == (expected, "404544c5", "wb:1")
    assert event.event_id == f"messagebird:404544c5:{kind}" + ("" if expected == "read" else ":i1")


CHANNELS_CONTENT = [
    ({"type": "text", "text": {"text": "Olá"}}, {}, "text", "Olá"),
    ({"type": "text", "text": {"text": "Stop promotions", "actions": [
        {"type": "postback", "postback": {"text": "Stop promotions", "payload": "S"}}]}},
     {"replyTo": {"id": "5c319390", "type": "click"}}, "button", "Stop promotions"),
    ({"type": "image", "image": {"images": [{"mediaUrl": "https://m/1"}], "text": "look"}}, {}, "image", "look"),
    ({"type": "file", "file": {"files": [{"contentType": "application/pdf", "filename": "a.pdf"}]}}, {}, "document",
     "a.pdf"),
    ({"type": "file", "file": {"files": [{"contentType": "audio/ogg"}]}}, {}, "audio", None),
    ({"type": "location", "location": {"coordinates": {"latitude": 1}, "label": "Home"}}, {}, "location", "Home"),
    ({"type": "hologram", "hologram": 5}, {}, "hologram", None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "more", "kind", "said"), CHANNELS_CONTENT)
def test_each_channels_content_is_named_in_metas_words(body: Any, more: Any, kind: str, said: str | None) -> None:
    event = only(channels_in(body=body, **more))
    assert (event.event_type, event.content_type, event.body_text) == ("received", kind, said)
    assert (event.phone, event.user_id, event.username, event.profile_name) == (ANA, BSUID, "ana.s", "Ana")
    assert (event.event_id, event.direction) == ("messagebird:404544c5:received", "in")
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == "2026-06-01T17:00:12+00:00"


def test_a_channels_template_is_known_by_its_project_also_where_its_text_is_told() -> None:
    template = {"projectId": "p1", "version": "v1", "locale": "en"}
    for body in (None, {"type": "text", "text": {"text": "We have news"}}):
        event = only(channels(template=template, body=body))
        assert (event.content_type, event.template_name) == ("template", "p1")


def test_a_channels_customer_who_hides_the_phone_is_known_by_the_id() -> None:
    contact = {"identifierKey": "whatsappusername", "identifierValue": "ana.s"}
    event = only(channels_in(sender={"contact": contact}))
    assert (event.phone, event.user_id, event.username) == (None, BSUID, "ana.s")


def test_a_channels_ad_click_is_kept() -> None:
    referral = {"referral": {"metadata": {"source_id": "ad1", "tracking_id": "clid"}}}
    assert only(channels_in(meta=referral)).ad_click_id == "clid"


def test_a_page_of_channels_messages_tells_their_present_statuses() -> None:
    assert messagebird.history is not None
    results = [channels(status="sent")["payload"], channels_in()["payload"]]
    body = json.dumps({"results": results, "nextPageToken": "t2"}).encode()
    events, following = messagebird.history.read(body)
    assert (events, following) == ([only(channels(status="sent")), only(channels_in())], "t2")


def classic(kind: str = "message.updated", **message: Any) -> dict[str, Any]:
    frame = {"id": "93a1f7ba", "conversationId": "f1e812e9", "channelId": "2ceefea7", "to": ANA, "direction": "sent",
             "status": "delivered", "type": "text", "content": {"text": "Olá"},
             "createdDatetime": "2026-06-01T17:00:00Z", "updatedDatetime": AT}  # fmt: skip
    contact = {"id": "73afe0ac", "msisdn": 5511987654321, "firstName": "Ana", "lastName": "Souza"}
    return {"type": kind, "contact": contact, "conversation": {"id": "f1e812e9"}, "message": {**frame, **message}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [("accepted", "accepted"), ("pending", "accepted"), ("transmitted", "sent"), ("sent", "sent"),
     ("delivered", "delivered"), ("read", "read"), ("failed", "failed"), ("rejected", "failed"),
     ("delivery_failed", "failed"), ("deleted", "deleted"), ("clicked", "clicked"), ("teleported", "unknown")],
)  # fmt: skip
def test_each_classic_status_becomes_an_event(status: str, expected: str) -> None:
    event = only(classic(status=status))
    assert (event.event_type, event.event_id) == (expected, f"messagebird:93a1f7ba:{status}")
    assert (event.phone, event.direction, event.channel_id) == (ANA, "out", "2ceefea7")
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == WHEN


def test_a_classic_report_says_which_send_it_is_of_and_is_no_repetition_of_one_that_does_not() -> None:
    report, told = only(classic(), "callback=wb%3A1"), only(classic())
    assert (report.callback_data, told.callback_data) == ("wb:1", None)
    assert report.event_id != told.event_id
    assert report == only(classic(), "callback=wb%3A1")
    assert only(classic(trackId="wb:1")).callback_data == "wb:1"


@pytest.mark.parametrize(
    ("code", "family"),
    [(302, "never"), (301, "never"), (131049, "never"), (132015, "stop_template"), (7, "maybe_sent")],
)
def test_a_classic_failure_carries_code_and_family(code: int, family: str) -> None:
    event = only(classic(status="failed", error={"code": code, "description": "why"}))
    assert (event.error_code, event.error_family) == (str(code), family)


CLASSIC_CONTENT = [
    ({"type": "text", "content": {"text": "Olá"}}, "text", "Olá"),
    ({"type": "image", "content": {"image": {"url": "https://m/1", "caption": "look"}}}, "image", "look"),
    ({"type": "file", "content": {"file": {"url": "https://m/1"}}}, "document", None),
    ({"type": "location", "content": {"location": {"latitude": 1}}}, "location", None),
    ({"type": "interactive", "content": {"interactive": {"type": "button_reply", "reply": {"text": "Yes"}}}},
     "interactive", "Yes"),
    ({"type": "hologram", "content": {}}, "hologram", None),
]  # fmt: skip


@pytest.mark.parametrize(("message", "kind", "said"), CLASSIC_CONTENT)
def test_each_classic_content_is_named_in_metas_words(message: Any, kind: str, said: str | None) -> None:
    wrote = {"direction": "received", "status": "received", "from": ANA, "to": SHOP}
    event = only(classic("message.created", **wrote, **message))
    assert (event.event_type, event.content_type, event.body_text) == ("received", kind, said)
    assert (event.phone, event.profile_name, event.direction) == (ANA, "Ana Souza", "in")
    assert event.event_id == "messagebird:93a1f7ba:received"


def test_a_classic_conversation_is_unknown_and_not_lost() -> None:
    event = only({"type": "conversation.updated", "conversation": {"id": "f1e812e9", "status": "archived"}})
    assert (event.event_type, event.event_id.rpartition(":")[0]) == ("unknown", "messagebird:conversation.updated")


EVERY = [v1("whatsapp.sent"), v1_in(text={"body": "hi"}), channels(), channels_in(), classic(), {"type": "email.sent"}]


@pytest.mark.parametrize("content", EVERY)
def test_the_same_webhook_twice_is_the_same_event(content: dict[str, Any]) -> None:
    shuffled = dict(reversed(content.items()))
    assert parse(content) == parse(shuffled)


KEYS = ["type", "data", "payload", "message", "event", "items", "id", "status", "direction", "whatsapp_id", "from",
        "to", "body", "error", "timestamp", "whatsapp.sent", "whatsapp.interaction", "sender", "contact"]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    | st.sampled_from(KEYS),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.text())
def test_any_json_gives_at_least_one_event(content: Any, query: str) -> None:
    events = parse(content, query)
    assert events
    assert all(event.event_id.startswith("messagebird:") for event in events)


@given(st.sampled_from(EVERY), st.sampled_from(KEYS), JSON)
def test_a_webhook_with_any_part_replaced_gives_an_event(content: dict[str, Any], key: str, value: Any) -> None:
    inner = next((name for name in ("data", "payload", "message") if name in content), None)
    assert parse({**content, key: value})
    if inner:
        assert parse({**content, inner: {**content[inner], key: value}})


@given(st.binary())
def test_any_bytes_give_events_or_are_said_to_be_no_json(body: bytes) -> None:
    try:
        assert messagebird.parse(body)
    except Unparsable:
        with pytest.raises((ValueError, RecursionError)):
            json.loads(body)


@given(JSON)
def test_any_json_is_a_page_or_is_said_to_be_none(content: Any) -> None:
    assert messagebird.history is not None
    for body in (content, {"data": content}, {"results": content}):
        with suppress(Unparsable):
            messagebird.history.read(json.dumps(body).encode())
