"""Twilio's webhooks and its message list, normalised.

One reader for all: a form's fields, an Event Streams item and a listed message carry the same things under the same
words, written `MessageSid`, `messageSid` or `sid`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from math import inf, isfinite
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from wabench.events import EventType, MessageEvent
from wabench.providers._twilio_errors import family
from wabench.providers.errors import Unparsable

Fields = Mapping[str, str]

_STATUS = {
    "scheduled": EventType.ACCEPTED,
    "accepted": EventType.ACCEPTED,
    "queued": EventType.ACCEPTED,
    "sending": EventType.ACCEPTED,
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "partially_delivered": EventType.DELIVERED,
    "read": EventType.READ,
    "failed": EventType.FAILED,
    "undelivered": EventType.FAILED,
    "canceled": EventType.FAILED,  # a scheduled one that was taken back: nobody gets it
}
_INBOUND = ("receiving", "received")
_OPT = {"STOP": EventType.OPT_OUT, "START": EventType.OPT_IN}
_MEDIA = {"image": "image", "video": "video", "audio": "audio", "text/vcard": "contacts", "text/x-vcard": "contacts"}
_FORM_PIECE = re.compile(r"[^=]+=.*", re.DOTALL)
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9._-]{1,140}")
_TEMPLATE_APPROVAL = "com.twilio.messaging.template.approval."
_LISTED = {  # a listed message's words, where they are not a webhook's in another spelling
    "sid": "MessageSid",
    "status": "MessageStatus",
    "to": "To",
    "from": "From",
    "body": "Body",
    "num_media": "NumMedia",
    "error_code": "ErrorCode",
    "account_sid": "AccountSid",
    "messaging_service_sid": "MessagingServiceSid",
}


def parse(body: bytes, query: str) -> list[MessageEvent]:
    """Normalise one webhook body; what is not understood is an `unknown` event.

    Raises Unparsable where the bytes are neither a form nor JSON.
    """
    callback = next(iter(parse_qs(query, errors="replace").get("callback", ())), None)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _message(_form(body), callback)
    items = document if isinstance(document, list) and document else [document]
    return [event for item in items for event in _item(item, callback)]


def _form(body: bytes) -> dict[str, str]:
    try:
        text = body.decode()
        pieces = [piece for piece in text.split("&") if piece]
        if not pieces or not all(_FORM_PIECE.fullmatch(piece) for piece in pieces):
            raise Unparsable("neither a form nor JSON")
        return dict(parse_qsl(text, keep_blank_values=True))
    except ValueError as error:
        raise Unparsable(f"neither a form nor JSON: {error}") from None


def _item(item: object, callback: str | None) -> list[MessageEvent]:
    """Normalise one JSON item: a message's fields, or an Event Streams item that has them in `data`."""
    if not isinstance(item, dict):
        return [_unknown(item)]
    kind, data = item.get("type"), item.get("data")
    if isinstance(kind, str) and kind.startswith(_TEMPLATE_APPROVAL) and isinstance(data, dict):
        return [_template_update(data)]
    inner = data if isinstance(data, dict) else item
    return _message({key[:1].upper() + key[1:]: _text(value) for key, value in inner.items()}, callback)


def _message(fields: Fields, callback: str | None) -> list[MessageEvent]:
    status = (fields.get("MessageStatus") or fields.get("SmsStatus") or "").lower()
    if fields.get("EventType", "").upper() == "READ":
        status = "read"
    is_inbound = status in _INBOUND or (not status and {"Body", "NumMedia"} <= set(fields))
    if not _sid(fields) or _is_other_channel(fields) or not (is_inbound or status in _STATUS):
        return [_not_understood(fields, status, callback)]
    return _inbound(fields) if is_inbound else [_status(fields, status, callback)]


def _status(fields: Fields, status: str, callback: str | None) -> MessageEvent:
    code = fields.get("ErrorCode") or None
    code = None if code == "0" else code
    return MessageEvent(
        event_id=f"twilio:{_sid(fields)}:{status}",
        event_type=_STATUS[status],
        channel_id=_phone(fields.get("From")) or fields.get("MessagingServiceSid") or None,
        message_id=_sid(fields),
        direction="out",
        occurred_at=_time(fields.get("Timestamp")),
        phone=_phone(fields.get("To")),
        user_id=_user_id(fields.get("To")) or _user_id(fields.get("ExternalUserId")),
        error_code=code,
        error_family=family(code) if code else None,
        callback_data=callback,
    )


