"""Twilio's side of the wire, as documented: what it refuses, how it answers, which webhooks it posts."""

import base64
import hmac
import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from wabench.campaigns.templates import variables
from wabench.sandbox import _twilio_lists, _twilio_webhooks
from wabench.sandbox.base import Answer, Call, Happening, Post, Refusal, Shop, Taken, Why
from wabench.settings import TemplateSettings

name = "twilio"

_TEXT_LENGTH = 1600
_PARAMETER = re.compile(r"\S(?:[^\n\t]*\S)?")
_ADDRESS = re.compile(r"whatsapp:(\+[1-9][0-9]{6,14}|[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128})")
_FORM = "application/x-www-form-urlencoded"
FIELDS = {
    "To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "ContentVariables", "StatusCallback",
    "ApplicationSid", "MaxPrice", "ProvideFeedback", "Attempt", "ValidityPeriod", "ForceDelivery", "ContentRetention",
    "AddressRetention", "SmartEncoded", "PersistentAction", "TrafficType", "ShortenUrls", "ScheduleType", "SendAt",
    "SendAsMms", "RiskCheck", "FallbackFrom",
}  # fmt: skip
_REPEATED = {"MediaUrl", "PersistentAction"}
_STATUS = {
    "paused": (Why.TEMPLATE_PAUSED, "63041"),
    "disabled": (Why.TEMPLATE_DISABLED, "63042"),
    "rejected": (Why.TEMPLATE_DISABLED, "63040"),
    "pending": (Why.TEMPLATE_MISSING, "63027"),
}

# Code and HTTP status of a refusal. Most of what is about a person or a template Twilio tells only afterwards, by a
# status; the sandbox says it at once, so that a test finds it.
_REFUSALS: Mapping[Why, tuple[int, int]] = {
    Why.TOKEN: (20003, 401),
    Why.CHANNEL: (63007, 400),
    Why.INVALID: (20001, 400),
    Why.RECIPIENT: (21211, 400),
    Why.TEMPLATE_MISSING: (63027, 400),
    Why.TEMPLATE_PAUSED: (63041, 400),
    Why.TEMPLATE_DISABLED: (63042, 400),
    Why.PARAMETERS: (63028, 400),
    Why.WINDOW: (63016, 400),
    Why.THROTTLE: (20429, 429),
    Why.PAIR: (63018, 429),
    Why.TIER: (63018, 429),
    Why.SERVER: (20500, 500),
}


def is_authorised(call: Call, shop: Shop) -> bool:
    """Tell whether the call carries the account's token or its API key."""
    pairs = (("account_sid", "auth_token"), ("api_key", "api_secret"))
    ours = [":".join(shop.secrets[each] for each in pair) for pair in pairs if set(pair) <= set(shop.secrets)]
    given = call.headers.get("authorization", "").encode(errors="replace")
    return any(hmac.compare_digest(given, b"Basic " + base64.b64encode(pair.encode())) for pair in ours)


def is_send(call: Call) -> bool:
    """Tell whether the call sends a message."""
    return call.method == "POST" and call.path.endswith("/Messages.json")


def read(call: Call, shop: Shop) -> Taken | Refusal:
    """Check a send more strictly than Twilio does, which ignores fields it does not know."""
    if call.path.strip("/") != f"Accounts/{shop.secrets.get('account_sid')}/Messages.json":
        return Refusal(Why.CHANNEL, f"there is nothing at {call.path}", code="20404")
    is_form = call.headers.get("content-type", "").startswith(_FORM)
    pairs = parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True) if is_form else []
    fields = dict(pairs)
    twice = [key for key, _ in pairs if key not in _REPEATED and sum(key == other for other, _ in pairs) > 1]
    if unknown := sorted(set(fields) - FIELDS) + twice:
        return Refusal(Why.INVALID, f"unknown parameter {unknown[0]}")
    return _address(fields, shop) or _content(fields, shop)


def _address(fields: Mapping[str, str], shop: Shop) -> Refusal | None:
    if not fields.get("To"):
        return Refusal(Why.RECIPIENT, "A 'To' phone number is required.", code="21604")
    if not _ADDRESS.fullmatch(fields["To"]):
        return Refusal(Why.RECIPIENT, f"The 'To' number {fields['To']} is not a valid phone number.")
    service, sender = fields.get("MessagingServiceSid"), fields.get("From")
    if not service and not sender:
        return Refusal(Why.CHANNEL, "A 'From' phone number is required.", code="21603")
    if service and service != shop.channel_id:
        return Refusal(Why.CHANNEL, f"there is no Messaging Service {service}", code="21701")
    if not service and sender != f"whatsapp:{shop.channel_id}":
        return Refusal(Why.CHANNEL, "Twilio could not find a Channel with the specified From address")
    callback = fields.get("StatusCallback")
    if callback is not None and not _is_web_address(callback):
        return Refusal(Why.INVALID, f"The 'StatusCallback' URL {callback} is not a valid URL.", code="21609")
    return None


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")
    except ValueError:
        return False


