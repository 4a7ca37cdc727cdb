"""Zenvia's side of the wire, as its API v2 documents: what it refuses, how it answers, which webhooks it posts."""

import json
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any
from uuid import UUID

from wabench.campaigns.templates import variables
from wabench.sandbox import _zenvia_posts
from wabench.sandbox.base import Answer, Call, Happening, Refusal, Shop, Taken, Why
from wabench.settings import TemplateSettings

name = "zenvia"
posts = _zenvia_posts.posts

_SEND = "/channels/whatsapp/messages"
_KEYS = {"from", "to", "contents", "externalId", "idRef", "contentRef"}
_CONTENTS: Mapping[str, tuple[set[str], set[str]]] = {
    "text": ({"text"}, set()),
    "file": ({"fileUrl"}, {"fileMimeType", "fileCaption", "fileName"}),
    "template": ({"templateId"}, {"fields"}),
}
"""What each content must and may have beside its type."""
_TEXT_LENGTH = 4096
# Zenvia documents five errors and no throttling. A throttle is therefore answered in HTTP's own words; what it would
# only tell by webhook, such as a closed window or a paused template, is refused at once, as a fault of its place.
_REFUSED: Mapping[Why, tuple[int, str, str]] = {
    Why.TOKEN: (401, "AUTHENTICATION_ERROR", ""),
    Why.CHANNEL: (404, "NOT_FOUND", "from"),
    Why.INVALID: (400, "VALIDATION_ERROR", "contents"),
    Why.RECIPIENT: (400, "VALIDATION_ERROR", "to"),
    Why.TEMPLATE_MISSING: (404, "NOT_FOUND", "contents[0].templateId"),
    Why.TEMPLATE_PAUSED: (400, "VALIDATION_ERROR", "contents[0].templateId"),
    Why.TEMPLATE_DISABLED: (400, "VALIDATION_ERROR", "contents[0].templateId"),
    Why.PARAMETERS: (400, "VALIDATION_ERROR", "contents[0].fields"),
    Why.WINDOW: (400, "VALIDATION_ERROR", "contents[0].type"),
    Why.THROTTLE: (429, "TOO_MANY_REQUESTS", ""),
    Why.PAIR: (429, "TOO_MANY_REQUESTS", "to"),
    Why.TIER: (429, "TOO_MANY_REQUESTS", ""),
    Why.SERVER: (500, "INTERNAL_ERROR", ""),
}
_MESSAGES = {
    "AUTHENTICATION_ERROR": "No authorization token was found",
    "NOT_FOUND": "Not found",
    "VALIDATION_ERROR": "Validation error",
    "TOO_MANY_REQUESTS": "Too many requests",
    "INTERNAL_ERROR": "Internal error",
}
_TEMPLATE_STATUS = {"pending": "WAITING_APPROVAL"}
_HEARD = ("MESSAGE", "MESSAGE_STATUS")


def is_authorised(call: Call, shop: Shop) -> bool:
    """Tell whether the call carries the shop's own token."""
    token = shop.secrets.get("token", "")
    return bool(token) and compare_digest(call.headers.get("x-api-token", "").encode(), token.encode())


def is_send(call: Call) -> bool:
    """Tell whether the call sends a message."""
    return call.method == "POST" and call.path == _SEND


def read(call: Call, shop: Shop) -> Taken | Refusal:
    """Check a send and read it; what Zenvia does not document is refused, not ignored."""
    body = _object(call.body)
    if body is None or not call.headers.get("content-type", "").startswith("application/json"):
        return Refusal(Why.INVALID, "the body is not a JSON object")
    refusal = _keys_refusal(body, {"from", "to", "contents"}, _KEYS) or _ends_refusal(body, shop)
    contents = body.get("contents")
    if refusal:
        return refusal
    if not isinstance(contents, list) or len(contents) != 1 or not isinstance(contents[0], dict):
        return Refusal(Why.INVALID, "contents is a list of one object, here")
    return _read_content(contents[0], body, shop)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _keys_refusal(given: Mapping[str, Any], needed: set[str], known: set[str]) -> Refusal | None:
    if unknown := set(given) - known - needed:
        return Refusal(Why.INVALID, f"there is no property {min(unknown)!r}")
    if missing := needed - set(given):
        return Refusal(Why.INVALID, f"{min(missing)!r} is missing")
    if wrong := [key for key in given if key not in ("contents", "fields", "contentRef") and not _is_text(given[key])]:
        return Refusal(Why.INVALID, f"{wrong[0]!r} is text")
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _ends_refusal(body: Mapping[str, Any], shop: Shop) -> Refusal | None:
    if body["from"] != shop.channel_id:
        return Refusal(Why.CHANNEL, "there is no such sender")
    to = body["to"]
    if not (to.isascii() and to.isdecimal() and 6 < len(to) < 16 and to[0] != "0"):
        return Refusal(Why.RECIPIENT, "to is a phone: country code and digits alone")
    return None


