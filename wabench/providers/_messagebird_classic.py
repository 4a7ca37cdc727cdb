"""MessageBird's classic Conversations API, for shops that still hold an access key of it: send, answers, webhooks."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx

from wabench.events import Direction, EventType, MessageEvent
from wabench.providers import _meta_errors
from wabench.providers._bird_values import (
    HTTP,
    at,
    dicts,
    is_ones_value,
    not_understood,
    phone,
    retry_after,
    text,
    time,
    user_id,
)
from wabench.providers._callback import callback_url
from wabench.providers.base import Channel, Failed, Media, Message, Template, Text
from wabench.providers.errors import ErrorFamily

BASE_URL = "https://conversations.messagebird.com/v1"

_RETRY, _MAYBE, _NEVER = ErrorFamily.RETRY, ErrorFamily.MAYBE_SENT, ErrorFamily.NEVER
_TEMPLATE, _ACCOUNT = ErrorFamily.STOP_TEMPLATE, ErrorFamily.STOP_ACCOUNT

ERRORS: Mapping[str, ErrorFamily] = {
    "2": _ACCOUNT,  # not allowed: wrong access key
    "9": _NEVER,  # a parameter is missing
    "10": _NEVER,  # a parameter is invalid
    "20": _ACCOUNT,  # not found: of a send, that is the channel
    "21": _NEVER,  # bad request
    "25": _ACCOUNT,  # not enough balance
    "98": _ACCOUNT,  # no such API
    "99": _MAYBE,  # internal error
    "301": _NEVER,  # not sent
    "302": _NEVER,  # not on WhatsApp
    "1001": _ACCOUNT,  # invalid credential
}
"""Codes of refused calls, and from 301 on of messages that failed; Meta's own stand in `_meta_errors`."""

_STATUS = {
    "accepted": EventType.ACCEPTED,
    "pending": EventType.ACCEPTED,
    "buffered": EventType.ACCEPTED,
    "dispatched": EventType.SENT,
    "transmitted": EventType.SENT,
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "read": EventType.READ,
    "opened": EventType.READ,
    "clicked": EventType.CLICKED,
    "failed": EventType.FAILED,
    "rejected": EventType.FAILED,
    "delivery_failed": EventType.FAILED,
    "expired": EventType.FAILED,
    "deleted": EventType.DELETED,
}
_KIND = {"file": "document", "hsm": "template", "whatsappSticker": "sticker", "whatsappOrder": "order"}
_INTERACTIVE = "interactive"


def family(code: str | None) -> ErrorFamily:
    """Tell what may be done after an error code, MessageBird's or one of Meta's that it hands on."""
    return ERRORS.get(code or "") or _meta_errors.family(code)


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message; its statuses come to `reportUrl`, whose query says which send it was."""
    if not message.phone:
        raise ValueError("the classic MessageBird API sends to phones only, not to business-scoped ids")
    kind, content = _content(message, channel)
    callback = message.callback_data
    report = callback_url(channel, callback) if callback else ""
    body: dict[str, Any] = {
        "to": message.phone,
        "from": channel.channel_id,
        "type": kind,
        "content": content,
        **({"reportUrl": report} if report else {}),
        **({"trackId": callback} if callback else {}),
    }
    return httpx.Request("POST", f"{channel.base_url.rstrip('/')}/send", json=body, headers=_authorised(channel))


def _content(message: Message, channel: Channel) -> tuple[str, dict[str, Any]]:
    match message.content:
        case Text():
            return "text", {"text": message.content.body}
        case Media(kind, url, caption, _):
            name = "file" if kind == "document" else kind
            return name, {name: {"url": url, **({"caption": caption} if caption else {})}}
        case Template():
            return "hsm", {"hsm": _template(message.content, channel)}


def _template(template: Template, channel: Channel) -> dict[str, Any]:
    if not (namespace := channel.options.get("namespace")):
        raise ValueError('MessageBird\'s templates need [providers.messagebird.options] namespace = "…"')
    if template.is_named:
        raise ValueError(f"template {template.name!r} has named variables; the classic MessageBird API takes numbers")
    return {
        "namespace": namespace,
        "templateName": template.provider_id or template.name,
        "language": {"policy": "deterministic", "code": template.language},
        "params": [{"default": value} for value in template.parameters.values()],
    }


def failure(response: httpx.Response, answer: object) -> Failed:
    """Read an error; raises IndexError for what is none of MessageBird's. Throttling is told by the status."""
    error = dicts(at(answer, "errors"))[0]
    code, parameter = text(error.get("code")) or "", text(error.get("parameter")) or ""
    found = HTTP.get(response.status_code) or family(code)
    is_template = parameter.startswith(("content.hsm", "hsm")) and not is_ones_value(parameter)
    found = _TEMPLATE if found is _NEVER and is_template else found
    said = text(error.get("description")) or text(error.get("message")) or ""
    return Failed(found, code, f"{said} ({parameter})" if parameter else said, retry_after(response))


