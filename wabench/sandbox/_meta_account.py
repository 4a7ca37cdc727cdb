"""What Meta's stand-in answers about the number, the business account and its templates."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from wabench.campaigns.templates import variables
from wabench.sandbox._meta_webhooks import NUMBER
from wabench.sandbox.base import Answer, Call, Shop
from wabench.settings import TemplateSettings

_PAGE_SIZE = 25
_NUMBER = {
    "display_phone_number": NUMBER,
    "verified_name": "Sandbox",
    "quality_rating": "GREEN",
    "code_verification_status": "VERIFIED",
    "throughput": {"level": "STANDARD"},
    "whatsapp_business_manager_messaging_limit": "TIER_2000",
    "name_status": "APPROVED",
    "status": "CONNECTED",
    "platform_type": "CLOUD_API",
}
_ACCOUNT = {
    "name": "Sandbox",
    "currency": "USD",
    "account_review_status": "APPROVED",
    "business_verification_status": "verified",
    "marketing_messages_lite_api_status": "ONBOARDED",
}


def look_up(call: Call, shop: Shop) -> Answer | None:
    """Answer for the number's and the account's fields and for templates; None for any other call."""
    node, _, edge = call.path.strip("/").partition("/")
    is_account = node == shop.options.get("waba_id", node) and node != shop.channel_id
    match call.method, edge:
        case "GET", "" if node == shop.channel_id:
            return _fields(call, {"id": node, **_NUMBER})
        case "GET", "" if is_account:
            return _fields(call, {"id": node, **_ACCOUNT})
        case "GET", "message_templates" if is_account:
            return _templates(call, shop)
        case "POST", "message_templates" if is_account:
            return _submitted(call)
    return None


def _fields(call: Call, known: Mapping[str, Any]) -> Answer:
    """Give the fields that are asked for; one that does not exist is Meta's error 100."""
    asked = [name for name in call.query.get("fields", "id").split(",") if name]
    if unknown := [name for name in asked if name not in known]:
        return _error(f"(#100) Tried accessing nonexisting field ({unknown[0]})")
    return _answer({name: known[name] for name in {"id": 0, **dict.fromkeys(asked)}})


def _templates(call: Call, shop: Shop) -> Answer:
    limit, after = call.query.get("limit", str(_PAGE_SIZE)), call.query.get("after", "0")
    if not limit.isdecimal() or not after.isdecimal():
        return _error("(#100) limit or after is not valid")
    start, end = int(after), int(after) + int(limit)
    listed = [_listed(name, known) for name, known in shop.templates.items()]
    more = {"next": f"{call.path}?after={end}"} if end < len(listed) else {}
    cursors = {"before": str(start), "after": str(min(end, len(listed)))}
    return _answer({"data": listed[start:end], "paging": {"cursors": cursors, **more}})


def _listed(name: str, known: TemplateSettings) -> dict[str, Any]:
    is_named = any(not variable.isdigit() for variable in variables(known.body))
    return {
        "id": known.ids.get("meta") or _id(name),
        "name": name,
        "language": known.language,
        "status": known.status.upper(),
        "category": known.category.upper(),
        "parameter_format": "NAMED" if is_named else "POSITIONAL",
        "quality_score": {"score": "GREEN"},
        "components": [{"type": "BODY", "text": known.body}],
    }


def _submitted(call: Call) -> Answer:
    try:
        given = json.loads(call.body)
        return _answer({"id": _id(given["name"]), "status": "PENDING", "category": given["category"]})
    except (ValueError, KeyError, TypeError, AttributeError):
        return _error("(#100) name, language, category and components are required")


def _id(name: str) -> str:
    return str(int(hashlib.sha256(name.encode()).hexdigest()[:13], 16))


def _error(message: str) -> Answer:
    error = {"message": message, "type": "OAuthException", "code": 100, "fbtrace_id": "sandbox"}
    return Answer(400, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"})


def _answer(value: Mapping[str, Any]) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})
