"""Events of Bird's platform API v1: webhooks, and the same events read back from its list of messages."""

from collections.abc import Callable, Iterator
from typing import Any

from wabench.events import Direction, EventType, MessageEvent
from wabench.providers import _meta_errors
from wabench.providers._bird_values import at, dicts, meta_code, not_understood, phone, text, time, user_id
from wabench.providers._json import decode, digest
from wabench.providers.errors import ErrorFamily, Unparsable

FamilyOf = Callable[[str | None], ErrorFamily]

_STATUS = {
    "accepted": EventType.ACCEPTED,
    "scheduled": EventType.ACCEPTED,
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "read": EventType.READ,
    "failed": EventType.FAILED,
    "rejected": EventType.FAILED,  # refused before it was sent, and not charged
    "canceled": EventType.FAILED,
}
_TIMES = {"accepted": "created_at", "sent": "sent_at", "delivered": "delivered_at", "read": "read_at"}
_CONTENT = {
    "text": ("text", ("body",)),
    "image": ("image", ("caption",)),
    "video": ("video", ("caption",)),
    "audio": ("audio", ()),
    "sticker": ("sticker", ()),
    "document": ("document", ("caption", "filename")),
    "location": ("location", ("name", "address")),
    "interactive": ("interactive", ("body_text",)),
}
"""A message's content field -> Meta's word for it, and where its text stands."""


def parse(document: dict[str, Any], family_of: FamilyOf) -> list[MessageEvent]:
    """Normalise one webhook, which tells one event."""
    kind, data = text(document.get("type")) or "", document.get("data")
    if not isinstance(data, dict):
        return [not_understood("body", document)]
    if kind == "whatsapp.reacted":
        return [_reaction(document, data)]
    if kind == "whatsapp_suppression.created":
        return [_suppression(document, data)]
    name = kind.removeprefix("whatsapp.")
    message_id = text(data.get("whatsapp_id"))
    if not kind.startswith("whatsapp.") or not message_id:
        return [not_understood(kind or "body", document)]
    return [_event(message_id, name, document.get("timestamp"), data, data.get("error"), family_of)]


def read_page(body: bytes, family_of: FamilyOf) -> tuple[list[MessageEvent], str | None]:
    """Read a page of messages: for each the events its times tell, newest message first, and the next cursor."""
    page = decode(body)
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise Unparsable("not a list of messages")
    events = [event for message in dicts(page["data"]) for event in _of_message(message, family_of)]
    return events, text(page.get("next_cursor"))


def _of_message(message: dict[str, Any], family_of: FamilyOf) -> Iterator[MessageEvent]:
    message_id, status = text(message.get("id")), text(message.get("status")) or ""
    if not message_id:
        yield not_understood("message", message)
    elif message.get("direction") == "inbound":
        yield _event(message_id, "received", message.get("created_at"), message, None, family_of)
    else:
        # a rejected message never was accepted, though the list says when it was created
        told = [name for name, key in _TIMES.items() if message.get(key) and status != "rejected"]
        for name in [*told, *([status] if status not in told else [])]:
            when = message.get(_TIMES.get(name, "")) or at(message, "last_error", "occurred_at")
            error = message.get("last_error") if name == status else None
            yield _event(message_id, name, when, message, error, family_of)
        if status != "rejected" and (event := _cost(message_id, message, family_of)):
            yield event


def _cost(message_id: str, message: dict[str, Any], family_of: FamilyOf) -> MessageEvent | None:
    """Tell what a message cost, as an acceptance of its own: webhooks don't say it, and the first of an id stays."""
    amount, currency = text(at(message, "cost", "amount")), text(at(message, "cost", "currency_code"))
    try:
        price = float(amount) if amount and currency else None
    except ValueError:
        return None
    if price is None or price != price:  # NaN
        return None
    name = f"cost:{amount}"
    return _event(message_id, name, message.get("created_at"), message, None, family_of, EventType.ACCEPTED, price)


