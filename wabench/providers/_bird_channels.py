"""Bird's Channels API, the second dialect: send, its answers, webhooks and the list of a channel's messages."""

import mimetypes
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from wabench.events import Direction, EventType, MessageEvent
from wabench.providers import _meta_errors
from wabench.providers._bird_values import (
    at,
    dicts,
    is_ones_value,
    iso,
    meta_code,
    not_understood,
    phone,
    retry_after,
    text,
    time,
    user_id,
)
from wabench.providers._json import decode
from wabench.providers.base import Channel, Failed, Media, Message, Template, Text
from wabench.providers.errors import ErrorFamily, Unparsable

BASE_URL = "https://api.bird.com"
PAGE_SIZE = 100

_RETRY, _MAYBE, _NEVER = ErrorFamily.RETRY, ErrorFamily.MAYBE_SENT, ErrorFamily.NEVER
_TEMPLATE, _ACCOUNT = ErrorFamily.STOP_TEMPLATE, ErrorFamily.STOP_ACCOUNT

ERRORS: Mapping[str, ErrorFamily] = {
    "11001": _NEVER,  # the channel can't do this
    "11002": _NEVER,  # invalid input
    "12001": _MAYBE,  # an error inside Bird
    "12002": _TEMPLATE,  # the template can't be turned into WhatsApp's
    "12003": _NEVER,  # this number may not write there
    "15005": _NEVER,  # no such person
}
"""Why a message failed; `failure.code` of its webhook."""

HTTP: Mapping[int, ErrorFamily] = {
    400: _NEVER,
    401: _ACCOUNT,
    402: _ACCOUNT,
    403: _ACCOUNT,
    404: _ACCOUNT,  # workspace or channel
    409: _MAYBE,
    413: _NEVER,
    422: _NEVER,
    429: _RETRY,  # not processed, as documented
}
"""Why a call is refused: its error's `code` is a word of no published list, so the status tells."""

_STATUS = {
    "accepted": EventType.ACCEPTED,
    "processing": EventType.ACCEPTED,
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "sending_failed": EventType.FAILED,
    "delivery_failed": EventType.FAILED,
}
_INTERACTION = {"read": EventType.READ, "opened": EventType.READ, "clicked": EventType.CLICKED}
_FILE = {"audio": "audio", "video": "video", "image": "image"}


def family(code: str | None) -> ErrorFamily:
    """Tell what may be done after a message's failure code."""
    return ERRORS.get(code or "", _MAYBE)


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message; `reference` comes back in every status."""
    key, value = ("phonenumber", message.phone) if message.phone else ("whatsappbsuid", message.user_id)
    body: dict[str, Any] = {
        "receiver": {"contacts": [{"identifierKey": key, "identifierValue": value}]},
        **_content(message),
        **({"reference": message.callback_data} if message.callback_data else {}),
    }
    return httpx.Request("POST", _url(channel, "/messages"), json=body, headers=_authorised(channel))


def _content(message: Message) -> dict[str, Any]:
    match message.content:
        case Text():
            return {"body": {"type": "text", "text": {"text": message.content.body}}}
        case Media():
            return {"body": _media(message.content)}
        case Template():
            return {"template": _template(message.content)}


def _media(media: Media) -> dict[str, Any]:
    caption = {"text": media.caption} if media.caption else {}
    if media.kind == "image":
        return {"type": "image", "image": {"images": [{"mediaUrl": media.url}], **caption}}
    kind = mimetypes.guess_type(media.filename or media.url)[0] or "application/octet-stream"
    named = {"filename": media.filename} if media.filename else {}
    return {"type": "file", "file": {"files": [{"contentType": kind, "mediaUrl": media.url, **named}], **caption}}


def _template(template: Template) -> dict[str, Any]:
    project, _, version = template.provider_id.partition(":")
    if not project:
        raise ValueError(
            f"template {template.name!r} needs its project's id at Bird: "
            f'[templates.{template.name}] ids = {{ messagebird = "PROJECT" }} or "PROJECT:VERSION"'
        )
    parameters = [{"type": "string", "key": key, "value": value} for key, value in template.parameters.items()]
    given = {"projectId": project, "version": version or "latest", "locale": template.language}
    return {**given, **({"parameters": parameters} if parameters else {})}


def failure(response: httpx.Response, answer: object) -> Failed:
    """Read an error; raises KeyError for what is no error of Bird's."""
    code, message = text(at(answer, "code")), text(at(answer, "message"))
    if code is None:
        raise KeyError("code")
    details = at(answer, "details")
    fields = [str(field).lstrip(".") for field in details] if isinstance(details, dict) else []
    is_template = any(field.startswith("template") and not is_ones_value(field) for field in fields)
    found = HTTP.get(response.status_code, _MAYBE)
    found = _TEMPLATE if is_template and found is _NEVER else found
    return Failed(found, code, "; ".join([message or "", *fields]).strip("; "), retry_after(response))


