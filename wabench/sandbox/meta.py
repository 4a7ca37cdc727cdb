"""Meta's side of the wire, as documented: what it refuses, how it answers, which webhooks it posts."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from wabench.campaigns.templates import variables
from wabench.sandbox import _meta_account, _meta_webhooks
from wabench.sandbox.base import Answer, Call, Happening, Post, Refusal, Shop, Taken, Why

name = "meta"

CALLBACK_LENGTH = 512
PARAMETER_LENGTH = 1024
_TEXT_LENGTH = 4096
_CAPTION_LENGTH = 1024
_PHONE = re.compile(r"\+?[1-9][0-9]{6,14}")
_USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_MARKETING = "marketing_messages"
_KEYS = {"messaging_product", "recipient_type", "to", "recipient", "type", "biz_opaque_callback_data"}
_MARKETING_KEYS = {"product_policy", "message_activity_sharing"}
_FREE_FORM: Mapping[str, set[str]] = {
    "text": {"body", "preview_url"},
    "image": {"link", "caption"},
    "document": {"link", "caption", "filename"},
}
_STATUS = {"paused": Why.TEMPLATE_PAUSED, "disabled": Why.TEMPLATE_DISABLED}

# What is said of a refusal, its code and its HTTP status: throttling too is a 400. No code is documented for the
# messaging limit; 131048 is the one for restrictions on how many messages a number may send.
_REFUSALS: Mapping[Why, tuple[int, int, str]] = {
    Why.TOKEN: (190, 401, "Invalid OAuth access token"),
    Why.CHANNEL: (33, 400, "Unsupported post request"),
    Why.INVALID: (131009, 400, "Parameter value is not valid"),
    Why.RECIPIENT: (131008, 400, "Required parameter is missing"),
    Why.TEMPLATE_MISSING: (132001, 404, "Template name does not exist in the translation"),
    Why.TEMPLATE_PAUSED: (132015, 400, "Template is paused"),
    Why.TEMPLATE_DISABLED: (132016, 400, "Template is disabled"),
    Why.PARAMETERS: (132000, 400, "Number of parameters does not match the expected number of params"),
    Why.WINDOW: (131047, 400, "Re-engagement message"),
    Why.THROTTLE: (130429, 400, "Rate limit hit"),
    Why.PAIR: (131056, 400, "Pair rate limit hit"),
    Why.TIER: (131048, 400, "Spam rate limit hit"),
    Why.SERVER: (131000, 500, "Something went wrong"),
}
_TITLES = {
    "100": "Invalid parameter",
    "131009": "Parameter value is not valid",
    "132012": "Parameter format does not match",
    "132018": "There is an issue with the parameters",
    "134100": "Only marketing messages are supported",
}


def is_authorised(call: Call, shop: Shop) -> bool:
    """Tell whether the call carries the shop's token."""
    given, ours = call.headers.get("authorization", ""), f"Bearer {shop.secrets.get('token', '')}"
    return hmac.compare_digest(given.encode(), ours.encode())


def is_send(call: Call) -> bool:
    """Tell whether the call sends a message."""
    return call.method == "POST" and call.path.endswith(("/messages", f"/{_MARKETING}"))


def read(call: Call, shop: Shop) -> Taken | Refusal:
    """Check a send more strictly than Meta does: what it does not know is refused, not ignored."""
    channel_id, _, endpoint = call.path.strip("/").partition("/")
    if channel_id != shop.channel_id:
        return Refusal(Why.CHANNEL, f"there is no phone number id {channel_id!r}")
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return _invalid("the body is not a JSON object", "100")
    is_marketing = endpoint == _MARKETING
    refusal = _envelope(body, is_marketing) or _recipient(body)
    return refusal or _content(body, shop, is_marketing)


def _invalid(detail: str, code: str = "131009") -> Refusal:
    return Refusal(Why.INVALID, detail, code=code)


def _envelope(body: Mapping[str, Any], is_marketing: bool) -> Refusal | None:
    kind = str(body.get("type"))
    if kind not in _FREE_FORM and kind != "template":
        return _invalid(f"type is template, {', '.join(_FREE_FORM)}, here")
    if unknown := set(body) - _KEYS - {kind} - (_MARKETING_KEYS if is_marketing else set()):
        return _invalid(f"unexpected key {min(unknown)!r} on the message", "100")
    if body.get("messaging_product") != "whatsapp" or body.get("recipient_type", "individual") != "individual":
        return _invalid("messaging_product is whatsapp and recipient_type individual, here")
    if is_marketing and kind != "template":
        return _invalid("only marketing templates go this way", "134100")
    callback = body.get("biz_opaque_callback_data", "")
    if not isinstance(callback, str) or len(callback) > CALLBACK_LENGTH:
        return _invalid(f"biz_opaque_callback_data is text of at most {CALLBACK_LENGTH} characters")
    return None


def _recipient(body: Mapping[str, Any]) -> Refusal | None:
    if "to" not in body and "recipient" not in body:
        return Refusal(Why.RECIPIENT, "to or recipient is missing")
    for key, pattern in (("to", _PHONE), ("recipient", _USER_ID)):
        if key in body and not (isinstance(body[key], str) and pattern.fullmatch(body[key])):
            return _invalid(f"{key} is not valid")
    return None


