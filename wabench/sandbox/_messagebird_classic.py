"""MessageBird's classic Conversations API, its side of the wire."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from wabench.sandbox._messagebird_checks import (
    PHONE,
    address,
    body_of,
    by_message,
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

SEND = "/send"
_NEEDED = ("to", "from", "type", "content")
_FIELDS = {*_NEEDED, "reportUrl", "trackId"}
_JSON = {"Content-Type": "application/json"}
_TOKEN_SECONDS = 60
_REFUSALS: Mapping[Why, tuple[int, int, str]] = {
    Why.TOKEN: (401, 2, "access_key"),
    Why.CHANNEL: (404, 20, "from"),
    Why.INVALID: (422, 21, ""),
    Why.RECIPIENT: (422, 10, "to"),
    Why.TEMPLATE_MISSING: (422, 10, "content.hsm.templateName"),
    Why.TEMPLATE_PAUSED: (422, 10, "content.hsm.templateName"),
    Why.TEMPLATE_DISABLED: (422, 10, "content.hsm.templateName"),
    Why.PARAMETERS: (422, 10, "content.hsm.params"),
    Why.WINDOW: (422, 21, "content"),
    Why.THROTTLE: (429, 21, ""),
    Why.PAIR: (429, 21, ""),
    Why.TIER: (429, 21, ""),
    Why.SERVER: (500, 99, ""),
}
_FAILURES: Mapping[Failure, int] = {
    Failure.UNDELIVERABLE: 302,
    Failure.MARKETING_LIMIT: 131049,
    Failure.OPTED_OUT: 131050,
}


def authorisation(shop: Shop) -> str:
    return f"AccessKey {shop.secrets['access_key']}" if shop.secrets.get("access_key") else ""


def message_id(key: str) -> str:
    """Give the 32 digits: they are the shape."""
    return key


def is_send(call: Call) -> bool:
    return call.method == "POST" and call.path == SEND


def read(call: Call, shop: Shop) -> Taken | Refusal:
    """Check a send more strictly than MessageBird does: what it does not know is refused, not ignored."""
    body = body_of(call)
    if isinstance(body, Refusal):
        return body
    if refusal := fields(body, _FIELDS, "", _NEEDED) or _frame(body, shop):
        return refusal
    content = _content(body["type"], body["content"], shop)
    if isinstance(content, Refusal):
        return content
    given = {"dialect": "classic", "body": body}
    return Taken(body["to"], None, **content, callback_data=body.get("trackId"), given=given)


def _frame(body: Mapping[str, Any], shop: Shop) -> Refusal | None:
    if not isinstance(body["to"], str) or not PHONE.fullmatch(body["to"]):
        return wrong("to", "it is no phone with its plus", Why.RECIPIENT)
    if shop.channel_id and body["from"] != shop.channel_id:
        return wrong("from", "there is no such channel", Why.CHANNEL)
    if "reportUrl" in body and (refusal := address(body["reportUrl"], "reportUrl")):
        return refusal
    return said(body["trackId"], "trackId", 256) if "trackId" in body else None


def _content(kind: Any, content: Any, shop: Shop) -> dict[str, Any] | Refusal:
    if kind not in ("hsm", "text", "image", "file"):
        return wrong("type", "it is hsm, text, image or file, here")
    if refusal := fields(content, {kind}, "content", (kind,)):
        return refusal
    part = content[kind]
    if kind == "text":
        return said(part, "content.text", 4096) or {"kind": "text", "text": part}
    if kind == "hsm":
        return _template(part, shop)
    where = f"content.{kind}"
    refusal = fields(part, {"url", "caption"}, where, ("url",)) or address(part["url"], f"{where}.url")
    if not refusal and "caption" in part:
        refusal = said(part["caption"], f"{where}.caption", 1024)
    return refusal or {"kind": "document" if kind == "file" else kind, "text": part.get("caption")}


def _template(part: Any, shop: Shop) -> dict[str, Any] | Refusal:
    where = "content.hsm"
    needed = ("namespace", "templateName", "language")
    refusal = fields(part, {*needed, "params"}, where, needed)
    refusal = refusal or fields(part["language"], {"policy", "code"}, f"{where}.language", ("policy", "code"))
    if refusal:
        return refusal
    if part["namespace"] != shop.options.get("namespace", part["namespace"]):
        return wrong(f"{where}.namespace", "the account has another one", Why.TEMPLATE_MISSING)
    found = template(str(part["templateName"]), part["language"]["code"], shop, f"{where}.templateName")
    if isinstance(found, Refusal):
        return found
    given: list[tuple[str | None, object]] = []
    for parameter in part.get("params", []):
        if refusal := fields(parameter, {"default"}, f"{where}.params", ("default",)):
            return refusal
        given.append((None, parameter["default"]))
    checked = values(given, found[1].body, f"{where}.params")
    if isinstance(checked, Refusal):
        return checked
    return {"kind": "template", "template": found[0], "parameters": checked}


def answer(taken: Taken, message_id: str, at: float) -> Answer:
    """Answer with the message's id."""
    return Answer(202, encoded({"id": message_id, "status": "accepted"}), _JSON)