def _content(fields: Mapping[str, str], shop: Shop) -> Taken | Refusal:
    found = _template(fields, shop) if "ContentSid" in fields else _free_form(fields)
    if isinstance(found, Refusal):
        return found
    recipient = fields["To"].removeprefix("whatsapp:")
    is_phone = recipient.startswith("+")
    callback = fields.get("StatusCallback", "")
    echoed = parse_qs(urlsplit(callback).query).get("callback")
    kept = {key: fields.get(key) for key in ("To", "From", "MessagingServiceSid", "Body")}
    return Taken(
        phone=recipient if is_phone else None,
        user_id=None if is_phone else recipient,
        callback_data=echoed[0] if echoed else None,
        given={**kept, "account": shop.secrets["account_sid"], "callback": callback, "media": "MediaUrl" in fields},
        **found,
    )


def _free_form(fields: Mapping[str, str]) -> dict[str, Any] | Refusal:
    text, media = fields.get("Body", ""), fields.get("MediaUrl")
    if "ContentVariables" in fields:
        return Refusal(Why.INVALID, "ContentSid Required", code="21654")
    if not text.strip() and not media:
        return Refusal(Why.INVALID, "Message body or media urls must be specified.", code="21619")
    if len(text) > _TEXT_LENGTH:
        return Refusal(Why.INVALID, f"The message body exceeds the {_TEXT_LENGTH} character limit.", code="21617")
    if media is not None and not _is_web_address(media):
        return Refusal(Why.INVALID, "Invalid media URL(s)", code="21620")
    mime = mimetypes.guess_type(urlsplit(media or "").path)[0] or ""
    return {"kind": "text" if media is None else "image" if mime.startswith("image/") else "document", "text": text}


def _template(fields: Mapping[str, str], shop: Shop) -> dict[str, Any] | Refusal:
    if extra := {"Body", "MediaUrl"} & set(fields):
        return Refusal(Why.INVALID, f"{min(extra)} beside ContentSid")
    by_sid = {content_sid(template, known): (template, known) for template, known in shop.templates.items()}
    if fields["ContentSid"] not in by_sid:
        return Refusal(Why.TEMPLATE_MISSING, f"The ContentSid {fields['ContentSid']} is Invalid", code="21655")
    template, known = by_sid[fields["ContentSid"]]
    if known.status != "approved":
        why, code = _STATUS[known.status]
        return Refusal(why, f"the template is {known.status}", code=code)
    values = _variables(fields.get("ContentVariables", "{}"))
    if values is None:
        return Refusal(Why.PARAMETERS, "The ContentVariables Parameter is invalid", code="21656")
    wanted = variables(known.body)
    if set(values) != set(wanted):
        return Refusal(Why.PARAMETERS, f"{len(values)} parameters, and the template has {len(wanted)}")
    return {"kind": "template", "template": template, "parameters": [values[each] for each in wanted]}


def _variables(text: str) -> dict[str, str] | None:
    try:
        values = json.loads(text)
    except ValueError:
        return None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        return None
    is_fine = all(_PARAMETER.fullmatch(value) and " " * 5 not in value for value in values.values())
    return values if is_fine else None


def content_sid(template: str, known: TemplateSettings) -> str:
    """Give a template's ContentSid: the shop's own, or one made of its name."""
    return known.ids.get(name) or f"HX{sha256(template.encode()).hexdigest()[:32]}"


def message_id(key: str) -> str:
    """Make a message id."""
    return f"SM{key[:32]}"


def answer(taken: Taken, message_id: str, at: float) -> Answer:
    """Say that a message was queued."""
    service = taken.given["MessagingServiceSid"]
    message = _twilio_lists.message(
        taken.given["account"],
        message_id,
        at,
        body=taken.given["Body"],
        messaging_service_sid=service,
        num_media=str(int(taken.given["media"])),
        status="accepted" if service else "queued",
        to=taken.given["To"],
        **{"from": taken.given["From"]},
    )
    return Answer(201, json.dumps(message).encode(), {"Content-Type": "application/json"})


def refuse(refusal: Refusal) -> Answer:
    """Answer a refusal with its code; throttling is a 429."""
    code, status = _REFUSALS[refusal.why]
    code = int(refusal.code or code)
    status = 404 if code == 20404 else status
    more = f"https://www.twilio.com/docs/errors/{code}"
    error = {"code": code, "message": refusal.detail, "more_info": more, "status": status}
    return Answer(status, json.dumps(error).encode(), {"Content-Type": "application/json"})


def look_up(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
    """Answer for the message list, the account, its templates and senders."""
    sids = {content_sid(template, known): template for template, known in shop.templates.items()}
    return _twilio_lists.look_up(call, shop, happened, sids)


def posts(happenings: Sequence[Happening], shop: Shop, now: float) -> Sequence[Post]:
    """Write a form for each happening, as Twilio never puts two into one."""
    return [post for happening in happenings if (post := _twilio_webhooks.post(happening, shop))]
