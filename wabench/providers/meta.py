"""Meta's WhatsApp Cloud API: template messages out, signed webhooks in."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from wabench.events import MessageEvent
from wabench.providers import _meta_account, _meta_errors, _meta_events
from wabench.providers._options import one_of, pace
from wabench.providers.base import (
    Accepted,
    Capabilities,
    Channel,
    Content,
    Failed,
    History,
    Media,
    Message,
    Options,
    Secrets,
    Template,
    Text,
)

name = "meta"
secrets = ("token", "app_secret", "verify_token")
webhook_secrets = (("app_secret", "verify_token"),)
OPTIONS = {
    "messages_per_second": "the throughput Meta has granted the number, where it is not the usual 80",
    "waba_id": "the WhatsApp Business Account's id, which has the templates",
    "marketing": "marketing_messages sends marketing templates by the Marketing Messages API; empty: like all",
    "product_policy": "there: STRICT refuses what that API can't send, instead of Meta's usual CLOUD_API_FALLBACK",
}
sends_json = True
acknowledgement = ("text/plain", b"")
_MARKETING = "marketing_messages"
history: History | None = None
templates = _meta_account.TEMPLATES
checks = _meta_account.CHECKS

ERRORS = _meta_errors.ERRORS
family = _meta_errors.family


def challenge(query: Mapping[str, str], secrets: Secrets) -> str | None:
    """Answer the subscription handshake, or None when the verify token is not ours."""
    given, ours = query.get("hub.verify_token", ""), secrets.get("verify_token", "")
    is_ours = bool(ours) and hmac.compare_digest(given.encode(errors="replace"), ours.encode())
    return query.get("hub.challenge") if is_ours and query.get("hub.mode") == "subscribe" else None


def sign(body: bytes, secrets: Secrets) -> str:
    """Compute `X-Hub-Signature-256` of a raw body."""
    return "sha256=" + hmac.new(secrets["app_secret"].encode(), body, hashlib.sha256).hexdigest()


def verify(body: bytes, headers: Mapping[str, str], url: str, secrets: Secrets, now: datetime) -> bool:
    """Tell in constant time whether our app secret signed the body; header names are lower case."""
    if not secrets.get("app_secret"):
        return False
    given = headers.get("x-hub-signature-256", "").encode(errors="replace")
    return hmac.compare_digest(sign(body, secrets).encode(), given)


def parse(body: bytes, query: str = "") -> list[MessageEvent]:
    """Normalise one webhook body; raises Unparsable where it is no JSON, and nothing else."""
    return _meta_events.parse(body, family)


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message; `biz_opaque_callback_data` comes back in every status."""
    kind, content = _content(message.content)
    endpoint = _endpoint(message.content, channel)
    policy = channel.options.get("product_policy") if endpoint == _MARKETING else None
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": message.phone} if message.phone else {"recipient": message.user_id}),
        "type": kind,
        kind: content,
        "biz_opaque_callback_data": message.callback_data,
        **({"product_policy": policy} if policy else {}),
    }
    url = f"{channel.base_url.rstrip('/')}/{channel.channel_id}/{endpoint}"
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
    """Read the answer to `request`: a message id, or an error's code and family.

    One that is held for a template's quality, or paused, was taken as well: a status says what became of it.
    """
    try:
        answer = response.json()
        if response.is_success:
            contact = (answer.get("contacts") or [{}])[0]
            return Accepted(str(answer["messages"][0]["id"]), contact.get("wa_id"), contact.get("user_id"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        pass
    return _meta_errors.failed(response)


def describe(options: Options) -> Capabilities:
    """Say what the Cloud API allows, as documented in 2026."""
    one_of(options, "marketing", _MARKETING)
    one_of(options, "product_policy", "STRICT", "CLOUD_API_FALLBACK")
    return Capabilities(
        base_url="https://graph.facebook.com/v26.0",
        sending_secrets=("token",),
        messages_per_second=pace(options),
        history="none: what is not received within Meta's retries (36 hours at least) can't be read back",
        user_id_recipients=True,
        named_parameters=True,
    )
