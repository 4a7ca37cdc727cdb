"""Whose webhooks are taken: what each provider signed, and nothing else; in constant time."""

import ast
import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench import providers

URL = "https://hooks.shop.example/webhooks/any?callback=wb%3A1"
AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
BODY = b'{"type":"message.created","text":"Ol\xc3\xa1 & adeus"}'
FORM = urlencode([("Body", "Olá & adeus"), ("From", "whatsapp:+5511987654321"), ("NumMedia", "0")]).encode()
Headers = dict[str, str]


def meta(body: bytes, url: str, key: str, at: datetime) -> Headers:
    return {"x-hub-signature-256": "sha256=" + hmac.new(key.encode(), body, "sha256").hexdigest()}


def twilio(body: bytes, url: str, key: str, at: datetime, algorithm: str = "sha1") -> Headers:
    fields = "".join(name + value for name, value in sorted(parse_qsl(body.decode(), keep_blank_values=True)))
    signed = hmac.new(key.encode(), (url + fields).encode(), algorithm).digest()
    return {"x-twilio-signature": base64.b64encode(signed).decode()}


def twilio_shared(body: bytes, url: str, key: str, at: datetime) -> Headers:
    settings = {"x-twilio-webhooks-signature-settings": "key=KEY1,algorithm=HMAC_SHA256"}
    return twilio(body, url, key, at, "sha256") | settings


def bird_v1(body: bytes, url: str, key: str, at: datetime) -> Headers:
    stamp = str(int(at.timestamp()))
    secret = base64.b64decode(key.removeprefix("whsec_"))
    signed = hmac.new(secret, f"msg_1.{stamp}.".encode() + body, "sha256").digest()
    signature = "v1," + base64.b64encode(signed).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}


def bird_channels(body: bytes, url: str, key: str, at: datetime) -> Headers:
    stamp = str(int(at.timestamp()))
    text = f"{stamp}\n{url}\n".encode() + hashlib.sha256(body).digest()
    signed = hmac.new(key.encode(), text, "sha256").digest()
    return {"messagebird-signature": base64.b64encode(signed).decode(), "messagebird-request-timestamp": stamp}


def claims(body: bytes, url: str, at: datetime) -> dict[str, str | int]:
    begin = int(at.timestamp())
    return {"iss": "MessageBird", "nbf": begin, "exp": begin + 60, "jti": "1",
            "url_hash": hashlib.sha256(url.encode()).hexdigest(),
            "payload_hash": hashlib.sha256(body).hexdigest()}  # fmt: skip


def messagebird_classic(body: bytes, url: str, key: str, at: datetime) -> Headers:
    return {"messagebird-signature-jwt": jwt.encode(claims(body, url, at), key, "HS256")}