def _read_content(content: Mapping[str, Any], body: Mapping[str, Any], shop: Shop) -> Taken | Refusal:
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in _CONTENTS:
        return Refusal(Why.INVALID, f"a content of type {kind!r} can't be sent, here")
    needed, known = _CONTENTS[kind]
    if refusal := _keys_refusal(content, {"type", *needed}, known):
        return refusal
    given = {
        "phone": "+" + body["to"],
        "user_id": None,
        "callback_data": body.get("externalId"),
        "given": {key: body[key] for key in ("contents", "from", "to", "externalId") if key in body},
    }
    match kind:
        case "template":
            return _read_template(content, given, shop)
        case "file":
            return _read_file(content, given)
    if len(content["text"]) > _TEXT_LENGTH:
        return Refusal(Why.INVALID, f"a text has at most {_TEXT_LENGTH} characters")
    return Taken(kind="text", text=content["text"], **given)


def _read_file(content: Mapping[str, Any], given: Mapping[str, Any]) -> Taken | Refusal:
    if not content["fileUrl"].startswith(("https://", "http://")):
        return Refusal(Why.INVALID, "fileUrl is the address of a file")
    is_image = content.get("fileMimeType", "").startswith("image/")
    return Taken(kind="image" if is_image else "document", text=content.get("fileCaption"), **given)


def _read_template(content: Mapping[str, Any], given: Mapping[str, Any], shop: Shop) -> Taken | Refusal:
    known = {template.ids.get(name): (key, template) for key, template in shop.templates.items()}
    template_id, fields = content["templateId"], content.get("fields", {})
    if template_id not in known:
        return Refusal(Why.TEMPLATE_MISSING, "there is no such template")
    key, template = known[template_id]
    if template.status != "approved":
        why = Why.TEMPLATE_DISABLED if template.status == "disabled" else Why.TEMPLATE_PAUSED
        return Refusal(why, f"the template is {template.status}")
    wanted = variables(template.body)
    if not isinstance(fields, dict) or set(fields) != set(wanted):
        return Refusal(Why.PARAMETERS, f"fields are {', '.join(wanted) or 'none'}")
    if not all(isinstance(value, str) and value.strip() for value in fields.values()):
        return Refusal(Why.PARAMETERS, "a field is text that is not empty")
    return Taken(kind="template", template=key, parameters=[fields[field] for field in wanted], **given)


def message_id(key: str) -> str:
    """Make a UUID, as Zenvia's ids are."""
    return str(UUID(key))


def answer(taken: Taken, message_id: str, at: float) -> Answer:
    """Say that a message was taken: the message as it was given, and what was added to it."""
    added = {"id": message_id, "direction": "OUT", "channel": "whatsapp", "timestamp": _zenvia_posts.iso(at)}
    return _answer(200, {**taken.given, **added})


def refuse(refusal: Refusal) -> Answer:
    """Say that a call was not taken."""
    status, code, path = _REFUSED[refusal.why]
    details = {"details": [{"code": "INVALID", "path": path, "message": refusal.detail}]} if path else {}
    wait = {} if refusal.retry_after is None else {"Retry-After": f"{max(1, round(refusal.retry_after))}"}
    return _answer(status, {"code": code, "message": _MESSAGES[code], **details}, wait)


def _answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def look_up(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
    """List templates and subscriptions, and take a template for review; there is no history to be asked for."""
    match call.method, call.path:
        case "GET", "/templates":
            return _templates(call, shop)
        case "POST", "/templates":
            return _submitted(call)
        case "GET", "/subscriptions":
            return _answer(200, [_subscription(kind, shop) for kind in _HEARD])
    return None


def _templates(call: Call, shop: Shop) -> Answer:
    given = call.query.get("page", "1"), call.query.get("size", "500")
    if not all(number.isdecimal() and int(number) for number in given):
        return refuse(Refusal(Why.INVALID, "page and size are numbers from 1 on"))
    page, size = map(int, given)
    items = [_template(key, template, shop) for key, template in shop.templates.items()]
    if call.query.get("senderId", shop.channel_id) != shop.channel_id:
        items = []
    shown = items[(page - 1) * size : page * size]
    headers = {"x-total": str(len(items)), "x-page-size": str(size), "x-page": str(page)}
    return _answer(200, shown, headers)


def _template(key: str, template: TemplateSettings, shop: Shop) -> dict[str, Any]:
    return {
        "id": template.ids.get(name, key),
        "name": key,
        "locale": template.language,
        "channel": "WHATSAPP",
        "senderId": shop.channel_id,
        "category": template.category.upper(),
        "components": {
            "body": {"type": "TEXT_TEMPLATE" if "{{" in template.body else "TEXT_FIXED", "text": template.body}
        },
        "fields": variables(template.body),
        "qualityScore": "UNKNOWN",
        "status": _TEMPLATE_STATUS.get(template.status, template.status.upper()),
    }


def _submitted(call: Call) -> Answer:
    body = _object(call.body)
    needed = {"name", "locale", "channel", "senderId", "category", "components"}
    if body is None or not needed <= set(body) <= needed | {"examples", "metadata", "notificationEmail"}:
        return refuse(Refusal(Why.INVALID, "a template is an object of the documented properties"))
    template_id = str(UUID(int=sum(map(ord, str(body["name"])))))
    return _answer(200, {**body, "id": template_id, "status": "WAITING_REVIEW"})


def _subscription(kind: str, shop: Shop) -> dict[str, Any]:
    webhook = {"url": shop.webhook_url, "headers": {"X-Wabench-Secret": shop.secrets.get("webhook_secret", "")}}
    return {
        "id": f"sandbox-{kind.lower()}",
        "eventType": kind,
        "webhook": webhook,
        "criteria": {"channel": "whatsapp"},
        "status": "ACTIVE",
        "version": "v2",
    }