def refuse(refusal: Refusal) -> Answer:
    """Say why, in MessageBird's list of errors."""
    status, code, parameter = _REFUSALS[refusal.why]
    field, message = field_of(refusal)
    error = {"code": code, "description": message, "parameter": field or parameter or None}
    return Answer(status, encoded({"errors": [error]}), _JSON)


def posts(happening: Happening, shop: Shop, now: float) -> Sequence[Post]:
    """Write the one webhook of a happening: a status to the send's own address, if it named one."""
    is_inbound = happening.value in ("reply", "opt_out")
    body = encoded(_event(happening, shop, is_inbound))
    url = "" if is_inbound else happening.taken.given["body"].get("reportUrl", "")
    url = url or shop.webhook_url
    return [Post(url, body, {**_JSON, "MessageBird-Signature-JWT": _token(url, body, shop, now)})]


def _token(url: str, body: bytes, shop: Shop, now: float) -> str:
    claims = {
        "iss": "MessageBird",
        "nbf": int(now),
        "exp": int(now) + _TOKEN_SECONDS,
        "jti": str(uuid5(NAMESPACE_OID, f"{now} {url}")),
        "url_hash": sha256(url.encode()).hexdigest(),
        "payload_hash": sha256(body).hexdigest(),
    }
    signed = b".".join(_part(encoded(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + _part(hmac.digest(shop.secrets["signing_key"].encode(), signed, sha256))).decode()


def _part(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _event(happening: Happening, shop: Shop, is_inbound: bool) -> dict[str, Any]:
    person = happening.phone or happening.user_id
    conversation = f"{uuid5(NAMESPACE_OID, person or '').hex}"
    message = _inbound(happening, person) if is_inbound else _status(happening, person)
    message |= {"conversationId": conversation, "channelId": shop.channel_id, "platform": "whatsapp"}
    return {
        "type": "message.created" if is_inbound else "message.updated",
        "contact": {"id": conversation, "msisdn": int(happening.phone) if happening.phone else None},
        "conversation": {"id": conversation, "status": "active"},
        "message": message,
    }


def _inbound(happening: Happening, person: str | None) -> dict[str, Any]:
    return {
        "id": happening.reply_id,
        "from": person,
        "direction": "received",
        "status": "received",
        "type": "text",
        "content": {"text": happening.text},
        "createdDatetime": iso(happening.at),
        "updatedDatetime": iso(happening.at),
        "replyTo": {"id": happening.message_id},
    }


def _status(happening: Happening, person: str | None) -> dict[str, Any]:
    body = happening.taken.given["body"]
    code = _FAILURES[happening.failure] if happening.failure else None
    error = {"error": {"code": code, "description": "decided by the sandbox"}} if code else {}
    return {
        "id": happening.message_id,
        "to": person,
        "direction": "sent",
        "status": happening.value,
        "type": body["type"],
        "content": body["content"],
        "createdDatetime": iso(happening.at),
        "updatedDatetime": iso(happening.at),
        **error,
    }


def look_up(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
    """Answer the list of conversations, which has no messages on it."""
    if call.method != "GET" or call.path != "/conversations":
        return None
    people = {told[0].taken.recipient for told in by_message(happened).values()}
    items = [{"id": uuid5(NAMESPACE_OID, person).hex, "status": "active"} for person in sorted(people)]
    limit = int(call.query.get("limit", "10")) if call.query.get("limit", "10").isdecimal() else 10
    page = {"offset": 0, "limit": limit, "count": len(items[:limit]), "totalCount": len(items), "items": items[:limit]}
    return Answer(200, encoded(page), _JSON)
