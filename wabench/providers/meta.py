"""Meta's WhatsApp Cloud API: template messages out, signed webhooks in."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from wabench.events import MessageEvent
from wabench.providers import _meta_events
from wabench.providers.base import (
    Accepted,
    Capabilities,
    Channel,
    Check,
    Content,
    Failed,
    History,
    Media,
    Message,
    Options,
    Secrets,
    Template,
    Templates,
    Text,
)
from wabench.providers.errors import ErrorFamily

name = "meta"
secrets = ("token", "app_secret", "verify_token")
webhook_secrets = (("app_secret", "verify_token"),)
OPTIONS = {
    "messages_per_second": "the throughput Meta has granted the number, where it is not the usual 80",
    "marketing": "marketing_messages sends marketing templates by the Marketing Messages API; empty: like all",
}
sends_json = True
acknowledgement = ("text/plain", b"")
history: History | None = None
templates: Templates | None = None
checks: tuple[Check, ...] = ()

_RETRY, _MAYBE, _NEVER = ErrorFamily.RETRY, ErrorFamily.MAYBE_SENT, ErrorFamily.NEVER
_TEMPLATE, _ACCOUNT = ErrorFamily.STOP_TEMPLATE, ErrorFamily.STOP_ACCOUNT

# Throttling comes as HTTP 400 with a code, so codes decide and HTTP statuses only where there is no code. A code that
# is about one person's values (132005, 132018) is `never`: as `stop_template` one long name would stop everybody.
ERRORS: Mapping[int, ErrorFamily] = {
    4: _RETRY,  # calls of the app
    80007: _RETRY,  # calls of the business account
    130429: _RETRY,  # messages a second of the number
    131056: _RETRY,  # messages to one person
    1: _MAYBE,
    2: _MAYBE,
    131000: _MAYBE,
    131016: _MAYBE,
    131057: _MAYBE,
    133004: _MAYBE,
    134101: _MAYBE,
    2494100: _MAYBE,
    33: _NEVER,
    100: _NEVER,
    130472: _NEVER,  # held back by an experiment of Meta's
    131008: _NEVER,
    131009: _NEVER,
    131021: _NEVER,  # sender and recipient are one
    131026: _NEVER,  # undeliverable
    131030: _NEVER,  # not on a test number's list
    131047: _NEVER,  # outside the 24 h window
    131049: _NEVER,  # the person's marketing limit: not within 24 h
    131050: _NEVER,  # the person stopped marketing
    131051: _NEVER,
    131052: _NEVER,
    131053: _NEVER,
    131055: _NEVER,
    131062: _NEVER,
    131063: _NEVER,
    131064: _NEVER,
    132005: _NEVER,
    132018: _NEVER,
    134100: _NEVER,
    134102: _NEVER,
    135000: _NEVER,
    132000: _TEMPLATE,
    132001: _TEMPLATE,
    132007: _TEMPLATE,
    132008: _TEMPLATE,
    132012: _TEMPLATE,
    132015: _TEMPLATE,
    132016: _TEMPLATE,
    132068: _TEMPLATE,
    132069: _TEMPLATE,
    0: _ACCOUNT,
    3: _ACCOUNT,
    10: _ACCOUNT,
    190: _ACCOUNT,  # token
    **dict.fromkeys(range(200, 300), _ACCOUNT),  # permissions
    368: _ACCOUNT,
    130497: _ACCOUNT,
    131005: _ACCOUNT,
    131031: _ACCOUNT,
    131037: _ACCOUNT,
    131042: _ACCOUNT,  # payment
    131045: _ACCOUNT,
    131048: _ACCOUNT,  # spam limit of the number: going on makes it worse
    133010: _ACCOUNT,
}
_HTTP = {401: _ACCOUNT, 429: _RETRY}


def family(code: int | str | None) -> ErrorFamily:
    """Tell what may be done after an error code; one we do not know may have been sent."""
    try:
        return ERRORS.get(int(code), _MAYBE) if code is not None else _MAYBE
    except ValueError:
        return _MAYBE


def challenge(query: Mapping[str, str], secrets: Secrets) -> str | None:
    """Answer the subscription handshake, or None when the verify token is not ours."""
    given, ours = query.get("hub.verify_token", ""), secrets.get("verify_token", "")
    is_ours = bool(ours) and hmac.compare_digest(given.encode(), ours.encode())
    return query.get("hub.challenge") if is_ours and query.get("hub.mode") == "subscribe" else None


def sign(body: bytes, secrets: Secrets) -> str:
    """Compute `X-Hub-Signature-256` of a raw body."""
    return "sha256=" + hmac.new(secrets["app_secret"].encode(), body, hashlib.sha256).hexdigest()


def verify(body: bytes, headers: Mapping[str, str], url: str, secrets: Secrets, now: datetime) -> bool:
    """Tell in constant time whether our app secret signed the body; header names are lower case."""
    if not secrets.get("app_secret"):
        return False
    return hmac.compare_digest(sign(body, secrets).encode(), headers.get("x-hub-signature-256", "").encode())


def parse(body: bytes, query: str = "") -> list[MessageEvent]:
    """Normalise one webhook body; raises Unparsable where it is no JSON, and nothing else."""
    return _meta_events.parse(body, family)


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message; `biz_opaque_callback_data` comes back in every status."""
    kind, content = _content(message.content)
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": message.phone} if message.phone else {"recipient": message.user_id}),
        "type": kind,
        kind: content,
        "biz_opaque_callback_data": message.callback_data,
    }
    url = f"{channel.base_url.rstrip('/')}/{channel.channel_id}/{_endpoint(message.content, channel)}"
    return httpx.Request("POST", url, json=body, headers={"Authorization": f"Bearer {channel.secrets['token']}"})