def parse(document: dict[str, Any], query: str) -> list[MessageEvent]:
    """Normalise one webhook or status report; a list of messages is read as so many."""
    if messages := dicts(document.get("items")):
        return [_message(message, {}, "") for message in messages]
    message = document.get("message")
    if isinstance(message, dict):
        return [_message(message, document, query)]
    if text(document.get("status")) and text(document.get("id")) and document.get("direction"):
        return [_message(document, {}, query)]
    return [not_understood(text(document.get("type")) or "body", document)]


def _message(message: dict[str, Any], document: dict[str, Any], query: str) -> MessageEvent:
    message_id, status = text(message.get("id")), text(message.get("status")) or ""
    if not message_id or not message.get("direction"):
        return not_understood("message", message)
    is_in = message.get("direction") == "received"
    kind = EventType.RECEIVED if is_in and status != "deleted" else _STATUS.get(status, EventType.UNKNOWN)
    contact = document.get("contact")
    content_type, said = _read_content(message)
    code = text(at(message, "error", "code")) or text(at(document, "error", "code"))
    tracked, asked = text(message.get("trackId")), _callback(query)
    # A subscribed webhook tells a status without our word for the send; the report that has it is no repetition.
    report = ":report" if asked and not tracked else ""
    return MessageEvent(
        event_id=f"messagebird:{message_id}:{'received' if kind is EventType.RECEIVED else status}{report}",
        event_type=kind,
        channel_id=text(message.get("channelId")),
        message_id=message_id,
        direction=Direction.IN if is_in else Direction.OUT,
        occurred_at=time(message.get("createdDatetime" if is_in else "updatedDatetime"))
        or time(message.get("createdDatetime")),
        phone=phone(message.get("from" if is_in else "to")) or phone(at(contact, "msisdn")),
        user_id=user_id(message.get("from" if is_in else "to")),
        profile_name=_name(contact),
        content_type=content_type if kind is not EventType.UNKNOWN else status or None,
        body_text=said,
        template_name=text(at(message, "content", "hsm", "templateName")),
        error_code=code,
        error_family=family(code) if code else None,
        callback_data=tracked or asked,
        reply_to_message_id=text(at(message, "replyTo", "id")) or text(at(message, "context", "id")),
    )


def _name(contact: object) -> str | None:
    parts = (text(at(contact, "firstName")), text(at(contact, "lastName")))
    return text(at(contact, "displayName")) or " ".join(part for part in parts if part) or None


def _callback(query: str) -> str | None:
    try:
        return next(iter(parse_qs(query).get("callback", [])), None)
    except ValueError:
        return None


def _read_content(message: dict[str, Any]) -> tuple[str | None, str | None]:
    """Give what a message is, in Meta's words, and its readable text."""
    kind, content = text(message.get("type")), message.get("content")
    if kind in (_INTERACTIVE, "whatsappInteractive"):
        part = at(content, kind) or at(content, _INTERACTIVE)
        return _INTERACTIVE, text(at(part, "reply", "text")) or text(at(part, "body", "text"))
    part = at(content, kind) if kind else None
    said = text(part) if kind == "text" else text(at(part, "caption")) or text(at(part, "text", "body"))
    return (_KIND.get(kind, kind), said) if kind else (None, said)


def check_request(channel: Channel) -> httpx.Request:
    """Ask for one conversation: it answers only to a good key."""
    url = f"{channel.base_url.rstrip('/')}/conversations"
    return httpx.Request("GET", url, params={"limit": "1"}, headers=_authorised(channel))


def read_check(answer: dict[str, Any]) -> Mapping[str, Any]:
    """Read how many conversations the account has."""
    return {"conversations": answer["totalCount"]}


def _authorised(channel: Channel) -> dict[str, str]:
    return {"Authorization": f"AccessKey {channel.secrets['access_key']}"}
