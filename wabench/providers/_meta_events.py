"""Meta's webhooks, normalised: one typed decoding for the usual body, item by item for anything that does not fit it.

`family_of` in `parse` maps an error code to its family; the table stands with the sending half, in `meta`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from wabench.events import EventType, MessageEvent
from wabench.providers._json import decode, digest, mended
from wabench.providers._meta_shapes import Contact, Message, Status, Text, Value, Webhook
from wabench.providers.errors import ErrorFamily

FamilyOf = Callable[[str], ErrorFamily]

_decoder = msgspec.json.Decoder(Webhook, strict=False)
_NOBODY = Contact()

_STATUS = {
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "read": EventType.READ,
    "played": EventType.READ,
    "failed": EventType.FAILED,
    "deleted": EventType.DELETED,
}
_MESSAGE = {
    **dict.fromkeys(
        ("text", "image", "video", "audio", "document", "sticker", "location", "contacts", "button", "interactive",
         "order", "unsupported", "edit"),
        EventType.RECEIVED,
    ),
    "reaction": EventType.REACTION,
    "system": EventType.IDENTITY_UPDATE,
    "revoke": EventType.DELETED,
}  # fmt: skip
_PREFERENCE = {"stop": EventType.OPT_OUT, "resume": EventType.OPT_IN, "signup": EventType.OPT_IN}
_FIELD = {
    "message_template_status_update": EventType.TEMPLATE_UPDATE,
    "message_template_components_update": EventType.TEMPLATE_UPDATE,
    "template_category_update": EventType.TEMPLATE_UPDATE,
    "template_correct_category_detection": EventType.TEMPLATE_UPDATE,
    "message_template_quality_update": EventType.QUALITY_UPDATE,
    "account_update": EventType.QUALITY_UPDATE,
    "account_alerts": EventType.QUALITY_UPDATE,
    "account_review_update": EventType.QUALITY_UPDATE,
    "phone_number_quality_update": EventType.LIMIT_UPDATE,
    "business_capability_update": EventType.LIMIT_UPDATE,
    "user_id_update": EventType.IDENTITY_UPDATE,
    "business_username_updates": EventType.IDENTITY_UPDATE,
}
"""What a webhook field tells about; a field that is not here becomes `unknown`."""


def parse(body: bytes, family_of: FamilyOf) -> list[MessageEvent]:
    """Normalise one webhook body; whatever is not understood is an `unknown` event, so no JSON is ever lost.

    Raises Unparsable where the bytes are no JSON.
    """
    try:
        webhook = _decoder.decode(body)
    except msgspec.ValidationError:
        return _parse_loosely(body, family_of)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return parse(mended(body), family_of)
    events: list[MessageEvent] = []
    for entry in webhook.entry:
        for change in entry.changes:
            if change.field != "messages" or change.value.errors:
                return _parse_loosely(body, family_of)
            events.extend(_messages_value(change.value, family_of))
    return events or _parse_loosely(body, family_of)


def _messages_value(value: Value, family_of: FamilyOf) -> list[MessageEvent]:
    channel = value.metadata.phone_number_id if value.metadata else None
    contacts = value.contacts or []
    return [
        *[_status(status, channel, contacts, family_of) for status in value.statuses or ()],
        *[_message(message, channel, contacts, family_of) for message in value.messages or ()],
    ]


def _status(status: Status, channel: str | None, contacts: list[Contact], family_of: FamilyOf) -> MessageEvent:
    kind = _STATUS.get(status.status or "", EventType.UNKNOWN)
    contact = contacts[0] if len(contacts) == 1 else _NOBODY
    profile = contact.profile
    participant = f":{status.recipient_participant_id}" if status.recipient_participant_id else ""
    code = str(status.errors[0].code) if status.errors else None
    is_group = status.recipient_type == "group"
    pricing = status.pricing
    phone = None if is_group else _phone(status.recipient_id) or _phone(contact.wa_id)
    user_id = status.recipient_user_id or _user_id(status.recipient_id) or contact.user_id
    if phone is None and user_id is None:  # the id at the whole company is better than none
        user_id = status.recipient_parent_user_id or status.parent_recipient_user_id or contact.parent_user_id
    return MessageEvent(  # by position: by name costs six times as much, and this is the loader's inner loop
        f"meta:{status.id}:{status.status}{participant}" if status.id else _event_id("status", status),
        kind,
        channel,
        status.id,
        "out",
        _time(status.timestamp),
        phone,
        user_id,
        profile.name if profile else None,
        profile.username if profile else None,
        status.status if kind is EventType.UNKNOWN else None,
        None,  # body_text
        None,  # template_name
        pricing.category if pricing else None,
        pricing.type if pricing else None,
        None,  # price
        None,  # currency
        code,
        family_of(code) if code is not None else None,
        status.biz_opaque_callback_data,
    )


def _message(message: Message, channel: str | None, contacts: list[Contact], family_of: FamilyOf) -> MessageEvent:
    kind = _MESSAGE.get(message.type or "", EventType.UNKNOWN)
    contact = _contact_of(message, contacts)
    profile = contact.profile
    phone = _phone(message.from_) or _phone(contact.wa_id)
    user_id = message.from_user_id or _user_id(message.from_) or contact.user_id
    if phone is None and user_id is None:
        user_id = message.from_parent_user_id or contact.parent_user_id
    text, reply_to = _content(message)
    if message.system and kind is EventType.IDENTITY_UPDATE:
        # The event is about who they are now; body_text keeps who they were.
        text = phone if message.system.wa_id else user_id if message.system.user_id else message.system.body
        phone, user_id = _phone(message.system.wa_id) or phone, message.system.user_id or user_id
    code = str(message.errors[0].code) if message.errors else None
    return MessageEvent(
        event_id=f"meta:{message.id}:{message.type}" if message.id else _event_id("message", message),
        event_type=kind,
        channel_id=channel,
        message_id=message.id,
        direction="in",
        occurred_at=_time(message.timestamp),
        phone=phone,
        user_id=user_id,
        profile_name=profile.name if profile else None,
        username=profile.username if profile else None,
        content_type=message.type,
        body_text=text,
        error_code=code,
        error_family=family_of(code) if code is not None else None,
        reply_to_message_id=reply_to or (message.context.id if message.context else None),
        ad_click_id=(message.referral.ctwa_clid or message.referral.source_id) if message.referral else None,
    )


def _contact_of(message: Message, contacts: list[Contact]) -> Contact:
    if len(contacts) == 1:
        return contacts[0]
    for contact in contacts:
        if (message.from_ and contact.wa_id == message.from_) or (
            message.from_user_id and contact.user_id == message.from_user_id
        ):
            return contact
    return _NOBODY


def _content(message: Message) -> tuple[str | None, str | None]:
    """Give a message's readable text and the message it points at."""
    if message.text:
        return message.text.body, None
    part: Text | None = getattr(message, message.type or "", None) if message.type in _MESSAGE else None
    if not isinstance(part, Text):
        return None, None
    part = part.button_reply or part.list_reply or part.nfm_reply or part
    text = part.text or part.title or part.body or part.caption or part.emoji or part.name or part.filename
    return text or part.payload, part.message_id or part.original_message_id