def zenvia(body: bytes, url: str, key: str, at: datetime) -> Headers:
    return {"x-wabench-secret": key}


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way of signing: whose, by which secret, and what it covers."""

    provider: str
    secret: str
    sign: Callable[[bytes, str, str, datetime], Headers]
    key: str = "a key that is as long as keys should be"
    body: bytes = BODY
    covers_body: bool = True
    covers_url: bool = False
    has_time: bool = False

    def verifies(
        self, body: bytes, headers: Mapping[str, str], url: str = URL, now: datetime = AT,
        secrets: Mapping[str, str] | None = None,
    ) -> bool:  # fmt: skip
        found = providers.get(self.provider).verify(
            body, headers, url, {self.secret: self.key} if secrets is None else secrets, now
        )
        assert found is True or found is False
        return found

    def signed(self, key: str | None = None, at: datetime = AT) -> Headers:
        return self.sign(self.body, URL, self.key if key is None else key, at)


WHSEC = "whsec_" + base64.b64encode(b"a key that is as long as keys should be").decode()
OTHER_WHSEC = "whsec_" + base64.b64encode(b"another key, as long as keys should be").decode()
SCHEMES = {
    "meta": Scheme("meta", "app_secret", meta),
    "twilio SHA-1": Scheme("twilio", "auth_token", twilio, body=FORM, covers_url=True),
    "twilio SHA-256": Scheme("twilio", "signing_key", twilio_shared, body=FORM, covers_url=True),
    "bird v1": Scheme("messagebird", "webhook_secret", bird_v1, WHSEC, has_time=True),
    "bird channels": Scheme("messagebird", "signing_key", bird_channels, covers_url=True, has_time=True),
    "messagebird classic": Scheme("messagebird", "signing_key", messagebird_classic, covers_url=True, has_time=True),
    "zenvia": Scheme("zenvia", "webhook_secret", zenvia, covers_body=False),
}
EACH = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)


def those(**wanted: bool) -> pytest.MarkDecorator:
    found = {n: s for n, s in SCHEMES.items() if all(getattr(s, key) is value for key, value in wanted.items())}
    return pytest.mark.parametrize("scheme", found.values(), ids=found)


def test_every_scheme_of_every_provider_is_tried_here() -> None:
    wanted = {(name, secrets) for name in providers.names() for secrets in providers.get(name).webhook_secrets}
    tried = {(s.provider, s.secret) for s in SCHEMES.values()}
    assert {(name, secrets[0]) for name, secrets in wanted} == tried


@EACH
def test_what_the_provider_signed_is_taken(scheme: Scheme) -> None:
    assert scheme.verifies(scheme.body, scheme.signed())


@EACH
def test_it_is_taken_whatever_other_secrets_are_set(scheme: Scheme) -> None:
    everything = dict.fromkeys(providers.get(scheme.provider).secrets, OTHER_WHSEC) | {scheme.secret: scheme.key}
    assert scheme.verifies(scheme.body, scheme.signed(), secrets=everything)


@those(covers_body=True)
@given(data=st.data())
def test_a_tampered_byte_of_the_body_is_refused(scheme: Scheme, data: st.DataObject) -> None:
    at, bits = data.draw(st.integers(0, len(scheme.body) - 1)), data.draw(st.integers(1, 255))
    changed = bytearray(scheme.body)
    changed[at] ^= bits
    if scheme.body == FORM and says_the_same(bytes(changed), FORM):
        return  # %2B and %2b: a form's fields are signed, not how they are spelt
    assert not scheme.verifies(bytes(changed), scheme.signed())


def says_the_same(one: bytes, other: bytes) -> bool:
    try:
        return sorted(parse_qsl(one.decode(), True)) == sorted(parse_qsl(other.decode(), True))
    except UnicodeDecodeError:
        return False


@those(covers_body=True)
@pytest.mark.parametrize(
    "change", [lambda body: body + b"&", lambda body: body + b" ", lambda body: b"", lambda b: b[1:]]
)
def test_a_longer_or_shorter_body_is_refused(scheme: Scheme, change: Callable[[bytes], bytes]) -> None:
    changed = change(scheme.body)
    if scheme.body == FORM and says_the_same(changed, FORM):
        return
    assert not scheme.verifies(changed, scheme.signed())


@EACH
@given(data=st.data())
def test_a_tampered_character_of_any_header_is_refused(scheme: Scheme, data: st.DataObject) -> None:
    headers = scheme.signed()
    name = data.draw(st.sampled_from([name for name in headers if "settings" not in name]))
    value = headers[name]
    at = data.draw(st.integers(0, len(value) - 1))
    character = data.draw(st.characters().filter(lambda c: c != value[at]))
    changed = value[:at] + character + value[at + 1 :]
    if "jwt" in name and bytes_of(changed) == bytes_of(value):
        return  # base64 leaves the last character's lowest bits unread
    assert not scheme.verifies(scheme.body, headers | {name: changed})


def bytes_of(token: str) -> list[bytes] | None:
    try:
        return [base64.urlsafe_b64decode(part + "==") for part in token.split(".")]
    except ValueError:
        return None


@EACH
def test_each_header_that_is_missing_or_empty_is_refused(scheme: Scheme) -> None:
    headers = scheme.signed()
    for name in headers:
        rest = {other: value for other, value in headers.items() if other != name}
        assert not scheme.verifies(scheme.body, rest)
        assert not scheme.verifies(scheme.body, rest | {name: ""})
    assert not scheme.verifies(scheme.body, {})


@those(has_time=True)
def test_a_stale_or_a_future_time_is_refused(scheme: Scheme) -> None:
    for away in (timedelta(minutes=10), timedelta(days=400), timedelta(minutes=-10)):
        assert not scheme.verifies(scheme.body, scheme.signed(), now=AT + away)
    assert scheme.verifies(scheme.body, scheme.signed(), now=AT + timedelta(seconds=30))


@those(has_time=True)
@pytest.mark.parametrize("stamp", ["", "now", "1e9", "-1", "9" * 400, "１７８２９０７２００", "NaN"])
def test_a_time_that_is_none_is_refused(scheme: Scheme, stamp: str) -> None:
    headers = scheme.signed()
    for name in [name for name in headers if "timestamp" in name]:
        assert not scheme.verifies(scheme.body, headers | {name: stamp})


@those(covers_url=True)
@pytest.mark.parametrize(
    "url",
    ["", "https://hooks.shop.example/webhooks/other", URL + "x", URL.replace("wb%3A1", "wb%3A2"),
     URL.replace("https", "http"), URL.replace("shop", "evil"), "https://[::1", "::::"],
)  # fmt: skip
def test_another_url_is_refused(scheme: Scheme, url: str) -> None:
    assert not scheme.verifies(scheme.body, scheme.signed(), url)


@EACH
def test_another_secret_is_refused(scheme: Scheme) -> None:
    other = OTHER_WHSEC if scheme.key == WHSEC else "another key, as long as keys should be"
    assert not scheme.verifies(scheme.body, scheme.signed(other))
    assert not scheme.verifies(scheme.body, scheme.signed(), secrets={scheme.secret: other})


@EACH
def test_without_a_secret_everything_is_refused_even_what_is_signed_with_none(scheme: Scheme) -> None:
    others = dict.fromkeys(providers.get(scheme.provider).secrets, scheme.key)
    del others[scheme.secret]
    for secrets in ({}, {scheme.secret: ""}, others):
        assert not scheme.verifies(scheme.body, scheme.signed(), secrets=secrets)
    for secrets in ({}, {scheme.secret: ""}):
        assert not scheme.verifies(scheme.body, unkeyed(scheme), secrets=secrets)


def unkeyed(scheme: Scheme) -> Headers:
    if scheme.sign is not messagebird_classic:
        return scheme.signed("")
    return {"messagebird-signature-jwt": by_hand(scheme, '{"alg":"HS256","typ":"JWT"}', b"")}


def by_hand(scheme: Scheme, header: str, key: bytes | None) -> str:
    """Make a token that a library refuses to make: with an empty key, or unsigned."""
    parts = [header.encode(), str(claims(scheme.body, URL, AT)).replace("'", '"').encode()]
    text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    signed = b"" if key is None else hmac.new(key, text.encode(), "sha256").digest()
    return f"{text}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


def test_an_unsigned_token_is_refused() -> None:
    scheme = SCHEMES["messagebird classic"]
    for algorithm in ("none", "None", "HS1", "RS256"):
        header = f'{{"alg":"{algorithm}","typ":"JWT"}}'
        assert not scheme.verifies(scheme.body, {"messagebird-signature-jwt": by_hand(scheme, header, None)})
    signed = by_hand(scheme, '{"alg":"HS256","typ":"JWT"}', scheme.key.encode())
    assert scheme.verifies(scheme.body, {"messagebird-signature-jwt": signed})


@pytest.mark.parametrize("missing", ["iss", "nbf", "exp", "url_hash", "payload_hash"])
def test_a_token_without_a_claim_or_with_another_in_its_place_is_refused(missing: str) -> None:
    scheme = SCHEMES["messagebird classic"]
    for other in (None, "other", 7, [], {}):
        made = claims(scheme.body, URL, AT) | {missing: other}
        given = {key: value for key, value in made.items() if value is not None}
        if (missing, other) == ("nbf", 7):
            continue  # long ago is a good beginning
        try:
            token = jwt.encode(given, scheme.key, "HS256")
        except TypeError:
            continue
        assert not scheme.verifies(scheme.body, {"messagebird-signature-jwt": token})


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


@EACH
@given(body=st.binary(max_size=60), url=ANY_TEXT, values=st.lists(ANY_TEXT, min_size=3, max_size=3))
def test_nothing_that_is_posted_makes_it_raise_and_nothing_unsigned_passes(
    scheme: Scheme, body: bytes, url: str, values: list[str]
) -> None:
    headers = dict(zip(scheme.signed(), values, strict=False))
    assert not scheme.verifies(body, headers, url)


FOLDER = Path(providers.__file__).parent
CHECKING = [p for p in sorted(FOLDER.glob("*.py")) if re.search(r"^import (hmac|jwt)$", p.read_text(), re.MULTILINE)]
GUARDED = re.compile(r"sign|secret|token|hash|digest|given|expected|ours", re.IGNORECASE)


def test_the_modules_that_check_signatures_are_these() -> None:
    assert {path.stem for path in CHECKING} >= {"meta", "twilio", "zenvia", "_messagebird_signatures"}


@pytest.mark.parametrize("path", CHECKING, ids=[path.stem for path in CHECKING])
def test_signatures_and_secrets_are_compared_in_constant_time_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "compare_digest" in calls
    compared = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
    ]
    assert [text for text in compared if GUARDED.search(text)] == []