def _inbound(fields: Fields) -> list[MessageEvent]:
    """Give the message received and, where Twilio took it for a keyword, the wish it states."""
    sid, kind = _sid(fields), _content_type(fields)
    received = MessageEvent(
        event_id=f"twilio:{sid}:received",
        event_type=EventType.REACTION if kind == "reaction" else EventType.RECEIVED,
        channel_id=_phone(fields.get("To")) or fields.get("MessagingServiceSid") or None,
        message_id=sid,
        direction="in",
        occurred_at=_time(fields.get("Timestamp")),
        phone=_phone(fields.get("From")) or _phone(fields.get("WaId")),
        user_id=_user_id(fields.get("From")) or _user_id(fields.get("ExternalUserId")),
        profile_name=fields.get("ProfileName") or None,
        content_type=kind,
        body_text=_said(fields),
        reply_to_message_id=fields.get("OriginalRepliedMessageSid") or None,
        ad_click_id=fields.get("ReferralCtwaClid") or fields.get("ReferralSourceId") or None,
    )
    wish = _OPT.get(fields.get("OptOutType", "").upper())
    return [received, _wish(received, wish)] if wish else [received]


def _wish(received: MessageEvent, wish: EventType) -> MessageEvent:
    return MessageEvent(
        event_id=f"twilio:{received.message_id}:{wish}",
        event_type=wish,
        channel_id=received.channel_id,
        direction="in",
        occurred_at=received.occurred_at,
        phone=received.phone,
        user_id=received.user_id,
        profile_name=received.profile_name,
        body_text=received.body_text,
    )


def _content_type(fields: Fields) -> str | None:
    """Tell the kind of an inbound message in Meta's words, which `MessageType` carries where Twilio sends it.

    None for media of a listed message: the list says how many, not of what kind.
    """
    if fields.get("MessageType"):
        return fields["MessageType"].lower()
    if fields.get("ButtonText") or fields.get("ButtonPayload"):
        return "button"
    if any(fields.get(name) for name in ("ListId", "ListTitle", "InteractiveData", "FlowData")):
        return "interactive"
    if fields.get("Latitude"):
        return "location"
    if fields.get("NumMedia", "0") in ("", "0"):
        return "text"
    media = fields.get("MediaContentType0", "").lower()
    if not media:
        return None
    return _MEDIA.get(media) or _MEDIA.get(media.partition("/")[0], "document")


def _said(fields: Fields) -> str | None:
    words = (
        "Body", "ButtonText", "ListTitle", "ButtonPayload", "ListId", "Label", "Address", "InteractiveData", "FlowData",
    )  # fmt: skip
    return next((fields[word] for word in words if fields.get(word)), None)


def _template_update(data: Mapping[str, Any]) -> MessageEvent:
    template = data.get("template")
    of = template if isinstance(template, dict) else {}
    is_category = data.get("type") == "category_update"
    return MessageEvent(
        event_id=f"twilio:template:{_digest(data)}",
        event_type=EventType.TEMPLATE_UPDATE,
        occurred_at=_time(_text(data.get("dateUpdated"))),
        content_type=_text(of.get("currentValue")).lower() or None,
        template_name=_text(of.get("friendlyName") or of.get("externalTemplateName")) or None,
        template_language=_text(of.get("language")) or None,
        template_id=_text(of.get("sid")) or None,  # the names differ: the approval's is another than the content's
        category=(_text(of.get("currentValue")).lower() or None) if is_category else None,
    )


def _not_understood(fields: Fields, status: str, callback: str | None) -> MessageEvent:
    """Keep what has no message, another channel's message or a status of no table, under an id of its own."""
    sid = _sid(fields)
    return MessageEvent(
        event_id=f"twilio:{sid}:{status}" if sid and status else _unknown(fields).event_id,
        event_type=EventType.UNKNOWN,
        message_id=sid or None,
        occurred_at=_time(fields.get("Timestamp")),
        content_type="sms" if _is_other_channel(fields) else status or None,
        callback_data=callback,
    )


