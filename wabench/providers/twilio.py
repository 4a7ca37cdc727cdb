"""Twilio's Programmable Messaging: forms out, signed forms in, the message list to read back what was missed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx

from wabench.events import MessageEvent
from wabench.providers import _twilio_account, _twilio_errors, _twilio_events
from wabench.providers._callback import callback_url
from wabench.providers._options import one_of, pace
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
    Text,
)
from wabench.providers.errors import ErrorFamily

name = "twilio"
secrets = ("account_sid", "auth_token", "api_key", "api_secret", "signing_key")
webhook_secrets = (("auth_token",), ("signing_key",))
OPTIONS = {
    "auth": "api_key: sending needs WABENCH_TWILIO_API_KEY and _API_SECRET instead of the auth token (auth_token)",
    "messages_per_second": "the throughput granted to the sender, where it is not the usual 80",
    "content_url": "address of the Content API (templates), where it is neither Twilio's nor below base_url",
    "messaging_url": "address of the Senders API (checks), where it is neither Twilio's nor below base_url",
}
sends_json = False
acknowledgement = ("text/xml", b"<Response></Response>")
templates = _twilio_account.TEMPLATES
checks: tuple[Check, ...] = _twilio_account.CHECKS
ERRORS = _twilio_errors.ERRORS
family = _twilio_errors.family

_TEXT_LENGTH = 1600
_FAILED = ("failed", "undelivered", "canceled")
_CREDENTIALS = {"api_key": ("api_key", "api_secret"), "auth_token": ("auth_token",)}
_HASHES = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}


def challenge(query: Mapping[str, str], secrets: Secrets) -> str | None:
    """Answer nothing: Twilio has no handshake."""
    return None


def verify(body: bytes, headers: Mapping[str, str], url: str, secrets: Secrets, now: datetime) -> bool:
    """Tell in constant time whether our auth token, or our signing key where the headers name one, signed the post.

    Twilio says no time, so an old post can't be told from a new one; it is the same event, though, and the same row.
    """
    secret, algorithm = _signed_with(headers.get("x-twilio-webhooks-signature-settings", ""), secrets)
    given = headers.get("x-twilio-signature", "").encode(errors="replace")
    said = _signed_parameters(body, url)
    if not (secret and url and given and algorithm in _HASHES and said is not None):
        return False
    ours = [_signature(address + said, secret, algorithm) for address in _with_and_without_port(url)]
    return any(hmac.compare_digest(each, given) for each in ours)


def _signed_with(settings: str, secrets: Secrets) -> tuple[str, str]:
    """Give the secret and the algorithm a post claims: `key=…,algorithm=HMAC_SHA256`, or nothing for the auth token."""
    if not settings:
        return secrets.get("auth_token", ""), "HMAC_SHA1"
    claims = dict(part.strip().split("=", 1) for part in settings.split(",") if "=" in part)
    return secrets.get("signing_key", ""), claims.get("algorithm", "HMAC_SHA1").strip()


def _signature(text: str, secret: str, algorithm: str) -> bytes:
    digest = hmac.new(secret.encode(), text.encode(errors="replace"), _HASHES[algorithm]).digest()
    return base64.b64encode(digest)


def _signed_parameters(body: bytes, url: str) -> str | None:
    """Give what follows the URL in the signed text: a form's fields by name; None for a body it doesn't cover."""
    try:
        expected = parse_qs(urlsplit(url).query).get("bodySHA256")
        if expected:
            found = hashlib.sha256(body).hexdigest()
            return "" if hmac.compare_digest(found.encode(), expected[0].lower().encode(errors="replace")) else None
        fields = sorted(set(parse_qsl(body.decode(), keep_blank_values=True)))
    except ValueError:
        return None
    return "".join(key + value for key, value in fields)


def _with_and_without_port(url: str) -> Iterator[str]:
    """Give the URL as it is, with its scheme's port, and without one: Twilio signs it either way."""
    yield url
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.netloc
    except ValueError:
        return
    usual = 443 if parts.scheme == "https" else 80
    other = host.removesuffix(f":{port}") if port else f"{host}:{usual}"
    yield parts._replace(netloc=other).geturl()