def _parse_loosely(body: bytes, family_of: FamilyOf) -> list[MessageEvent]:
    """Take a body apart change by change, so that what is new or misshapen costs no more than itself."""
    document = decode(body)
    events: list[MessageEvent] = []
    for entry in _dicts(document.get("entry") if isinstance(document, dict) else None):
        for change in _dicts(entry.get("changes")):
            events.extend(_change(change, entry, family_of))
    return events or [MessageEvent(event_id=_event_id("body", document), event_type=EventType.UNKNOWN)]


def _change(change: dict[str, Any], entry: dict[str, Any], family_of: FamilyOf) -> Iterator[MessageEvent]:
    field, value = change.get("field"), change.get("value")
    if isinstance(value, dict) and field == "messages":
        yield from _items(value, entry, family_of)
    elif isinstance(value, dict) and field == "user_preferences":
        for item in _dicts(value.get("user_preferences")):
            yield _preference(item, value)
    else:
        yield _update(str(field), value if isinstance(value, dict) else {"value": value}, entry)


def _items(value: dict[str, Any], entry: dict[str, Any], family_of: FamilyOf) -> Iterator[MessageEvent]:
    """Normalise a messages value whose items may not all have the usual shape."""
    frame = {"metadata": value.get("metadata"), "contacts": value.get("contacts")}
    events: list[MessageEvent] = []
    for name in ("statuses", "messages"):
        for item in _list(value.get(name)):
            try:
                typed = msgspec.convert({**frame, name: [item]}, Value, strict=False)
            except msgspec.ValidationError:
                events.append(_not_understood(name, item, value))
            else:
                events.extend(_messages_value(typed, family_of))
    for item in _list(value.get("errors")):
        code = _text(item.get("code")) if isinstance(item, dict) else None
        event = _not_understood("errors", {"error": item, "time": entry.get("time")}, value)
        family = family_of(code) if code is not None else None
        events.append(msgspec.structs.replace(event, content_type="errors", error_code=code, error_family=family))
    yield from events or [_not_understood("value", value, value)]