def _event(
    message_id: str, name: str, when: object, data: dict[str, Any], error: object, family_of: FamilyOf,
    known: EventType | None = None, price: float | None = None,
) -> MessageEvent:  # fmt: skip
    is_in = data.get("direction") == "inbound" or name == "received"
    kind = known or _kind(name, is_in)
    ours, theirs = ("to", "from") if is_in else ("from", "to")
    content_type, said = _content(data)
    code, family = _failure(error, name, family_of)
    return MessageEvent(
        event_id=f"messagebird:{message_id}:{name}",
        event_type=kind,
        channel_id=text(at(data, ours, "phone_number")),
        message_id=message_id,
        direction=Direction.IN if is_in else Direction.OUT,
        occurred_at=time(when),
        phone=phone(at(data, theirs, "phone_number")),
        user_id=text(at(data, theirs, "bsuid")),
        profile_name=text(at(data, theirs, "display_name")),
        username=text(at(data, theirs, "username")),
        content_type=content_type if kind is not EventType.UNKNOWN else name,
        body_text=said,
        template_name=text(at(data, "template", "slug")),
        category=text(at(data, "template", "category")),
        price=price,
        currency=text(at(data, "cost", "currency_code")) if price is not None else None,
        error_code=code,
        error_family=family,
        callback_data=text(at(data, "metadata", "callback_data")),
        reply_to_message_id=text(data.get("in_reply_to_message_id")),
    )


def _kind(name: str, is_in: bool) -> EventType:
    """Read a status. A `read` of an inbound message is our own receipt, not the customer's."""
    if is_in:
        return EventType.RECEIVED if name == "received" else EventType.UNKNOWN
    return _STATUS.get(name, EventType.UNKNOWN)


def _failure(error: object, name: str, family_of: FamilyOf) -> tuple[str | None, ErrorFamily | None]:
    """Tell why a message failed: Meta's own code says more than Bird's, unless Bird's account is what lacks."""
    code = text(at(error, "code")) or ("canceled" if name == "canceled" else None)
    own = family_of(code) if code else None
    meta = meta_code(at(error, "meta_error_code"))
    return (meta, _meta_errors.family(meta)) if meta and own is not ErrorFamily.STOP_ACCOUNT else (code, own)


def _content(data: dict[str, Any]) -> tuple[str | None, str | None]:
    """Give what a message is, in Meta's words, and its readable text."""
    for field, (kind, keys) in _CONTENT.items():
        if isinstance(part := data.get(field), dict):
            return kind, next((found for key in keys if (found := text(part.get(key)))), None)
    if isinstance(reply := data.get("interactive_reply"), dict):
        tapped = reply.get(text(reply.get("type")) or "") or reply.get("button") or reply.get("list")
        return "interactive", text(at(tapped, "text")) or text(at(tapped, "slug"))
    if cards := dicts(data.get("contact_cards")):
        return "contacts", text(at(cards[0], "name", "formatted_name"))
    if isinstance(unsupported := data.get("unsupported"), dict):
        return text(unsupported.get("type")) or "unsupported", None
    return ("template", None) if isinstance(data.get("template"), dict) else (None, None)


def _reaction(document: dict[str, Any], data: dict[str, Any]) -> MessageEvent:
    """Normalise a reaction: no message of its own, so the one it is on stands in `reply_to_message_id`."""
    reacted_to, emoji = text(data.get("whatsapp_id")), text(data.get("emoji"))
    told = digest([document.get("timestamp"), data.get("from"), data.get("emoji")])
    return MessageEvent(
        event_id=f"messagebird:{reacted_to}:reacted:{told}",
        event_type=EventType.REACTION,
        channel_id=text(at(data, "to", "phone_number")),
        direction=Direction.IN,
        occurred_at=time(document.get("timestamp")),
        phone=phone(at(data, "from", "phone_number")),
        user_id=text(at(data, "from", "bsuid")),
        username=text(at(data, "from", "username")),
        profile_name=text(at(data, "from", "display_name")),
        content_type="reaction",
        body_text=emoji,
        reply_to_message_id=reacted_to,
    )


def _suppression(document: dict[str, Any], data: dict[str, Any]) -> MessageEvent:
    address, found = data.get("address"), text(data.get("suppression_id"))
    return MessageEvent(
        event_id=f"messagebird:{found or digest(data)}:suppressed",
        event_type=EventType.OPT_OUT,
        direction=Direction.IN,
        occurred_at=time(document.get("timestamp")),
        phone=phone(address),
        user_id=user_id(address),
        content_type="suppression",
        body_text=text(data.get("reason")),
    )
