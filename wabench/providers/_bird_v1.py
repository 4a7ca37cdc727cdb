"""Bird's platform API v1 of 2026: send, its answers, the list of messages, templates and numbers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import httpx

from wabench.providers._bird_values import at, dicts, iso, retry_after, text
from wabench.providers.base import Accepted, Channel, Content, Failed, Media, Message, Template, TemplateState, Text
from wabench.providers.errors import ErrorFamily

REGIONS = ("eu1", "us1")
PAGE_SIZE = 100
_MANAGED = "bird_"

_RETRY, _MAYBE, _NEVER = ErrorFamily.RETRY, ErrorFamily.MAYBE_SENT, ErrorFamily.NEVER
_TEMPLATE, _ACCOUNT = ErrorFamily.STOP_TEMPLATE, ErrorFamily.STOP_ACCOUNT

ERRORS: Mapping[str, ErrorFamily] = {
    "insufficient_balance": _ACCOUNT,
    "price_not_found": _NEVER,  # no price for this destination
    "internal_error": _MAYBE,
    "undeliverable": _NEVER,
    "service_window_expired": _NEVER,
    "rate_limited": _RETRY,
    "recipient_suppressed": _NEVER,
    "media_rejected": _NEVER,
    "canceled": _NEVER,
}
"""What a message failed of, told by webhook or list."""

NAMES: Mapping[str, ErrorFamily] = {
    "WhatsAppContentRequired": _NEVER,
    "WhatsAppContentAmbiguous": _NEVER,
    "WhatsAppInvalidRecipient": _NEVER,
    "WhatsAppRecipientNotSupportedForTemplate": _NEVER,  # a one-time passcode to a business-scoped id
    "WhatsAppTemplateParameterMismatch": _TEMPLATE,
    "WhatsAppSenderNotAllowed": _TEMPLATE,  # `from` with a template of Bird's own
    "WhatsAppSenderWABAMismatch": _TEMPLATE,
    "WhatsAppSenderRequired": _ACCOUNT,
    "WhatsAppSenderNotFound": _ACCOUNT,
    "WhatsAppSenderNotConnected": _ACCOUNT,
}
"""Why a call is refused, by the error's name; its `E…` code is opaque, and no list of them is published."""

TYPES: Mapping[str, ErrorFamily] = {
    "auth_error": _ACCOUNT,
    "permission_error": _ACCOUNT,
    "billing_error": _ACCOUNT,
    "misdirected_error": _ACCOUNT,  # the key is another region's
    "rate_limit_error": _RETRY,
    "too_early_error": _MAYBE,  # the same key is being worked on
    "conflict_error": _MAYBE,  # the same key was used for something else
    "internal_error": _MAYBE,
    "service_unavailable_error": _MAYBE,
    "client_closed_request_error": _MAYBE,
    "not_found_error": _TEMPLATE,  # of a send, what is not found is its template
    "precondition_error": _TEMPLATE,
    "gone_error": _TEMPLATE,
    "bad_request_error": _NEVER,
    "validation_error": _NEVER,
    "payload_too_large_error": _NEVER,
    "not_implemented_error": _NEVER,
}
"""Why a call is refused, in broad: for names that are not in the table."""

_STATUS = {
    "approved": "approved",
    "pending": "pending",
    "in_appeal": "pending",
    "rejected": "rejected",
    "submit_failed": "rejected",
    "paused": "paused",
    "limit_exceeded": "paused",
    "disabled": "disabled",
    "archived": "disabled",
    "deleted": "disabled",
    "pending_deletion": "disabled",
}


def family(code: str | None) -> ErrorFamily:
    """Tell what may be done after a message's error code."""
    return ERRORS.get(code or "", _MAYBE)