def _not_understood(kind: str, content: object, value: dict[str, Any]) -> MessageEvent:
    return MessageEvent(event_id=_event_id(kind, content), event_type=EventType.UNKNOWN, channel_id=_channel_of(value))


def _preference(item: dict[str, Any], value: dict[str, Any]) -> MessageEvent:
    return MessageEvent(
        event_id=_event_id("user_preferences", item),
        event_type=_PREFERENCE.get(str(item.get("value")), EventType.UNKNOWN),
        channel_id=_channel_of(value),
        direction="in",
        occurred_at=_time(_text(item.get("timestamp"))),
        phone=_phone(item.get("wa_id")),
        user_id=_text(item.get("user_id")) or _user_id(item.get("wa_id")),
        content_type=_text(item.get("category")),
        body_text=_text(item.get("detail")),
    )


def _update(field: str, value: dict[str, Any], entry: dict[str, Any]) -> MessageEvent:
    """Normalise what is told of an account, a template or an identity; `content_type` says what became of it.

    For a change of identity `user_id` is the present id and `body_text` the one before.
    """
    kind = _FIELD.get(field, EventType.UNKNOWN)
    ids = value.get("user_id")
    present, before = (ids.get("current"), ids.get("previous")) if isinstance(ids, dict) else (ids, None)
    state = value.get("event") or value.get("new_quality_score") or value.get("decision") or value.get("new_category")
    limit = value.get("current_limit") or value.get("max_daily_conversations_per_business")
    said = before or value.get("reason") or limit or value.get("detail") or value.get("previous_quality_score")
    return MessageEvent(
        event_id=_event_id(field, {"value": value, "time": entry.get("time"), "id": entry.get("id")}),
        event_type=kind,
        channel_id=_channel_of(value),
        occurred_at=_time(_text(value.get("timestamp"))) or _time(_text(entry.get("time"))),
        phone=_phone(value.get("wa_id")),
        user_id=_text(present),
        username=_text(value.get("username")),
        content_type=_text(state) or field,
        body_text=_text(said),
        template_name=_text(value.get("message_template_name")),
        category=_text(value.get("message_template_category") or value.get("new_category")),
        template_language=_text(value.get("message_template_language")),
    )


def _list(items: object) -> list[Any]:
    return items if isinstance(items, list) else []


def _dicts(items: object) -> list[dict[str, Any]]:
    return [item for item in _list(items) if isinstance(item, dict)]


def _channel_of(value: dict[str, Any]) -> str | None:
    metadata = value.get("metadata")
    return _text(metadata.get("phone_number_id")) if isinstance(metadata, dict) else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def _phone(wa_id: object) -> str | None:
    """Turn a WhatsApp id, which is E.164 without its plus, into a phone."""
    if type(wa_id) is str and wa_id.isdecimal() and wa_id.isascii() and 6 < len(wa_id) < 16:
        return "+" + wa_id
    text = wa_id if isinstance(wa_id, str) else _text(wa_id) or ""
    digits = text.removeprefix("+")
    return f"+{digits}" if digits.isascii() and digits.isdigit() and 6 < len(digits) < 16 else None


def _user_id(wa_id: object) -> str | None:
    """Recognise a business-scoped id (`US.13491…`), which some webhooks carry where the phone used to be."""
    return wa_id if isinstance(wa_id, str) and wa_id[2:3] == "." and wa_id[:2].isupper() else None


@lru_cache(maxsize=4096)
def _time(seconds: str | int | None) -> datetime | None:
    """Read seconds since 1970; None where it is no time at all. Kept, as events come many to the same second."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if seconds is not None else None
    except (ValueError, OverflowError, OSError):
        return None


def _event_id(kind: str, content: object) -> str:
    return f"meta:{kind}:{digest(content)}"