def parse(body: bytes, query: str = "") -> list[MessageEvent]:
    """Normalise one webhook; `query` carries the callback data. Raises Unparsable, and nothing else."""
    return _twilio_events.parse(body, query)


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message; the callback data stands in the address that statuses are posted to."""
    sender = channel.channel_id
    fields = {
        "To": f"whatsapp:{message.phone or message.user_id}",
        **({"MessagingServiceSid": sender} if sender.startswith("MG") else {"From": f"whatsapp:{sender}"}),
        **_content(message.content),
        **_status_callback(message, channel),
    }
    url = _twilio_account.url(channel, "/Messages.json")
    return _twilio_account.authorised(httpx.Request("POST", url, data=fields), channel)


def _content(content: Content) -> dict[str, str]:
    match content:
        case Text():
            return {"Body": _short_enough(content.body)}
        case Media():
            return {"MediaUrl": content.url, **({"Body": _short_enough(content.caption)} if content.caption else {})}
        case Template():
            return _template(content)


def _short_enough(text: str) -> str:
    if len(text) > _TEXT_LENGTH:
        raise ValueError(f"twilio takes texts of at most {_TEXT_LENGTH} characters, this one has {len(text)}")
    return text


def _template(template: Template) -> dict[str, str]:
    if not template.provider_id:
        raise ValueError(
            f"template {template.name!r} has no ContentSid: run `wabench template sync twilio`, "
            f'or write ids = {{ twilio = "HX…" }} into [templates.{template.name}] of wabench.toml'
        )
    variables = {"ContentVariables": json.dumps(dict(template.parameters), ensure_ascii=False)}
    return {"ContentSid": template.provider_id, **(variables if template.parameters else {})}


def _status_callback(message: Message, channel: Channel) -> dict[str, str]:
    """Say where statuses go; left out where Twilio could not reach it, as it refuses a message with such an address."""
    address = callback_url(channel, message.callback_data)
    return {"StatusCallback": address} if address else {}


def outcome(response: httpx.Response) -> Accepted | Failed:
    """Read the answer to `request`: a message, which may have failed already, or an error's code and family."""
    if not response.is_success:
        return _twilio_errors.refusal(response)
    try:
        message = response.json()
        sid, status, code = str(message["sid"]), message.get("status"), message.get("error_code")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _twilio_errors.not_theirs(response)
    if status not in _FAILED:
        return Accepted(sid)
    detail = str(message.get("error_message") or status)
    return Failed(family(code), str(code), detail) if code else Failed(ErrorFamily.NEVER, str(status), detail)


def _history_request(channel: Channel, since: datetime, cursor: str | None) -> httpx.Request:
    """Ask for a page of what was sent since a day began (GMT): the list knows no finer time.

    Only the query of the page before is followed, never its host or path.
    """
    first = str(httpx.QueryParams({"DateSent>": f"{since.astimezone(UTC):%Y-%m-%d}", "PageSize": "1000"}))
    address = f"{_twilio_account.url(channel, '/Messages.json')}?{cursor or first}"
    return _twilio_account.authorised(httpx.Request("GET", address), channel)


history: History | None = History(_history_request, _twilio_events.read_page)


def describe(options: Options) -> Capabilities:
    """Say what Twilio allows, as documented in 2026: 80 messages a second of a WhatsApp sender, 400 on request."""
    return Capabilities(
        base_url=_twilio_account.BASE_URL,
        sending_secrets=("account_sid", *_CREDENTIALS[one_of(options, "auth", *_CREDENTIALS, usual="auth_token")]),
        messages_per_second=pace(options),
        history="messages by the day they were sent, with their last status and price; not what was still in a queue",
        user_id_recipients=True,
        named_parameters=True,
    )