def _endpoint(content: Content, channel: Channel) -> str:
    is_marketing = isinstance(content, Template) and content.category == "marketing"
    return (is_marketing and channel.options.get("marketing")) or "messages"


def _content(content: Content) -> tuple[str, dict[str, Any]]:
    match content:
        case Text():
            return "text", {"body": content.body, **({"preview_url": True} if content.previews_link else {})}
        case Media():
            given = {"link": content.url, "caption": content.caption, "filename": content.filename}
            return content.kind, {key: value for key, value in given.items() if value}
        case Template():
            return "template", _template(content)


def _template(content: Template) -> dict[str, Any]:
    template: dict[str, Any] = {"name": content.name, "language": {"code": content.language}}
    if content.parameters:
        parameters = [
            {"type": "text", "text": text, **({"parameter_name": key} if content.is_named else {})}
            for key, text in content.parameters.items()
        ]
        template["components"] = [{"type": "body", "parameters": parameters}]
    return template


def outcome(response: httpx.Response) -> Accepted | Failed:
    """Read the answer to `request`: a message id, or an error's code and family."""
    try:
        answer = response.json()
        if response.is_success:
            contact = (answer.get("contacts") or [{}])[0]
            return Accepted(str(answer["messages"][0]["id"]), contact.get("wa_id"), contact.get("user_id"))
        error = answer["error"]
        detail = (error.get("error_data") or {}).get("details") or error.get("message") or ""
        return Failed(family(error["code"]), str(error["code"]), str(detail), _retry_after(response))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        by_status = _HTTP.get(response.status_code, _MAYBE)
        return Failed(by_status, f"http_{response.status_code}", "the answer is not Meta's", _retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


def describe(options: Options) -> Capabilities:
    """Say what the Cloud API allows, as documented in 2026."""
    return Capabilities(
        base_url="https://graph.facebook.com/v26.0",
        sending_secrets=("token",),
        messages_per_second=float(options.get("messages_per_second", 80)),
        history="none: what is not received within Meta's retries (36 hours at least) can't be read back",
        user_id_recipients=True,
        named_parameters=True,
    )
