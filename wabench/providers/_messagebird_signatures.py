"""Bird's three signatures over a webhook, each with a secret of its own; the headers tell which one it is.

No header lets anybody choose a weaker check: every scheme needs a secret that is set, covers the whole body, and holds
for minutes only.
"""

import base64
import binascii
import hmac
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import jwt

from wabench.providers.base import Secrets

TOLERANCE_SECONDS = 300
_LEEWAY_SECONDS = 1
_ALGORITHMS = ["HS256", "HS384", "HS512"]
_REQUIRED = ["iss", "nbf", "exp", "url_hash"]
_NOT_BY_LIBRARY = ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_sub", "verify_jti", "verify_iss")

Headers = Mapping[str, str]
Verify = Callable[[bytes, Headers, str, Secrets, datetime], bool]


def verify(body: bytes, headers: Headers, url: str, secrets: Secrets, now: datetime) -> bool:
    """Tell whether the scheme that the headers name, and its own secret, signed this body; never raises."""
    scheme = next((check for header, check in _SCHEMES.items() if headers.get(header)), None)
    return scheme is not None and scheme(body, headers, url, secrets, now)


def standard(body: bytes, headers: Headers, url: str, secrets: Secrets, now: datetime) -> bool:
    """Check a Standard Webhooks signature: the header may hold several, while a secret is being changed."""
    key = _decoded(secrets.get("webhook_secret", "").removeprefix("whsec_"))
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not key or not message_id or not _is_fresh(timestamp, now):
        return False
    signed = hmac.digest(key, _bytes(f"{message_id}.{timestamp}.") + body, "sha256")
    expected = b"v1," + base64.b64encode(signed)
    given = _bytes(headers.get("webhook-signature", "")).split(b" ")
    return any(hmac.compare_digest(expected, signature) for signature in given)


def channels(body: bytes, headers: Headers, url: str, secrets: Secrets, now: datetime) -> bool:
    """Check the Channels API's signature over time, URL and body."""
    key, timestamp = secrets.get("signing_key"), headers.get("messagebird-request-timestamp", "")
    if not key or not url or not _is_fresh(timestamp, now):
        return False
    signed = hmac.digest(_bytes(key), _bytes(f"{timestamp}\n{url}\n") + sha256(body).digest(), "sha256")
    return hmac.compare_digest(base64.b64encode(signed), _bytes(headers.get("messagebird-signature", "")))


def token(body: bytes, headers: Headers, url: str, secrets: Secrets, now: datetime) -> bool:
    """Check the classic API's token, which names hashes of URL and body; a body without its hash is refused."""
    key, given = secrets.get("signing_key"), headers.get("messagebird-signature-jwt", "")
    claims = _claims(given, key) if key and url else None
    if claims is None or claims["iss"] != "MessageBird":
        return False
    starts, ends, moment = claims["nbf"], claims["exp"], now.timestamp()
    if not isinstance(starts, int | float) or not isinstance(ends, int | float):
        return False
    is_now = starts <= moment + _LEEWAY_SECONDS and moment <= ends + _LEEWAY_SECONDS
    is_url = hmac.compare_digest(_hex(_bytes(url)), _bytes(str(claims["url_hash"])))
    hashed = _hex(body) if body else b""
    is_body = hmac.compare_digest(hashed, _bytes(str(claims.get("payload_hash") or "")))
    return is_now and is_url and is_body


_SCHEMES: Mapping[str, Verify] = {
    "webhook-signature": standard,
    "messagebird-signature-jwt": token,
    "messagebird-signature": channels,
}
"""Which header names which scheme. Of the last two, which may come together, the token counts."""


def _claims(given: str, key: str) -> dict[str, Any] | None:
    options: Any = {"require": _REQUIRED, **dict.fromkeys(_NOT_BY_LIBRARY, False)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the length of a key that MessageBird made
        try:
            claims: dict[str, Any] = jwt.decode(given, _bytes(key), algorithms=_ALGORITHMS, options=options)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
    return claims


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE_SECONDS


def _decoded(secret: str) -> bytes:
    try:
        return base64.b64decode(_bytes(secret), validate=True)
    except binascii.Error:
        return b""


def _hex(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()


def _bytes(value: str) -> bytes:
    return value.encode(errors="replace")