def parse(document: dict[str, Any]) -> list[MessageEvent]:
    """Normalise one webhook, which tells one event."""
    payload, event = document.get("payload"), text(document.get("event")) or ""
    if not isinstance(payload, dict) or not event.startswith("whatsapp."):
        return [not_understood("body", document)]
    if event == "whatsapp.interaction":
        return [_interaction(payload)]
    return [_message(payload)]


def read_page(body: bytes) -> tuple[list[MessageEvent], str | None]:
    """Read a page of messages, each with its present status, and the next cursor."""
    page = decode(body)
    if not isinstance(page, dict) or not isinstance(page.get("results"), list):
        raise Unparsable("not a list of messages")
    return [_message(message) for message in dicts(page["results"])], text(page.get("nextPageToken"))


def _message(message: dict[str, Any]) -> MessageEvent:
    message_id, status = text(message.get("id")), text(message.get("status")) or ""
    if not message_id:
        return not_understood("message", message)
    is_in = message.get("direction") == "incoming" or isinstance(at(message, "sender", "contact"), dict)
    contact = at(message, "sender", "contact") if is_in else _receiver(message)
    extra = at(message, "meta", "extraInformation")
    kind = EventType.RECEIVED if is_in else _STATUS.get(status, EventType.UNKNOWN)
    content_type, said = _read_content(message)
    code, family_of_code = _failure(message)
    return MessageEvent(
        event_id=f"messagebird:{message_id}:{'received' if is_in else status}",
        event_type=kind,
        channel_id=text(message.get("channelId")),
        message_id=message_id,
        direction=Direction.IN if is_in else Direction.OUT,
        occurred_at=_when(message, extra, is_in),
        phone=phone(_identifier(contact, "phonenumber")),
        user_id=user_id(at(extra, "whatsappbsuid")) or user_id(_identifier(contact, "whatsappbsuid")),
        profile_name=text(at(contact, "annotations", "name")),
        username=text(at(extra, "whatsappusername")) or text(_identifier(contact, "whatsappusername")),
        content_type=content_type if kind is not EventType.UNKNOWN else status or None,
        body_text=said,
        template_name=text(at(message, "template", "projectId")),
        error_code=code,
        error_family=family_of_code,
        callback_data=text(message.get("reference")),
        reply_to_message_id=text(at(message, "replyTo", "id")),
        ad_click_id=text(at(message, "meta", "referral", "metadata", "tracking_id"))
        or text(at(message, "meta", "referral", "metadata", "source_id")),
    )