def _unknown(content: object) -> MessageEvent:
    return MessageEvent(event_id=f"twilio:body:{_digest(content)}", event_type=EventType.UNKNOWN)


def read_page(body: bytes) -> tuple[list[MessageEvent], str | None]:
    """Normalise one page of the message list; the cursor is the query that asks for the next one.

    Only WhatsApp messages: the list has the account's SMS too. Raises Unparsable for what is no page.
    """
    try:
        page = json.loads(body)
        messages, following = page["messages"], page.get("next_page_uri")
        cursor = urlsplit(following).query if isinstance(following, str) else ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unparsable(f"not a page of messages: {error!r}") from None
    if not isinstance(messages, list):
        raise Unparsable("not a page of messages: messages is no list")
    events = [event for each in messages if isinstance(each, dict) for event in _listed(each)]
    return events, cursor or None


def _listed(message: Mapping[str, Any]) -> list[MessageEvent]:
    fields = {ours: _text(message.get(theirs)) for theirs, ours in _LISTED.items()}
    if "whatsapp" not in fields["From"][:8] + fields["To"][:8]:
        return []
    if message.get("direction") == "inbound":
        fields["MessageStatus"] = "received"
    fields["Timestamp"] = _text(_listed_at(message, fields["MessageStatus"].lower()))
    events = _message(fields, None)
    price = _price(message.get("price"))
    if price is None or events[0].direction != "out":
        return events
    return [*events, _priced(events[0], message, price)]


def _priced(status: MessageEvent, message: Mapping[str, Any], price: float) -> MessageEvent:
    """Tell the price in an event of its own: the status is mostly known by webhook already, which says no price."""
    return MessageEvent(
        event_id=f"twilio:{status.message_id}:priced",
        event_type=EventType.ACCEPTED,
        channel_id=status.channel_id,
        message_id=status.message_id,
        direction="out",
        occurred_at=_time(_text(message.get("date_created"))),
        phone=status.phone,
        user_id=status.user_id,
        price=price,
        currency=_text(message.get("price_unit")).upper() or None,
    )


def _listed_at(message: Mapping[str, Any], status: str) -> Any:
    """Choose the time nearest to the status: the list has none for delivered and read but the last change."""
    created, sent, updated = (message.get(f"date_{word}") for word in ("created", "sent", "updated"))
    if status in _INBOUND or status == "sent":
        return sent or updated or created
    return created if _STATUS.get(status) is EventType.ACCEPTED else updated or sent


def _price(value: object) -> float | None:
    """Read what a message cost: Twilio writes it as what it takes off the balance, `-0.00750`."""
    try:
        price = abs(float(value)) if isinstance(value, str | int | float) else inf
        return price if isfinite(price) else None
    except (ValueError, OverflowError):
        return None


def _sid(fields: Fields) -> str:
    return fields.get("MessageSid") or fields.get("SmsSid") or fields.get("SmsMessageSid") or ""


def _is_other_channel(fields: Fields) -> bool:
    """Recognise an SMS: both addresses are there and neither is of WhatsApp. One would open a window that isn't."""
    addresses: Sequence[str] = [fields.get("From", ""), fields.get("To", "")]
    return all(addresses) and not any(address.startswith("whatsapp:") for address in addresses)


def _phone(address: str | None) -> str | None:
    digits = (address or "").removeprefix("whatsapp:").strip().removeprefix("+")
    return f"+{digits}" if digits.isascii() and digits.isdigit() and 6 < len(digits) < 16 else None


def _user_id(address: str | None) -> str | None:
    """Recognise a business-scoped id, which stands where the phone used to be."""
    found = (address or "").removeprefix("whatsapp:")
    return found if _USER_ID.fullmatch(found) else None


def _time(value: str | None) -> datetime | None:
    """Read RFC 2822, as lists write it, or ISO 8601, as Event Streams do; None where it is no time at all."""
    if not value:
        return None
    try:
        at = datetime.fromisoformat(value) if value[:4].isdigit() else parsedate_to_datetime(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # halves of surrogate pairs, which JSON allows and UTF-8 not
    return "" if value is None else json.dumps(value) if isinstance(value, dict | list) else str(value)


def _digest(content: object) -> str:
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()
