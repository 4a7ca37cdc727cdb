"""Zenvia's webhooks, normalised: one event a body, but a message may have several contents, each an event of its own.

Ids are made of what happened and not of the webhook's own id: two subscriptions tell the same thing under two of those.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wabench.events import Direction, EventType, MessageEvent
from wabench.providers import _meta_errors
from wabench.providers._json import decode, digest

_STATUS = {
    "ACCEPTED": EventType.ACCEPTED,
    "SENT": EventType.SENT,
    "DELIVERED": EventType.DELIVERED,
    "VERIFIED": EventType.DELIVERED,  # delivered, and the device knew the sender
    "READ": EventType.READ,
    "CLICKED": EventType.CLICKED,
    "REJECTED": EventType.FAILED,
    "NOT_DELIVERED": EventType.FAILED,
    "DELETED": EventType.DELETED,
}
_CONTENT = {
    "text": "text",
    "file": "document",  # or what its MIME type says
    "location": "location",
    "contacts": "contacts",
    "template": "template",
    "flow_response": "interactive",
    "product_list_order": "order",
    "unsupported": "unsupported",
    **dict.fromkeys(("button", "list", "product", "product_list", "flow", "contact_request"), "interactive"),
    **dict.fromkeys(("order_details", "order_status"), "interactive"),
}
"""Their content types in Meta's words; a content that is not here becomes `unknown`."""
_FILE = {"image": "image", "video": "video", "audio": "audio"}
_SAYS = ("text", "fileCaption", "fileName", "body", "name", "address")


def parse(body: bytes) -> list[MessageEvent]:
    """Normalise one webhook body; what is not understood is an `unknown` event. Raises Unparsable for no JSON."""
    document = decode(body)
    items = document if isinstance(document, list) and document else [document]
    return [event for item in items for event in _events(item)]


def _events(item: Any) -> Iterator[MessageEvent]:
    channel = _text(item.get("channel")) if isinstance(item, dict) else ""
    read = _READ.get(str(item.get("type"))) if isinstance(item, dict) else None
    if read is None or (channel and channel.lower() != "whatsapp"):  # a subscription to SMS is no WhatsApp message
        yield _not_understood(item)
    else:
        yield from read(item)


def _not_understood(item: Any) -> MessageEvent:
    given = item if isinstance(item, dict) else {}
    return MessageEvent(
        event_id=f"zenvia:body:{digest(item)}",
        event_type=EventType.UNKNOWN,
        occurred_at=_time(given.get("timestamp")),
        content_type=_text(given.get("type")),
    )


def _status(item: dict[str, Any]) -> Iterator[MessageEvent]:
    message, status = _dict(item.get("message")), _dict(item.get("messageStatus"))
    message_id = _text(message.get("id")) or _text(item.get("messageId"))
    code = _text(status.get("code"))
    if not (message_id and code):
        yield _not_understood(item)
        return
    kind = _STATUS.get(code, EventType.UNKNOWN)
    cause, button = _dict(_first(status.get("causes"))), _dict(_dict(status.get("context")).get("button"))
    error = _text(cause.get("channelErrorCode")) if kind is EventType.FAILED else None
    ends = _ends(message)
    yield MessageEvent(
        event_id=f"zenvia:{message_id}:{code}{_which(item, kind)}",
        event_type=kind,
        message_id=message_id,
        occurred_at=_time(status.get("timestamp")) or _time(item.get("timestamp")),
        content_type=_text(button.get("type")) or (code if kind is EventType.UNKNOWN else None),
        body_text=_text(button.get("payload")),
        error_code=error,
        error_family=_meta_errors.family(error) if error else None,
        callback_data=_text(message.get("externalId")),
        direction=ends.direction,
        channel_id=ends.channel_id,
        phone=ends.phone,
        user_id=ends.user_id,
    )


