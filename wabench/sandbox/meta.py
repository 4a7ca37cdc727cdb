"""Meta's side of the wire, as documented: what it refuses, how it answers, which webhooks it posts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import phonenumbers

from wabench.campaigns.templates import variables
from wabench.settings import TemplateSettings

CALLBACK_LENGTH = 512
TEXT_LENGTH = 1024
_PHONE = re.compile(r"\+?[1-9][0-9]{6,14}")
_USER_ID = re.compile(r"[\w.:-]{1,150}")
_KEYS = {
    "messaging_product", "recipient_type", "to", "recipient", "type", "template", "biz_opaque_callback_data",
}  # fmt: skip
_HTTP = {190: 401, 131005: 403, 132001: 404, 131000: 500, 131016: 500}
_TITLES = {
    33: "Unsupported post request",
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    130429: "Rate limit hit",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131026: "Message undeliverable",
    131049: "Healthy ecosystem engagement",
    131050: "User stopped marketing messages",
    131056: "Pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132012: "Parameter format does not match",
    132015: "Template is paused",
    132016: "Template is disabled",
    132018: "There is an issue with the parameters",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the API: its code and what it says of it."""

    code: int
    details: str

    @property
    def status(self) -> int:
        """Give the HTTP status: throttling too is a 400, as documented."""
        return _HTTP.get(self.code, 400)

    def body(self) -> dict[str, Any]:
        error = {
            "message": f"(#{self.code}) {_TITLES.get(self.code, 'Error')}",
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": "sandbox",
        }
        return {"error": error}


def refusal(body: Any, templates: Mapping[str, TemplateSettings]) -> Refusal | None:
    """Check a request's body more strictly than Meta does: what it does not know is refused, not ignored."""
    if not isinstance(body, dict):
        return Refusal(100, "the body is not a JSON object")
    if unknown := set(body) - _KEYS:
        return Refusal(100, f"unexpected key {min(unknown)!r} on the message")
    if body.get("messaging_product") != "whatsapp" or body.get("type") != "template":
        return Refusal(131009, "messaging_product is whatsapp and type is template, here")
    callback = body.get("biz_opaque_callback_data", "")
    if not isinstance(callback, str) or len(callback) > CALLBACK_LENGTH:
        return Refusal(131009, f"biz_opaque_callback_data is text of at most {CALLBACK_LENGTH} characters")
    return _recipient_refusal(body) or _template_refusal(body.get("template"), templates)


def _recipient_refusal(body: Mapping[str, Any]) -> Refusal | None:
    if body.get("recipient_type", "individual") != "individual":
        return Refusal(131009, "recipient_type is individual, here")
    if "to" not in body and "recipient" not in body:
        return Refusal(131008, "to or recipient is missing")
    for key, pattern in (("to", _PHONE), ("recipient", _USER_ID)):
        if key in body and not (isinstance(body[key], str) and pattern.fullmatch(body[key])):
            return Refusal(131009, f"{key} is not valid")
    return None


def _template_refusal(template: Any, templates: Mapping[str, TemplateSettings]) -> Refusal | None:
    if not isinstance(template, dict) or set(template) - {"name", "language", "components"}:
        return Refusal(131009, "template has name, language and components")
    language = template.get("language")
    known = templates.get(str(template.get("name")))
    code = language.get("code") if isinstance(language, dict) else None
    if known is None or code != known.language:
        return Refusal(132001, f"template {template.get('name')!r} does not exist in {code!r}")
    if known.status != "approved":
        return Refusal(132016 if known.status == "disabled" else 132015, f"the template is {known.status}")
    components = template.get("components", [])
    if not isinstance(components, list) or any(not isinstance(c, dict) or c.get("type") != "body" for c in components):
        return Refusal(132012, "components holds the body's parameters, here")
    parameters = [parameter for component in components for parameter in component.get("parameters", [])]
    return _parameters_refusal(parameters, variables(known.body))


def _parameters_refusal(parameters: Sequence[Any], wanted: Sequence[str]) -> Refusal | None:
    if any(
        not isinstance(p, dict) or p.get("type") != "text" or not isinstance(p.get("text"), str) for p in parameters
    ):
        return Refusal(132012, "a parameter is of type text and has text, here")
    if len(parameters) != len(wanted):
        return Refusal(132000, f"body: number of params ({len(parameters)}) is not the expected one ({len(wanted)})")
    is_named = bool(wanted) and not wanted[0].isdigit()
    names = [parameter.get("parameter_name") for parameter in parameters]
    if is_named and sorted(map(str, names)) != sorted(wanted):
        return Refusal(132000, f"body: parameter_name is to be {', '.join(wanted)}")
    if not is_named and any(name is not None for name in names):
        return Refusal(132012, "a positional template takes no parameter_name")
    for parameter in parameters:
        text = parameter["text"]
        if not text.strip() or len(text) > TEXT_LENGTH or re.search(r"[\n\t]| {5,}", text):
            return Refusal(132018, "a parameter is empty, too long, or has line breaks, tabs or more than 4 spaces")
    return None


def answer(body: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """Answer an accepted message as documented: by phone a `wa_id`, by business-scoped id a `user_id`."""
    phone = body.get("to")
    contact = (
        {"input": phone, "wa_id": phone.removeprefix("+")}
        if phone
        else {"input": body["recipient"], "user_id": body["recipient"]}
    )
    message = {"id": message_id, "message_status": "accepted"}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}


def by_user_id(body: Mapping[str, Any]) -> dict[str, Any]:
    """Address a request to its person's business-scoped id: what webhooks say of who hides the phone behind a name."""
    phone = body.get("to")
    if not phone:
        return dict(body)
    region = phonenumbers.region_code_for_number(phonenumbers.parse("+" + phone.removeprefix("+")))
    user_id = f"{region or 'ZZ'}.{int(sha256(phone.encode()).hexdigest()[:14], 16)}"
    return {**{key: value for key, value in body.items() if key != "to"}, "recipient": user_id}


def status(
    body: Mapping[str, Any], message_id: str, value: str, at: int, category: str, error: int | None = None
) -> dict[str, Any]:
    """Compose one entry of `statuses`."""
    phone = body.get("to")
    given: dict[str, Any] = {
        "id": message_id,
        "status": value,
        "timestamp": str(at),
        **({"recipient_id": phone.removeprefix("+")} if phone else {"recipient_user_id": body["recipient"]}),
    }
    if callback := body.get("biz_opaque_callback_data"):
        given["biz_opaque_callback_data"] = callback
    if value in ("sent", "delivered"):
        given["pricing"] = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": category}
    if error is not None:
        details = {"details": "decided by the sandbox"}
        given["errors"] = [{"code": error, "title": _TITLES[error], "message": _TITLES[error], "error_data": details}]
    return given


def reply(body: Mapping[str, Any], message_id: str, reply_id: str, text: str, at: int) -> dict[str, Any]:
    """Compose one entry of `messages`: the customer's answer to a message of ours."""
    phone = body.get("to")
    sender = {"from": phone.removeprefix("+")} if phone else {"from_user_id": body["recipient"]}
    context = {"id": message_id}
    return {**sender, "id": reply_id, "timestamp": str(at), "type": "text", "text": {"body": text}, "context": context}


def webhook(channel_id: str, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Wrap entries (`statuses` or `messages`, and what stands there) into one webhook, a change each."""
    metadata = {"display_phone_number": "15550000000", "phone_number_id": channel_id}
    changes = [
        {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, kind: [entry]}}
        for kind, entry in entries
    ]
    return {"object": "whatsapp_business_account", "entry": [{"id": "sandbox", "changes": changes}]}
