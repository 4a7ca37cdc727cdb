"""Bird's platform API v1, its side of the wire."""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from wabench.sandbox._messagebird_checks import (
    PHONE,
    USER_ID,
    address,
    body_of,
    encoded,
    field_of,
    fields,
    iso,
    said,
    template,
    values,
    wrong,
)
from wabench.sandbox.base import Answer, Call, Failure, Happening, Post, Refusal, Shop, Taken, Why

SEND = "/whatsapp/messages"
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_CONTENT = ("template", "text", "image", "document")
_FIELDS = {"to", "from", "tags", "metadata", *_CONTENT}
_ID = re.compile(r"wat_[0-9a-hjkmnp-tv-z]{26}")
_SLUG = re.compile(r"(?=.{1,63}$)[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
_TAG = re.compile(r"[A-Za-z0-9_-]+")
_METADATA_BYTES = 2048
_CAPTION = 1024
# The names are Bird's; which E-number each has it does not publish.
_REFUSALS: Mapping[Why, tuple[int, str, str, str]] = {
    Why.TOKEN: (401, "auth_error", "E10001", "InvalidApiKey"),
    Why.CHANNEL: (422, "validation_error", "E10002", "WhatsAppSenderNotFound"),
    Why.INVALID: (422, "validation_error", "E10003", "ValidationFailed"),
    Why.RECIPIENT: (422, "validation_error", "E10004", "WhatsAppInvalidRecipient"),
    Why.TEMPLATE_MISSING: (404, "not_found_error", "E10005", "WhatsAppTemplateNotFound"),
    Why.TEMPLATE_PAUSED: (422, "precondition_error", "E10006", "WhatsAppTemplatePaused"),
    Why.TEMPLATE_DISABLED: (422, "precondition_error", "E10007", "WhatsAppTemplateDisabled"),
    Why.PARAMETERS: (422, "validation_error", "E10008", "WhatsAppTemplateParameterMismatch"),
    Why.WINDOW: (422, "validation_error", "E10009", "WhatsAppServiceWindowExpired"),
    Why.THROTTLE: (429, "rate_limit_error", "E10010", "RateLimited"),
    Why.PAIR: (429, "rate_limit_error", "E10010", "RateLimited"),
    Why.TIER: (429, "rate_limit_error", "E10010", "RateLimited"),
    Why.SERVER: (500, "internal_error", "E10011", "InternalError"),
}
_FAILURES: Mapping[Failure, tuple[str, str]] = {
    Failure.UNDELIVERABLE: ("undeliverable", "131026"),
    Failure.MARKETING_LIMIT: ("undeliverable", "131049"),
    Failure.OPTED_OUT: ("recipient_suppressed", "131050"),
}


def authorisation(shop: Shop) -> str:
    return f"Bearer {shop.secrets['token']}" if shop.secrets.get("token") else ""


def message_id(key: str) -> str:
    """Write 128 bits in the 26 letters of Bird's ids."""
    number = int(key, 16)
    return "wam_" + "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(26)))


def is_send(call: Call) -> bool:
    return call.method == "POST" and call.path == SEND


def read(call: Call, shop: Shop) -> Taken | Refusal:
    """Check a send as the published schema and its documented rules do."""
    body = body_of(call)
    if isinstance(body, Refusal):
        return body
    kinds = [kind for kind in _CONTENT if kind in body]
    if refusal := fields(body, _FIELDS, "", ("to",)) or _labels(body):
        return refusal
    if len(kinds) != 1:
        return Refusal(Why.INVALID, "a message carries exactly one kind of content")
    to = body["to"] if isinstance(body["to"], str) else ""
    if not PHONE.fullmatch(to) and not USER_ID.fullmatch(to):
        return wrong("to", "it is neither a phone with its plus nor a business-scoped id", Why.RECIPIENT)
    if refusal := _sender(body, shop):
        return refusal
    read_content = _template if kinds[0] == "template" else _free
    content = read_content(body[kinds[0]], kinds[0], shop)
    return content if isinstance(content, Refusal) else _taken(body, to, kinds[0], content, call)


def _taken(body: Mapping[str, Any], to: str, kind: str, content: Mapping[str, Any], call: Call) -> Taken:
    metadata = body.get("metadata") or {}
    return Taken(
        phone=to if PHONE.fullmatch(to) else None,
        user_id=None if PHONE.fullmatch(to) else to,
        kind=kind,
        callback_data=metadata.get("callback_data"),
        idempotency_key=call.headers.get("idempotency-key"),
        given={"dialect": "v1", "body": body},
        **content,
    )


def _sender(body: Mapping[str, Any], shop: Shop) -> Refusal | None:
    part = body.get("template")
    is_managed = isinstance(part, dict) and str(part.get("slug", "")).startswith("bird_")
    if is_managed:
        why = "Bird's own templates choose the number themselves"
        return wrong("from", why, Why.CHANNEL) if "from" in body else None
    if shop.channel_id and body.get("from") != shop.channel_id:
        return wrong("from", "the workspace has no such number", Why.CHANNEL)
    return None


def _labels(body: Mapping[str, Any]) -> Refusal | None:
    tags, metadata = body.get("tags", []), body.get("metadata", {})
    if not isinstance(metadata, dict) or len(encoded(metadata)) > _METADATA_BYTES:
        return wrong("metadata", f"it is an object of at most {_METADATA_BYTES} bytes")
    if not isinstance(tags, list) or len(tags) > 20:
        return wrong("tags", "they are at most 20")
    for tag in tags:
        if refusal := fields(tag, {"name", "value"}, "tags", ("name", "value")):
            return refusal
        for key, longest in (("name", 32), ("value", 64)):
            if not _TAG.fullmatch(str(tag[key])) or len(str(tag[key])) > longest:
                return wrong(f"tags.{key}", f"it is at most {longest} letters, digits, _ and -")
    return None


def _free(part: Any, kind: str, shop: Shop) -> Mapping[str, Any] | Refusal:
    if kind == "text":
        refusal = fields(part, {"body", "preview_url"}, "text", ("body",)) or said(part["body"], "text.body", 4096)
        if not refusal and not isinstance(part.get("preview_url", False), bool):
            refusal = wrong("text.preview_url", "it is true or false")
        return refusal or {"text": part["body"]}
    known = {"url", "caption"} | ({"filename"} if kind == "document" else set())
    refusal = fields(part, known, kind, ("url",)) or address(part["url"], f"{kind}.url")
    for key, longest in (("caption", _CAPTION), ("filename", 100)):
        refusal = refusal or (said(part[key], f"{kind}.{key}", longest) if key in part else None)
    return refusal or {"text": part.get("caption")}


def _template(part: Any, kind: str, shop: Shop) -> Mapping[str, Any] | Refusal:
    if refusal := fields(part, {"id", "slug", "language", "components"}, "template"):
        return refusal
    if ("id" in part) == ("slug" in part):
        return wrong("template", "it is named by its id or by its slug")
    named = str(part.get("id") or part.get("slug"))
    if not (_ID if "id" in part else _SLUG).fullmatch(named):
        return wrong("template", f"{named!r} has not the shape of an id or slug")
    found = template(named, part.get("language"), shop, "template")
    if isinstance(found, Refusal):
        return found
    given = _parameters(part.get("components", []))
    checked = given if isinstance(given, Refusal) else values(given, found[1].body, "template.components")
    return checked if isinstance(checked, Refusal) else {"template": found[0], "parameters": checked}


def _parameters(components: Any) -> list[tuple[str | None, object]] | Refusal:
    found: list[tuple[str | None, object]] = []
    where = "template.components"
    for component in components if isinstance(components, list) else [components]:
        refusal = fields(component, {"type", "parameters"}, where, ("type", "parameters"))
        if refusal or component["type"] != "body":
            return refusal or wrong(f"{where}.type", "the template has a body only")
        for parameter in component["parameters"] if isinstance(component["parameters"], list) else [None]:
            refusal = fields(parameter, {"type", "text", "name"}, f"{where}.parameters", ("type", "text"))
            if refusal or parameter["type"] != "text":
                return refusal or wrong(f"{where}.parameters.type", "the template takes text only", Why.PARAMETERS)
            found.append((parameter.get("name"), parameter["text"]))
    return found


def answer(taken: Taken, message_id: str, at: float) -> Answer:
    """Answer with the message as it was taken."""
    return Answer(202, encoded(message_of(taken, message_id, at)), {"Content-Type": "application/json"})


def message_of(taken: Taken, message_id: str, at: float) -> dict[str, Any]:
    body = taken.given["body"]
    content = {taken.kind: _echo(body["template"]) if taken.kind == "template" else body[taken.kind]}
    return {
        "id": message_id,
        "direction": "outbound",
        "from": {"phone_number": body.get("from", "+15550000000")},
        "to": person_of(taken.phone, taken.user_id),
        **content,
        "status": "accepted",
        "created_at": iso(at),
        "sent_at": None,
        "delivered_at": None,
        "read_at": None,
        "cost": None,
        **({"tags": body["tags"]} if "tags" in body else {}),
        **({"metadata": body["metadata"]} if "metadata" in body else {}),
    }


def _echo(part: Mapping[str, Any]) -> dict[str, Any]:
    slug, language = part.get("slug") or part.get("id"), str(part.get("language")).replace("_", "-")
    return {"slug": slug, "category": "marketing", "language": language, "components": part.get("components", [])}


def person_of(phone: str | None, user_id: str | None) -> dict[str, str]:
    return {key: value for key, value in (("phone_number", phone), ("bsuid", user_id)) if value}


def refuse(refusal: Refusal) -> Answer:
    """Say why, in Bird's envelope; too many to one person is Meta's to say, so that makes a message it rejects."""
    if refusal.taken:
        return _rejected(refusal.taken, refusal)
    status, kind, code, name = _REFUSALS[refusal.why]
    field, message = field_of(refusal)
    error = {
        "type": kind,
        "code": code,
        "name": name,
        "message": message,
        "doc_url": f"https://bird.com/docs/errors/{code}",
        "request_id": "req_sandbox",
        **({"param": field, "details": [{"param": field, "message": message}]} if field else {}),
    }
    wait = {} if refusal.retry_after is None else {"Retry-After": str(-int(-refusal.retry_after // 1))}
    return Answer(status, encoded({"error": error}), {"Content-Type": "application/json", **wait})


def _rejected(taken: Taken, refusal: Refusal) -> Answer:
    """Answer with a message that was made and rejected, which stays under its idempotency key."""
    error = {"code": "rate_limited", "description": refusal.detail, "occurred_at": iso(refusal.at)}
    made = message_id(uuid5(NAMESPACE_OID, f"{taken.recipient} {refusal.at}").hex)
    body = message_of(taken, made, refusal.at) | {"status": "rejected", "last_error": error}
    return Answer(202, encoded(body), {"Content-Type": "application/json"})


def posts(happening: Happening, shop: Shop, now: float) -> Sequence[Post]:
    """Write the one webhook of a happening, signed as Standard Webhooks are."""
    body = encoded(_event(happening, shop))
    message_id = "msg_" + uuid5(NAMESPACE_OID, f"{happening.message_id} {happening.value}").hex
    key = base64.b64decode(shop.secrets["webhook_secret"].removeprefix("whsec_"))
    signed = hmac.digest(key, f"{message_id}.{int(now)}.".encode() + body, sha256)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }
    return [Post(shop.webhook_url, body, headers)]


def _event(happening: Happening, shop: Shop) -> dict[str, Any]:
    kind, data = event_of(happening, shop)
    return {"type": kind, "timestamp": iso(happening.at), "data": data}


def event_of(happening: Happening, shop: Shop) -> tuple[str, dict[str, Any]]:
    body = happening.taken.given["body"]
    person, ours = person_of(happening.phone, happening.user_id), {"phone_number": shop.channel_id}
    workspace = {"workspace_id": f"ws_{message_id('0')[4:]}"}
    if happening.value == "opt_out":
        suppressed = f"was_{message_id(sha256(happening.message_id.encode()).hexdigest()[:32])[4:]}"
        address = happening.phone or happening.user_id
        told = {"suppression_id": suppressed, "address": address, "waba": None, "reason": "opt_out"}
        return "whatsapp_suppression.created", {**told, **workspace}
    if happening.value == "reply":
        wrote = {"whatsapp_id": happening.reply_id, "direction": "inbound", "from": person, "to": ours}
        content = {"text": {"body": happening.text}, "in_reply_to_message_id": happening.message_id}
        return "whatsapp.received", {**wrote, **workspace, "tags": None, "metadata": None, **content}
    sent = {"whatsapp_id": happening.message_id, "direction": "outbound", "from": ours, "to": person}
    echoed = {"tags": body.get("tags"), "metadata": body.get("metadata")}
    error = {"error": error_of(happening)} if happening.failure else {}
    return f"whatsapp.{happening.value}", {**sent, **workspace, **echoed, **error}


def error_of(happening: Happening) -> dict[str, str]:
    code, meta = _FAILURES[happening.failure or Failure.UNDELIVERABLE]
    told = {"code": code, "description": "Decided by the sandbox.", "meta_error_code": meta}
    return {**told, "occurred_at": iso(happening.at)}