def base_url(region: str) -> str:
    """Give a region's address; a key belongs to one of them."""
    return f"https://{region}.platform.bird.com/v1"


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message; the same send has the same key, so it can't go out twice.

    After a message that was made and rejected it has another: the rejection would be answered again. A lost answer or a
    call that made no message changes nothing, as an earlier one may have been taken under the key.
    """
    kind, content = _content(message.content)
    is_managed = isinstance(message.content, Template) and str(content.get("slug", "")).startswith(_MANAGED)
    body: dict[str, Any] = {
        "to": message.phone or message.user_id,
        **({} if is_managed else {"from": channel.channel_id}),  # Bird's own templates choose the number themselves
        kind: content,
        **({"metadata": {"callback_data": message.callback_data}} if message.callback_data else {}),
    }
    headers = _authorised(channel)
    if message.callback_data:
        again = f":{message.spent_keys}" if message.spent_keys else ""
        headers["Idempotency-Key"] = str(uuid5(NAMESPACE_OID, message.callback_data + again))
    return httpx.Request("POST", _url(channel, "/whatsapp/messages"), json=body, headers=headers)


def _content(content: Content) -> tuple[str, dict[str, Any]]:
    match content:
        case Text():
            return "text", {"body": content.body, **({"preview_url": True} if content.previews_link else {})}
        case Media():
            name = content.filename if content.kind == "document" else ""
            given = {"url": content.url, "caption": content.caption, "filename": name}
            return content.kind, {key: value for key, value in given.items() if value}
        case Template():
            return "template", _template(content)


def _template(template: Template) -> dict[str, Any]:
    given = template.provider_id or template.name
    named = {"id": given} if given.startswith("wat_") else {"slug": given}
    parameters = [
        {"type": "text", "text": value, **({"name": key} if template.is_named else {})}
        for key, value in template.parameters.items()
    ]
    components = {"components": [{"type": "body", "parameters": parameters}]} if parameters else {}
    return {**named, "language": template.language, **components}


def read_answer(answer: dict[str, Any]) -> Accepted | Failed:
    """Read what a good answer says: the message as it was taken, or rejected at once."""
    if answer.get("status") in ("rejected", "failed"):
        code = text(at(answer, "last_error", "code")) or str(answer["status"])
        return Failed(family(code), code, text(at(answer, "last_error", "description")) or "", spends_key=True)
    if not (message_id := text(answer["id"])):
        raise KeyError("id")
    number = text(at(answer, "to", "phone_number"))
    return Accepted(message_id, number and number.removeprefix("+"), text(at(answer, "to", "bsuid")))


def failure(response: httpx.Response, answer: object) -> Failed:
    """Read an error: its name decides, then its type; raises KeyError for what is no error of Bird's."""
    error = at(answer, "error")
    name, code = text(at(error, "name")) or "", text(at(error, "code"))
    if code is None:
        raise KeyError("code")
    found = NAMES.get(name) or TYPES.get(text(at(error, "type")) or "", _MAYBE)
    said = ": ".join(part for part in (name, text(at(error, "message"))) if part)
    return Failed(found, code, said, retry_after(response))


def history_request(channel: Channel, since: datetime, cursor: str | None) -> httpx.Request:
    """Ask for the messages created since a moment; there is no asking by when one changed."""
    query = {"limit": str(PAGE_SIZE), "created_after": iso(since)}
    if cursor:
        query["starting_after"] = cursor
    return _get(channel, "/whatsapp/messages", query)


def templates_request(channel: Channel, cursor: str | None) -> httpx.Request:
    """Ask for a page of templates."""
    query = {"limit": str(PAGE_SIZE), **({"starting_after": cursor} if cursor else {})}
    return _get(channel, "/whatsapp/templates", query)


def read_templates(answer: dict[str, Any]) -> tuple[Sequence[TemplateState], str | None]:
    """Read a page of templates, one for each language; their text is not on it."""
    found = [state for template in dicts(answer["data"]) for state in _states(template)]
    return found, text(answer.get("next_cursor"))


def _states(template: dict[str, Any]) -> list[TemplateState]:
    languages = template.get("languages")
    return [
        TemplateState(
            name=text(template.get("slug")) or "",
            language=tag.replace("-", "_"),  # Meta's form, as everywhere else here
            category=text(template.get("category")) or "",
            status=_STATUS.get(text(at(state, "status")) or "", "pending"),
            body="",
            provider_id=text(template.get("id")) or "",
            reason=text(at(state, "rejection", "reason")) or text(at(state, "error", "description")) or "",
        )
        for tag, state in (languages.items() if isinstance(languages, dict) else ())
    ]


def check_request(channel: Channel) -> httpx.Request:
    """Ask what WhatsApp says of our number."""
    return _get(channel, "/whatsapp/numbers", {"phone_number": channel.channel_id})


def read_check(answer: dict[str, Any]) -> Mapping[str, Any] | Failed:
    """Read what is said of our number."""
    numbers = dicts(answer["data"])
    if not numbers:
        return Failed(_ACCOUNT, "no_number", "the workspace has no such number; channel_id is one, as +15551234567")
    number = numbers[0]
    return {
        "number": number.get("phone_number"),
        "status": number.get("status"),
        "quality": number.get("quality_rating"),
        "tier": number.get("messaging_limit"),
    }


def _get(channel: Channel, path: str, query: Mapping[str, str]) -> httpx.Request:
    return httpx.Request("GET", _url(channel, path), params=dict(query), headers=_authorised(channel))


def _url(channel: Channel, path: str) -> str:
    return channel.base_url.rstrip("/") + path


def _authorised(channel: Channel) -> dict[str, str]:
    return {"Authorization": f"Bearer {channel.secrets['token']}"}
