"""Twilio's webhooks and message list -> message events; whether Twilio posted them."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio_posts import ACCOUNT, PERSON, SENDER, TOKEN, URL, USER_ID, form, inbound, signature, status

from wabench.events import EventType, MessageEvent
from wabench.providers import twilio
from wabench.providers.errors import Unparsable

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECRETS = {"account_sid": ACCOUNT, "auth_token": TOKEN}
SID = "SM" + "1" * 32
IN_SID = "SM" + "3" * 32


def only(body: bytes, query: str = "") -> MessageEvent:
    (event,) = twilio.parse(body, query)
    return event


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("scheduled", "accepted"),
        ("accepted", "accepted"),
        ("queued", "accepted"),
        ("sending", "accepted"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("partially_delivered", "delivered"),
        ("read", "read"),
        ("failed", "failed"),
        ("undelivered", "failed"),
        ("canceled", "failed"),
        ("teleported", "unknown"),
    ],
)
def test_each_status_becomes_an_event_of_its_message(state: str, kind: str) -> None:
    event = only(status(state), "callback=wb%3A01")
    assert (event.event_id, event.event_type) == (f"twilio:{SID}:{state}", kind)
    assert (event.message_id, event.callback_data) == (SID, "wb:01")
    assert event.occurred_at is None  # Twilio says no time
    if kind != "unknown":
        assert (event.channel_id, event.phone, event.direction) == (SENDER, PERSON, "out")


def test_a_read_receipt_is_told_by_its_event_type_whatever_the_status_says() -> None:
    event = only(status("delivered", EventType="READ"))
    assert (event.event_id, event.event_type) == (f"twilio:{SID}:read", "read")
    assert only(status("delivered", EventType="DELIVERED")).event_type == "delivered"


def test_a_failure_says_twilios_code_and_what_it_means() -> None:
    event = only(status("undelivered", ErrorCode="63049", ErrorMessage="Meta chose not to deliver"))
    assert (event.error_code, event.error_family) == ("63049", "never")
    assert only(status("sent", ErrorCode="0")).error_code is None
    assert only(status("failed", ErrorCode="seven")).error_family == "maybe_sent"


def test_the_same_post_twice_is_the_same_event_and_another_status_is_another() -> None:
    assert only(status("sent")).event_id == only(status("sent")).event_id
    ids = {only(status(state)).event_id for state in ("sent", "delivered", "read")}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("fields", "kind", "content", "said"),
    [
        ({"Body": "Quanto custa?"}, "received", "text", "Quanto custa?"),
        ({"Body": "Quanto custa?", "MessageType": "text"}, "received", "text", "Quanto custa?"),
        ({"Body": "", "NumMedia": "1", "MediaContentType0": "image/jpeg", "MediaUrl0": "https://a"}, "received",
         "image", None),
        ({"Body": "look", "NumMedia": "1", "MediaContentType0": "video/mp4"}, "received", "video", "look"),
        ({"Body": "", "NumMedia": "1", "MediaContentType0": "audio/ogg"}, "received", "audio", None),
        ({"Body": "a.pdf", "NumMedia": "2", "MediaContentType0": "application/pdf", "MediaContentType1": "image/png"},
         "received", "document", "a.pdf"),
        ({"Body": "", "NumMedia": "1", "MediaContentType0": "text/vcard"}, "received", "contacts", None),
        ({"Body": "Yes", "ButtonText": "Yes", "ButtonPayload": "y", "ButtonType": "reply"}, "received", "button",
         "Yes"),
        ({"Body": "", "ButtonPayload": "y"}, "received", "button", "y"),
        ({"Body": "", "ListId": "2", "ListTitle": "Express"}, "received", "interactive", "Express"),
        ({"Body": "", "InteractiveData": '{"a":1}'}, "received", "interactive", '{"a":1}'),
        ({"Body": "", "FlowData": '{"b":2}'}, "received", "interactive", '{"b":2}'),
        ({"Body": "Konfirm", "MessageType": "interactive", "ButtonText": "Konfirm"}, "received", "interactive",
         "Konfirm"),
        ({"Body": "", "Latitude": "-23.5", "Longitude": "-46.6", "Label": "Loja", "Address": "Rua 1"}, "received",
         "location", "Loja"),
        ({"Body": "👍", "MessageType": "reaction"}, "reaction", "reaction", "👍"),
    ],
)  # fmt: skip
def test_each_kind_of_message_is_received_with_its_text(
    fields: dict[str, str], kind: str, content: str, said: str | None
) -> None:
    event = only(inbound(**fields))
    assert (event.event_type, event.content_type, event.body_text) == (kind, content, said)
    assert (event.phone, event.profile_name, event.direction) == (PERSON, "Ana", "in")
    assert (event.channel_id, event.message_id) == (SENDER, IN_SID)
    assert event.event_id == f"twilio:{IN_SID}:received"


def test_an_answer_says_what_it_answers_and_an_ads_visitor_which_ad() -> None:
    reply = only(inbound(OriginalRepliedMessageSid=SID, OriginalRepliedMessageSender=f"whatsapp:{SENDER}"))
    assert reply.reply_to_message_id == SID
    assert only(inbound(ReferralCtwaClid="clid", ReferralSourceId="ad")).ad_click_id == "clid"
    assert only(inbound(ReferralSourceId="ad", ReferralHeadline="Sale")).ad_click_id == "ad"


@pytest.mark.parametrize(("keyword", "wish"), [("STOP", "opt_out"), ("START", "opt_in")])
def test_a_keyword_twilio_acted_on_is_a_wish_beside_the_message(keyword: str, wish: str) -> None:
    received, wished = twilio.parse(inbound(Body=keyword.lower(), OptOutType=keyword))
    assert (received.event_type, wished.event_type) == ("received", wish)
    assert wished.event_id == f"twilio:{IN_SID}:{wish}"
    assert (wished.phone, wished.body_text) == (PERSON, keyword.lower())
    assert wished.message_id is None  # it is no message, and counts as none


def test_a_call_for_help_is_only_a_message() -> None:
    assert only(inbound(Body="help", OptOutType="HELP")).event_type == "received"


def test_who_hides_the_phone_is_known_by_the_id_alone() -> None:
    hidden = {"From": f"whatsapp:{USER_ID}", "ExternalUserId": f"whatsapp:{USER_ID}", "WaId": ""}
    event = only(inbound(**hidden))
    assert (event.phone, event.user_id, event.channel_id) == (None, USER_ID, SENDER)
    told = only(status("delivered", To=f"whatsapp:{USER_ID}", ExternalUserId=f"whatsapp:{USER_ID}"))
    assert (told.phone, told.user_id) == (None, USER_ID)
    both = only(inbound(ExternalUserId=f"whatsapp:{USER_ID}"))
    assert (both.phone, both.user_id) == (PERSON, USER_ID)


def test_a_channel_without_a_number_is_named_by_its_messaging_service() -> None:
    assert only(status("sent", From="", MessagingServiceSid="MG1")).channel_id == "MG1"


def test_an_sms_is_no_whatsapp_message_and_opens_no_window() -> None:
    event = only(inbound(From=PERSON, To=SENDER))
    assert (event.event_type, event.content_type) == ("unknown", "sms")
    assert only(status("delivered", From=SENDER, To=PERSON)).event_type == "unknown"


def test_a_form_of_nothing_known_is_kept_under_an_id_of_its_own() -> None:
    first, again, other = (only(form(Foo=value)) for value in ("1", "1", "2"))
    assert first.event_type == "unknown"
    assert first.event_id == again.event_id != other.event_id


@pytest.mark.parametrize("body", [b"", b"&", b"hello", b"\xff\xfe\x00=", b"<xml/>", b"=1", b'{"a":'])
def test_what_is_neither_a_form_nor_json_is_unparsable(body: bytes) -> None:
    with pytest.raises(Unparsable):
        twilio.parse(body)


def streamed(kind: str, **data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "type": f"com.twilio.messaging.{kind}", "id": "EZ1", "data": data}


def test_event_streams_tell_the_same_events_with_their_time() -> None:
    items = [
        streamed("message.delivered", messageSid=SID, messageStatus="DELIVERED", to=f"whatsapp:{PERSON}",
                 **{"from": f"whatsapp:{SENDER}"}, timestamp="2026-05-28T20:26:40.000Z"),
        streamed("inbound-message.received", messageSid=IN_SID, body="Olá", numMedia=0, to=f"whatsapp:{SENDER}",
                 **{"from": f"whatsapp:{PERSON}"}, timestamp="2026-05-28T20:27:00Z", optOutType=None),
    ]  # fmt: skip
    delivered, received = twilio.parse(json.dumps(items).encode())
    assert delivered.event_id == only(status("delivered")).event_id
    assert delivered.occurred_at == datetime(2026, 5, 28, 20, 26, 40, tzinfo=UTC)
    assert (received.event_id, received.body_text) == (only(inbound()).event_id, "Olá")
    assert (received.phone, received.content_type) == (PERSON, "text")


def test_a_form_posted_as_json_is_read_as_the_form_is() -> None:
    assert only(json.dumps(dict(parse_qsl(status("read").decode()))).encode()) == only(status("read"))


@pytest.mark.parametrize(
    ("kind", "value", "category"), [("status", "approved", None), ("category", "utility", "utility")]
)
def test_a_change_of_a_template_is_told_by_its_name(kind: str, value: str, category: str | None) -> None:
    template = {"sid": "HX1", "friendlyName": "sale", "language": "pt_BR", "previousValue": "MARKETING",
                "currentValue": value.upper()}  # fmt: skip
    data = {"type": f"{kind}_update", "dateUpdated": "2026-05-28T20:26:40Z", "template": template}
    event = only(json.dumps(streamed("template.approval.updated", **data)).encode())
    assert (event.event_type, event.template_name, event.template_language) == ("template_update", "sale", "pt_BR")
    assert (event.content_type, event.category, event.template_id) == (value, category, "HX1")
    assert event.body_text is None  # what it was before is no reason
    assert event.occurred_at == datetime(2026, 5, 28, 20, 26, 40, tzinfo=UTC)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELD_NAMES = st.sampled_from(
    ["MessageSid", "SmsSid", "MessageStatus", "SmsStatus", "Body", "NumMedia", "From", "To", "EventType", "ErrorCode",
     "OptOutType", "Timestamp", "WaId", "ExternalUserId", "MediaContentType0", "messageSid", "body", "data", "type"]
)  # fmt: skip


@given(st.lists(st.tuples(FIELD_NAMES | st.text(min_size=1), st.text()), min_size=1))
def test_any_form_at_all_becomes_events(fields: list[tuple[str, str]]) -> None:
    events = twilio.parse(urlencode(fields).encode())
    assert events
    assert {event.event_type for event in events} <= set(EventType)


@given(st.binary() | st.binary().map(lambda tail: b"MessageSid=SM1&Body=" + tail), st.text())
def test_any_bytes_at_all_become_events_or_are_unparsable_and_nothing_worse(body: bytes, query: str) -> None:
    with suppress(Unparsable):
        assert twilio.parse(body, query)


@given(json_values | st.dictionaries(FIELD_NAMES, json_values) | st.lists(st.dictionaries(FIELD_NAMES, json_values)))
def test_any_json_at_all_becomes_events_that_can_be_stored(value: object) -> None:
    found = twilio.parse(json.dumps(value).encode())
    assert found
    for event in found:
        event.event_id.encode()
        (event.body_text or "").encode()


def headers(body: bytes, url: str = URL, **more: str) -> dict[str, str]:
    return {"x-twilio-signature": signature(url, parse_qsl(body.decode(), keep_blank_values=True)), **more}


def is_twilios(body: bytes, given: dict[str, str], url: str = URL, secrets: dict[str, str] = SECRETS) -> bool:
    return twilio.verify(body, given, url, secrets, NOW)


# The signature of a call of the documentation's kind, worked out by hand with `openssl dgst -sha1 -hmac`.
def test_a_signature_is_the_address_and_the_sorted_fields_under_the_token() -> None:
    body, url = b"Digits=1234&CallSid=CA123&To=%2B18005551212&From=%2B14158675309", "https://shop.example/hook?foo=1"
    assert is_twilios(body, {"x-twilio-signature": "g2fOuhQBUssKlSTvD8oa/8UUeEY="}, url, {"auth_token": "12345"})


@pytest.mark.parametrize("body", [status("sent"), inbound(Body=""), inbound(Body="a=b&c+d ü%"), b"A=2&A=1&A=2", b""])
def test_a_post_of_twilios_is_known_by_its_signature(body: bytes) -> None:
    assert is_twilios(body, headers(body))


@pytest.mark.parametrize("signed", [URL, "https://hooks.shop.example:443/webhooks/twilio"])
@pytest.mark.parametrize("posted", [URL, "https://hooks.shop.example:443/webhooks/twilio"])
def test_the_port_may_or_may_not_be_in_the_signed_address(signed: str, posted: str) -> None:
    assert is_twilios(status("sent"), headers(status("sent"), signed), posted)


def test_a_port_of_our_own_may_be_left_out_too() -> None:
    assert is_twilios(status("sent"), headers(status("sent"), "http://a.example/w"), "http://a.example:8400/w")
    assert is_twilios(status("sent"), headers(status("sent"), "http://a.example:80/w"), "http://a.example/w")


def test_nothing_but_what_twilio_signed_passes() -> None:
    body = status("sent")
    good = headers(body)
    assert not is_twilios(body.replace(b"sent", b"read"), good)
    assert not is_twilios(body + b"&X=1", good)
    assert not is_twilios(body, good, URL + "?callback=other")
    assert not is_twilios(body, good, URL.replace("https", "http"))
    assert not is_twilios(body, good, "")
    assert not is_twilios(body, {})
    assert not is_twilios(body, {"x-twilio-signature": "подпись"})
    assert not is_twilios(body, {"x-twilio-signature": good["x-twilio-signature"][:-2]})
    assert not is_twilios(body, good, URL, {})
    assert not is_twilios(body, good, URL, {"auth_token": "another"})
    assert not is_twilios(b"\xff", good)


def test_a_json_body_is_covered_by_the_hash_in_the_address() -> None:
    body = json.dumps([streamed("message.sent", messageSid=SID)]).encode()
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signed = {"x-twilio-signature": signature(url, [])}
    assert is_twilios(body, signed, url)
    assert is_twilios(body, {"x-twilio-signature": signature(url.replace("example/", "example:443/"), [])}, url)
    assert not is_twilios(body + b" ", signed, url)
    assert not is_twilios(body, signed, url.replace("bodySHA256=", "bodySHA256=0"))
    assert not is_twilios(body, {"x-twilio-signature": signature(URL, [])})  # no hash: nothing covers the body


def shared(algorithm: str, **more: str) -> dict[str, str]:
    return {"x-twilio-webhooks-signature-settings": f"key=webhooks_sharedkey_1,algorithm={algorithm}", **more}


def test_a_shared_key_signs_instead_of_the_token_where_the_headers_say_so() -> None:
    body, fields = status("sent"), parse_qsl(status("sent").decode(), keep_blank_values=True)
    signed = {"x-twilio-signature": signature(URL, fields, "shared", "sha256")}
    secrets = SECRETS | {"signing_key": "shared"}
    assert is_twilios(body, signed | shared("HMAC_SHA256"), URL, secrets)
    assert is_twilios(body, signed | shared("HMAC_SHA256"), URL, {"signing_key": "shared"})
    assert not is_twilios(body, signed | shared("HMAC_SHA256"))  # that secret is not ours
    assert not is_twilios(body, signed | shared("HMAC_MD5"), URL, secrets)
    assert not is_twilios(body, signed, URL, secrets)
    by_token = {"x-twilio-signature": signature(URL, fields)}
    assert not is_twilios(body, by_token | shared("HMAC_SHA1"), URL, secrets)  # claims the key, is by the token


@given(st.binary(), st.text(), st.text(), st.text())
def test_no_post_whatever_makes_the_check_raise_or_pass(body: bytes, header: str, url: str, settings: str) -> None:
    given = {"x-twilio-signature": header, "x-twilio-webhooks-signature-settings": settings}
    assert twilio.verify(body, given, url, SECRETS | {"signing_key": "k"}, NOW) is False


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), min_size=1), st.data())
def test_no_byte_of_a_signed_form_can_be_changed(fields: Sequence[tuple[str, str]], data: st.DataObject) -> None:
    body = urlencode(fields).encode()
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + bytes([data.draw(st.integers(1, 255))]) + body[place + 1 :]
    assert is_twilios(body, headers(body))
    if said(changed) != said(body):
        assert not is_twilios(changed, headers(body))


def said(body: bytes) -> str:
    """What a form says, which is all that is signed: `+` and `%20` are one."""
    pairs = set(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    return "".join(name + value for name, value in sorted(pairs))