def _content(body: Mapping[str, Any], shop: Shop, is_marketing: bool) -> Taken | Refusal:
    kind = body["type"]
    found = _template(body, shop, is_marketing) if kind == "template" else _free_form(body.get(kind), kind)
    if isinstance(found, Refusal):
        return found
    phone = body.get("to")
    return Taken(
        phone=f"+{phone.removeprefix('+')}" if phone else None,
        user_id=None if phone else body["recipient"],
        kind=kind,
        callback_data=body.get("biz_opaque_callback_data"),
        given={"input": phone or body["recipient"], "is_marketing": is_marketing},
        **found,
    )


def _free_form(content: Any, kind: str) -> dict[str, Any] | Refusal:
    if not isinstance(content, dict):
        return _invalid(f"{kind} is missing")
    if unknown := set(content) - _FREE_FORM[kind]:
        return _invalid(f"unexpected key {min(unknown)!r} in {kind}", "100")
    text = content.get("body" if kind == "text" else "caption", "")
    longest = _TEXT_LENGTH if kind == "text" else _CAPTION_LENGTH
    if not isinstance(text, str) or len(text) > longest or (kind == "text" and not text.strip()):
        return _invalid(f"the text of {kind} is empty or longer than {longest} characters")
    link = content.get("link", "")
    if kind != "text" and not (isinstance(link, str) and link.startswith(("https://", "http://"))):
        return _invalid(f"{kind} needs a link")
    return {"text": text}


def _template(body: Mapping[str, Any], shop: Shop, is_marketing: bool) -> dict[str, Any] | Refusal:
    template = body.get("template")
    if not isinstance(template, dict) or set(template) - {"name", "language", "components"}:
        return _invalid("template has name, language and components")
    language = template.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    known = shop.templates.get(str(template.get("name")))
    if known is None or code != known.language:
        return Refusal(Why.TEMPLATE_MISSING, f"template {template.get('name')!r} does not exist in {code!r}")
    if known.status != "approved":
        return Refusal(_STATUS.get(known.status, Why.TEMPLATE_PAUSED), f"the template is {known.status}")
    if is_marketing and known.category != "marketing":
        return _invalid(f"the template's category is {known.category}", "134100")
    components = template.get("components", [])
    if not isinstance(components, list) or any(not isinstance(c, dict) or c.get("type") != "body" for c in components):
        return Refusal(Why.PARAMETERS, "components holds the body's parameters, here", code="132012")
    parameters = [parameter for component in components for parameter in component.get("parameters", [])]
    if refusal := _parameters(parameters, variables(known.body)):
        return refusal
    return {"template": template["name"], "parameters": [parameter["text"] for parameter in parameters]}


def _parameters(parameters: Sequence[Any], wanted: Sequence[str]) -> Refusal | None:
    if any(
        not isinstance(p, dict) or p.get("type") != "text" or not isinstance(p.get("text"), str) for p in parameters
    ):
        return Refusal(Why.PARAMETERS, "a parameter is of type text and has text, here", code="132012")
    if len(parameters) != len(wanted):
        got = f"body: number of params ({len(parameters)}) is not the expected one ({len(wanted)})"
        return Refusal(Why.PARAMETERS, got)
    is_named = bool(wanted) and not wanted[0].isdigit()
    names = [parameter.get("parameter_name") for parameter in parameters]
    if is_named and sorted(map(str, names)) != sorted(wanted):
        return Refusal(Why.PARAMETERS, f"body: parameter_name is to be {', '.join(wanted)}")
    if not is_named and any(name is not None for name in names):
        return Refusal(Why.PARAMETERS, "a positional template takes no parameter_name", code="132012")
    for parameter in parameters:
        text = parameter["text"]
        if not text.strip() or len(text) > PARAMETER_LENGTH or re.search(r"[\n\t]| {5,}", text):
            problem = "a parameter is empty, too long, or has line breaks, tabs or more than 4 spaces"
            return Refusal(Why.PARAMETERS, problem, code="132018")
    return None


def message_id(key: str) -> str:
    """Make a message id."""
    return f"wamid.sandbox{key[:24]}"


def answer(taken: Taken, message_id: str, at: float) -> Answer:
    """Answer an accepted message as documented: by phone a `wa_id`, by business-scoped id a `user_id`."""
    who = {"wa_id": taken.phone.removeprefix("+")} if taken.phone else {"user_id": taken.user_id or ""}
    contact = {"input": taken.given["input"], **who}
    message = {"id": message_id, "message_status": "accepted"}
    return _json({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]})


def refuse(refusal: Refusal) -> Answer:
    """Answer a refusal with its code; the caller goes by it and by the details."""
    code, status, title = _REFUSALS[refusal.why]
    error = {
        "message": f"(#{refusal.code or code}) {_TITLES.get(refusal.code, title)}",
        "type": "OAuthException",
        "code": int(refusal.code or code),
        "error_data": {"messaging_product": "whatsapp", "details": refusal.detail},
        "fbtrace_id": "sandbox",
    }
    return _json({"error": error}, status)


def _json(value: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def look_up(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
    """Answer for the number, the account and its templates; Meta lists no messages."""
    return _meta_account.look_up(call, shop)


def posts(happenings: Sequence[Happening], shop: Shop, now: float) -> Sequence[Post]:
    """Write one webhook with a change for each happening, signed with the app secret."""
    body = json.dumps(_meta_webhooks.webhook(shop.channel_id, happenings)).encode()
    digest = hmac.new(shop.secrets["app_secret"].encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
    return [Post(shop.webhook_url, body, headers)] if happenings else []
