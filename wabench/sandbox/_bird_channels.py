"""Bird's Channels API, its side of the wire."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from wabench.sandbox._messagebird_checks import (
    PHONE,
    USER_ID,
    address,
    body_of,
    by_message,
    encoded,
    field_of,
    fields,
    iso,
    pages,
    said,
    template,
    values,
    wrong,
)
from wabench.sandbox.base import Answer, Call, Failure, Happening, Post, Refusal, Shop, Taken, Why

_FIELDS = {"receiver", "body", "template", "reference"}
_FILE = {"contentType", "mediaUrl", "filename"}
_JSON = {"Content-Type": "application/json"}
_REFUSALS: Mapping[Why, tuple[int, str]] = {
    Why.TOKEN: (401, "Unauthorized"),
    Why.CHANNEL: (404, "NotFound"),
    Why.THROTTLE: (429, "TooManyRequests"),
    Why.PAIR: (429, "TooManyRequests"),
    Why.TIER: (429, "TooManyRequests"),
    Why.SERVER: (500, "InternalServerError"),
}
_INVALID = (422, "InvalidPayload")
_FAILURES: Mapping[Failure, tuple[int, str]] = {
    Failure.UNDELIVERABLE: (15005, "131026"),
    Failure.MARKETING_LIMIT: (15001, "131049"),
    Failure.OPTED_OUT: (14001, "131050"),
}


def authorisation(shop: Shop) -> str:
    return f"AccessKey {shop.secrets['access_key']}" if shop.secrets.get("access_key") else ""


def message_id(key: str) -> str:
    """Write 128 bits as a UUID."""
    return str(UUID(hex=key))


def is_send(call: Call) -> bool:
    return call.method == "POST" and call.path.endswith("/messages")


def read(call: Call, shop: Shop) -> Taken | Refusal:
    """Check a send as the published schema does, which allows no other fields."""
    if refusal := _place(call, shop):
        return refusal
    body = body_of(call)
    if isinstance(body, Refusal):
        return body
    if refusal := fields(body, _FIELDS, "", ("receiver",)):
        return refusal
    if ("body" in body) == ("template" in body):
        return wrong("body", "a message has a body or a template")
    if "reference" in body and (refusal := said(body["reference"], "reference", 255)):
        return refusal
    to = _receiver(body["receiver"])
    if isinstance(to, Refusal):
        return to
    content = _template(body["template"], shop) if "template" in body else _free(body["body"])
    if isinstance(content, Refusal):
        return content
    given = {"dialect": "channels", "body": body}
    return Taken(*to, **content, callback_data=body.get("reference"), given=given)


def _place(call: Call, shop: Shop) -> Refusal | None:
    _, _, workspace, channels, channel, *_ = [*call.path.split("/"), *[""] * 5]
    ours = shop.options.get("workspace", workspace), "channels", shop.channel_id or channel
    is_ours = (workspace, channels, channel) == ours
    return None if is_ours else Refusal(Why.CHANNEL, "there is no such channel in this workspace")


def _receiver(given: Any) -> tuple[str | None, str | None] | Refusal:
    if refusal := fields(given, {"contacts"}, "receiver", ("contacts",)):
        return refusal
    contacts = given["contacts"]
    if not isinstance(contacts, list) or len(contacts) != 1:
        return wrong("receiver.contacts", "it is one contact", Why.RECIPIENT)
    known = ("identifierKey", "identifierValue")
    if refusal := fields(contacts[0], known, "receiver.contacts", known):
        return refusal
    key, value = contacts[0]["identifierKey"], str(contacts[0]["identifierValue"])
    if key == "phonenumber" and PHONE.fullmatch(value):
        return value, None
    if key == "whatsappbsuid" and USER_ID.fullmatch(value):
        return None, value
    return wrong("receiver.contacts.identifierValue", "it is no phone and no business-scoped id", Why.RECIPIENT)


def _free(body: Any) -> dict[str, Any] | Refusal:
    kind = body.get("type") if isinstance(body, dict) else None
    if kind not in ("text", "image", "file"):
        return wrong("body.type", "it is text, image or file, here")
    if refusal := fields(body, {"type", kind}, "body", (kind,)):
        return refusal
    return _text(body["text"]) if kind == "text" else _files(body[kind], kind)


def _text(part: Any) -> dict[str, Any] | Refusal:
    refusal = fields(part, {"text"}, "body.text", ("text",)) or said(part["text"], "body.text.text", 4096)
    return refusal or {"kind": "text", "text": part["text"]}


def _files(part: Any, kind: str) -> dict[str, Any] | Refusal:
    where = f"body.{kind}"
    many, known = ("images", {"mediaUrl", "altText"}) if kind == "image" else ("files", _FILE)
    if refusal := fields(part, {many, "text"}, where, (many,)):
        return refusal
    items = part[many] if isinstance(part[many], list) else []
    if len(items) != 1:
        return wrong(f"{where}.{many}", "it is a list of one, here")
    needed = ("mediaUrl",) if kind == "image" else ("contentType", "mediaUrl")
    refusal = fields(items[0], known, f"{where}.{many}", needed) or address(items[0]["mediaUrl"], f"{where}.{many}")
    return refusal or {"kind": "image" if kind == "image" else "document", "text": part.get("text")}


def _template(part: Any, shop: Shop) -> dict[str, Any] | Refusal:
    needed = ("projectId", "version", "locale")
    if refusal := fields(part, {*needed, "parameters"}, "template", needed):
        return refusal
    named = [str(part["projectId"]), f"{part['projectId']}:{part['version']}"]
    known = {found.ids.get("messagebird") for found in shop.templates.values()}
    given = next((name for name in named if name in known), named[0])
    found = template(given, part["locale"], shop, "template.projectId")
    if isinstance(found, Refusal):
        return found
    parameters = _parameters(part.get("parameters", []))
    checked = (
        parameters if isinstance(parameters, Refusal) else values(parameters, found[1].body, "template.parameters")
    )
    if isinstance(checked, Refusal):
        return checked
    return {"kind": "template", "template": found[0], "parameters": checked}


def _parameters(given: Any) -> list[tuple[str | None, object]] | Refusal:
    found: list[tuple[str | None, object]] = []
    known = ("type", "key", "value")
    for parameter in given if isinstance(given, list) else [given]:
        if refusal := fields(parameter, known, "template.parameters", known):
            return refusal
        if parameter["type"] != "string":
            return wrong("template.parameters.type", "it is string, here", Why.PARAMETERS)
        found.append((str(parameter["key"]), parameter["value"]))
    return found


def answer(taken: Taken, message_id: str, at: float) -> Answer:
    """Answer with the message as it was taken."""
    return Answer(202, encoded(_message(taken, message_id, at, taken.phone, taken.user_id)), _JSON)


def _message(taken: Taken, message_id: str, at: float, phone: str | None, user_id: str | None) -> dict[str, Any]:
    body = taken.given["body"]
    content = {"template": body["template"], "body": None} if taken.kind == "template" else {"body": body["body"]}
    return {
        "id": message_id,
        "channelId": "",
        "sender": {"connector": {"id": "sandbox", "identifierValue": ""}},
        "receiver": {"contacts": [_contact(phone, user_id)]},
        **content,
        "meta": {"extraInformation": {"whatsappbsuid": user_id} if user_id else {}},
        "reference": body.get("reference", ""),
        "parts": [],
        "status": "accepted",
        "reason": "",
        "direction": "outgoing",
        "lastStatusAt": iso(at),
        "createdAt": iso(at),
        "updatedAt": iso(at),
    }


def _contact(phone: str | None, user_id: str | None) -> dict[str, Any]:
    key, value = ("phonenumber", phone) if phone else ("whatsappbsuid", user_id)
    return {"id": str(uuid5(NAMESPACE_OID, value or "")), "identifierKey": key, "identifierValue": value}


def refuse(refusal: Refusal) -> Answer:
    """Say why; a field that is wrong stands in `details`."""
    status, code = _REFUSALS.get(refusal.why, _INVALID)
    field, message = field_of(refusal)
    details = {"details": {f".{field}": [message]}} if field else {}
    return Answer(status, encoded({"code": code, "message": message, **details}), _JSON)


def posts(happening: Happening, shop: Shop, now: float) -> Sequence[Post]:
    """Write the one webhook of a happening, signed over its URL."""
    body, url = encoded(_event(happening, shop)), shop.webhook_url
    signed = f"{int(now)}\n{url}\n".encode() + sha256(body).digest()
    signature = base64.b64encode(hmac.digest(shop.secrets["signing_key"].encode(), signed, sha256)).decode()
    headers = {**_JSON, "MessageBird-Signature": signature, "MessageBird-Request-Timestamp": str(int(now))}
    return [Post(url, body, headers)]


def _event(happening: Happening, shop: Shop) -> dict[str, Any]:
    if happening.value == "read":
        return _wrapped("interaction", _read(happening, shop))
    if happening.value in ("reply", "opt_out"):
        return _wrapped("inbound", _inbound(happening, shop))
    return _wrapped("outbound", _status(happening, shop))


def _wrapped(event: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"service": "channels", "event": f"whatsapp.{event}", "payload": payload}


def _read(happening: Happening, shop: Shop) -> dict[str, Any]:
    return {
        "id": str(uuid5(NAMESPACE_OID, happening.message_id)),
        "type": "read",
        "messageId": happening.message_id,
        "messageReference": happening.taken.callback_data or "",
        "channelId": shop.channel_id,
        "createdAt": iso(happening.at),
    }


def _status(happening: Happening, shop: Shop) -> dict[str, Any]:
    taken = happening.taken
    found = _message(taken, happening.message_id, happening.at, happening.phone, happening.user_id)
    found |= {"channelId": shop.channel_id, "status": happening.value}
    if happening.value == "failed":
        code, meta = _FAILURES[happening.failure or Failure.UNDELIVERABLE]
        source = {"name": "whatsapp", "code": meta}
        found |= {"status": "delivery_failed", "reason": "decided by the sandbox"}
        found |= {"failure": {"code": code, "source": source}}
    return found


def _inbound(happening: Happening, shop: Shop) -> dict[str, Any]:
    extra = {"timestamp": str(int(happening.at)), "whatsappbsuid": happening.user_id}
    return {
        "id": happening.reply_id,
        "channelId": shop.channel_id,
        "sender": {"contact": _contact(happening.phone, happening.user_id)},
        "receiver": {"connector": {"id": "sandbox", "identifierValue": ""}},
        "body": {"type": "text", "text": {"text": happening.text}},
        "meta": {"extraInformation": {key: value for key, value in extra.items() if value}},
        "reference": "",
        "replyTo": {"id": happening.message_id, "type": "message"},
        "status": "delivered",
        "direction": "incoming",
        "lastStatusAt": iso(happening.at),
        "createdAt": iso(happening.at),
        "updatedAt": iso(happening.at),
    }


def look_up(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
    """Answer the list of a channel's messages, and the channel itself."""
    if call.method != "GET":
        return None
    if refusal := _place(call, shop):
        return refuse(refusal)
    place = call.path.split("/")[5:]
    if place == []:
        channel = {"id": shop.channel_id, "name": "Sandbox", "identifier": "+15550000000", "status": "active"}
        return Answer(200, encoded({**channel, "platformId": "whatsapp"}), _JSON)
    if place != ["messages"]:
        return None
    since = call.query.get("startAt", "")
    became = [item for told in by_message(happened).values() for item in _became(told, shop)]
    found = sorted((item for item in became if item["createdAt"] > since), key=lambda item: str(item["createdAt"]))
    ids = [item["id"] for item in reversed(found)]
    page, token = pages(found[::-1], ids, call.query.get("pageToken", ""), call.query.get("limit", ""))
    return Answer(200, encoded({"results": page, **({"nextPageToken": token} if token else {})}), _JSON)


def _became(told: Sequence[Happening], shop: Shop) -> list[dict[str, Any]]:
    """List a message with its last status, and what was answered to it."""
    statuses = [happening for happening in told if happening.value not in ("read", "reply", "opt_out")]
    last = {**_status(statuses[-1], shop), "createdAt": iso(told[0].at)}
    return [last, *[_inbound(happening, shop) for happening in told if happening.value in ("reply", "opt_out")]]