def _which(item: dict[str, Any], kind: EventType) -> str:
    """Tell a status from the same one of another content; a button may be pressed again and again."""
    index = _dict(item.get("message")).get("contentIndex", item.get("contentIndex"))
    content = f":{index:g}" if isinstance(index, int | float) and index else ""
    at = _text(_dict(item.get("messageStatus")).get("timestamp"))
    return content + (f":{at}" if kind is EventType.CLICKED else "")


def _message(item: dict[str, Any]) -> Iterator[MessageEvent]:
    message = _dict(item.get("message"))
    message_id, contents = _text(message.get("id")), message.get("contents")
    if not message_id or not isinstance(contents, list) or not contents:
        yield _not_understood(item)
        return
    ends = _ends({"direction": item.get("direction") or "IN", **message})
    visitor, referral = _dict(message.get("visitor")), _dict(message.get("referral"))
    names = filter(None, (_text(visitor.get("firstName")), _text(visitor.get("lastName"))))
    for index, content in enumerate(map(_dict, contents)):
        kind = _kind(content)
        event_type = EventType.RECEIVED if ends.direction == Direction.IN else EventType.ACCEPTED
        yield MessageEvent(
            event_id=f"zenvia:{message_id}:{_text(content.get('type'))}" + (f":{index}" if index else ""),
            event_type=event_type if kind else EventType.UNKNOWN,
            message_id=message_id,
            occurred_at=_time(message.get("timestamp")) or _time(item.get("timestamp")),
            profile_name=_text(visitor.get("name")) or " ".join(names) or None,
            username=_text(visitor.get("userName")),
            content_type=kind or _text(content.get("type")),
            body_text=_said(content),
            template_name=_text(content.get("templateId")) if kind == "template" else None,
            error_code=_text(content.get("reason")) if content.get("status") == "REJECTED" else None,
            callback_data=_text(message.get("externalId")),
            reply_to_message_id=_text(message.get("idRef")),
            ad_click_id=_text(referral.get("ctwaId")) or _text(_dict(referral.get("source")).get("id")),
            direction=ends.direction,
            channel_id=ends.channel_id,
            phone=ends.phone,
            user_id=ends.user_id,
        )


_READ: Mapping[str, Callable[[dict[str, Any]], Iterator[MessageEvent]]] = {
    "MESSAGE": _message,
    "MESSAGE_STATUS": _status,
}
"""The events of messages; those of conversations, agents and contacts are kept as `unknown`."""


def _kind(content: dict[str, Any]) -> str | None:
    """Say what a content is; a text with a payload is a button of ours that was pressed."""
    kind = _CONTENT.get(str(content.get("type")))
    if kind == "text" and content.get("payload") is not None:
        return "button"
    if kind == "document":
        family, _, subtype = (_text(content.get("fileMimeType")) or "").partition("/")
        return "sticker" if subtype == "webp" else _FILE.get(family, kind)
    return kind


def _said(content: dict[str, Any]) -> str | None:
    if content.get("type") == "contacts":
        name = _dict(_dict(_first(content.get("contacts"))).get("name"))
        return _text(name.get("formattedName")) or _text(name.get("firstName"))
    return next(filter(None, (_text(content.get(key)) for key in (*_SAYS, "payload"))), None)


@dataclass(frozen=True, slots=True)
class _Ends:
    """The shop's end of a message and the customer's."""

    direction: Direction
    channel_id: str | None
    phone: str | None
    user_id: str | None


def _ends(message: Mapping[str, Any]) -> _Ends:
    """Tell who is at a message's two ends; one that does not say its direction is ours."""
    is_in = message.get("direction") == "IN"
    person, shop = ("from", "to") if is_in else ("to", "from")
    whom = _text(message.get(person)) or ""
    digits = whom.removeprefix("+")
    is_phone = digits.isascii() and digits.isdigit() and 6 < len(digits) < 16
    return _Ends(
        Direction.IN if is_in else Direction.OUT,
        _text(message.get(shop)),
        f"+{digits}" if is_phone else None,
        whom if whom[2:3] == "." and whom[:2].isupper() else None,
    )


def _time(value: Any) -> datetime | None:
    """Read an ISO 8601 time; None where it is none."""
    try:
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and value != "" else None