def _interaction(payload: dict[str, Any]) -> MessageEvent:
    """Normalise what a customer did with a message of ours: each but a reading may happen again."""
    message_id, kind = text(payload.get("messageId")), text(payload.get("type")) or ""
    if not message_id:
        return not_understood("interaction", payload)
    known = _INTERACTION.get(kind, EventType.UNKNOWN)
    again = f":{payload.get('id')}" if known is not EventType.READ and text(payload.get("id")) else ""
    return MessageEvent(
        event_id=f"messagebird:{message_id}:{kind}{again}",
        event_type=known,
        channel_id=text(payload.get("channelId")),
        message_id=message_id,
        direction=Direction.OUT,
        occurred_at=time(payload.get("createdAt")),
        content_type=kind if known is EventType.UNKNOWN else None,
        callback_data=text(payload.get("messageReference")),
    )


def _receiver(message: dict[str, Any]) -> dict[str, Any] | None:
    return next(iter(dicts(at(message, "receiver", "contacts"))), None)


def _identifier(contact: object, key: str) -> object:
    """Find one of a contact's identifiers: the one it is named by, or one beside it."""
    for found in [contact, *dicts(at(contact, "identifiers"))]:
        if at(found, "identifierKey") == key:
            return at(found, "identifierValue")
    return None


def _when(message: dict[str, Any], extra: object, is_in: bool) -> datetime | None:
    wrote = time(at(extra, "timestamp")) if is_in else None
    times = ("createdAt",) if is_in else ("lastStatusAt", "updatedAt", "createdAt")
    return wrote or next((found for key in times if (found := time(message.get(key)))), None)


def _failure(message: dict[str, Any]) -> tuple[str | None, ErrorFamily | None]:
    """Tell why a message failed: Meta's own code, where WhatsApp is the source, says more than Bird's group of it."""
    code, source = text(at(message, "failure", "code")), text(at(message, "failure", "source", "name")) or ""
    if "whatsapp" in source and (found := meta_code(at(message, "failure", "source", "code"))):
        return found, _meta_errors.family(found)
    return code, family(code) if code else None


def _read_content(message: dict[str, Any]) -> tuple[str | None, str | None]:
    """Give what a message is, in Meta's words, and its readable text."""
    kind = "template" if isinstance(message.get("template"), dict) else text(at(message, "body", "type"))
    part = at(message, "body", text(at(message, "body", "type")) or "")
    if kind is None:
        return None, None
    said = text(at(part, "text")) or text(at(part, "label"))
    if kind == "file":
        file = next(iter(dicts(at(part, "files"))), {})
        major = (text(file.get("contentType")) or "").partition("/")[0]
        return _FILE.get(major, "document"), said or text(file.get("filename"))
    tapped = next((action for action in dicts(at(part, "actions")) if action.get("type") == "postback"), None)
    if kind == "text" and tapped and at(message, "replyTo", "type") == "click":
        return "button", said or text(at(tapped, "postback", "text"))
    return kind, said


def history_request(channel: Channel, since: datetime, cursor: str | None) -> httpx.Request:
    """Ask for the messages created since a moment; there is no asking by when one changed."""
    query = {"limit": str(PAGE_SIZE), "startAt": iso(since)}
    if cursor:
        query["pageToken"] = cursor
    return httpx.Request("GET", _url(channel, "/messages"), params=query, headers=_authorised(channel))


def check_request(channel: Channel) -> httpx.Request:
    """Ask for the channel itself."""
    return httpx.Request("GET", _url(channel, ""), headers=_authorised(channel))


def read_check(answer: dict[str, Any]) -> Mapping[str, Any]:
    """Read what is said of the channel."""
    return {"number": answer.get("identifier"), "name": answer.get("name"), "status": answer["status"]}


def _url(channel: Channel, path: str) -> str:
    if not (workspace := channel.options.get("workspace")):
        raise ValueError('Bird\'s Channels API needs [providers.messagebird.options] workspace = "…"')
    return f"{channel.base_url.rstrip('/')}/workspaces/{workspace}/channels/{channel.channel_id}{path}"


def _authorised(channel: Channel) -> dict[str, str]:
    return {"Authorization": f"AccessKey {channel.secrets['access_key']}"}
