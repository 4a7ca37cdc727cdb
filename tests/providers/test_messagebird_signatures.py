"""Bird's three signatures: each checked with its own secret, over the whole body, for minutes only."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench.providers import messagebird

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
URL = "https://hooks.shop.example/webhooks/messagebird?callback=wb%3A1"
BODY = '{"type": "whatsapp.sent", "text": "Olá"}'.encode()
RAW = b"0123456789abcdef01234567"
SECRETS = {
    "token": "bk_eu1_1",
    "access_key": "another-key-that-only-sends",
    "webhook_secret": "whsec_" + base64.b64encode(RAW).decode(),
    "signing_key": "abcdefghijklmnopqrstuvwxyz012345" * 2,
}
KEY = SECRETS["signing_key"]
Headers = dict[str, str]


def standard(body: bytes = BODY, at: datetime = NOW, key: bytes = RAW, message_id: str = "msg_1") -> Headers:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def channels(body: bytes = BODY, at: datetime = NOW, key: str = KEY, url: str = URL) -> Headers:
    stamp = str(int(at.timestamp()))
    signed = f"{stamp}\n{url}\n".encode() + hashlib.sha256(body).digest()
    digest = hmac.new(key.encode(), signed, hashlib.sha256).digest()
    return {"messagebird-signature": base64.b64encode(digest).decode(), "messagebird-request-timestamp": stamp}


def claims(body: bytes = BODY, at: datetime = NOW, url: str = URL, **more: Any) -> dict[str, Any]:
    hashed = {"payload_hash": hashlib.sha256(body).hexdigest()} if body else {}
    start = int(at.timestamp())
    frame = {"iss": "MessageBird", "nbf": start, "exp": start + 60, "jti": "1"}
    return {**frame, "url_hash": hashlib.sha256(url.encode()).hexdigest(), **hashed, **more}


def classic(
    body: bytes = BODY, at: datetime = NOW, key: str = KEY, url: str = URL, algorithm: str = "HS256", **more: Any
) -> Headers:
    given = {name: value for name, value in claims(body, at, url, **more).items() if value is not None}
    return {"messagebird-signature-jwt": jwt.encode(given, key, algorithm=algorithm)}


SCHEMES = {"v1": standard, "channels": channels, "classic": classic}
scheme = pytest.mark.parametrize("sign", SCHEMES.values(), ids=SCHEMES)


def is_ours(
    headers: Headers, body: bytes = BODY, url: str = URL, secrets: dict[str, str] = SECRETS, now: datetime = NOW
) -> bool:
    return messagebird.verify(body, headers, url, secrets, now)


@scheme
def test_what_our_secret_signed_is_taken(sign: Any) -> None:
    assert is_ours(sign())


@scheme
def test_a_tampered_byte_is_refused(sign: Any) -> None:
    headers = sign()
    for place in range(len(BODY)):
        assert not is_ours(headers, BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :])
    assert not is_ours(headers, b"")
    assert not is_ours(headers, BODY + b" ")


@scheme
def test_a_stale_signature_and_one_of_the_future_are_refused(sign: Any) -> None:
    for minutes in (-6, 6):
        assert not is_ours(sign(at=NOW + timedelta(minutes=minutes)))


def test_five_minutes_are_the_tolerance_where_a_time_is_signed() -> None:
    for sign in (standard, channels):
        assert is_ours(sign(at=NOW - timedelta(seconds=300)))
        assert not is_ours(sign(at=NOW - timedelta(seconds=301)))


@pytest.mark.parametrize("sign", [channels, classic])
def test_a_signature_for_another_address_is_refused(sign: Any) -> None:
    assert not is_ours(sign(), url=URL.replace("shop", "shap"))
    assert not is_ours(sign(), url=URL.partition("?")[0])
    assert not is_ours(sign(), url="")


@scheme
def test_a_missing_header_is_refused(sign: Any) -> None:
    for header in sign():
        assert not is_ours({name: value for name, value in sign().items() if name != header})
    assert not is_ours({})


@scheme
def test_another_key_is_refused_and_so_is_a_secret_that_is_not_set(sign: Any) -> None:
    other = {**SECRETS, "webhook_secret": "whsec_" + base64.b64encode(RAW[::-1]).decode(), "signing_key": KEY[::-1]}
    assert not is_ours(sign(), secrets=other)
    assert not is_ours(sign(), secrets={})
    assert not is_ours(sign(), secrets={**SECRETS, "webhook_secret": "", "signing_key": ""})


def test_each_scheme_is_checked_with_its_own_secret_only() -> None:
    v1_only = {"webhook_secret": SECRETS["webhook_secret"]}
    key_only = {"signing_key": KEY}
    assert is_ours(standard(), secrets=v1_only)
    assert not is_ours(channels(key=SECRETS["webhook_secret"]), secrets=v1_only)
    assert not is_ours(classic(key=SECRETS["webhook_secret"]), secrets=v1_only)
    assert is_ours(channels(), secrets=key_only)
    assert is_ours(classic(), secrets=key_only)
    assert not is_ours(standard(key=KEY.encode()), secrets=key_only)


def test_the_key_that_sends_signs_nothing() -> None:
    sends = {"token": SECRETS["token"], "access_key": KEY}
    for sign in SCHEMES.values():
        assert not is_ours(sign(), secrets=sends)


def test_a_bad_signature_is_not_saved_by_a_good_one_of_another_scheme() -> None:
    broken = {**standard(), "webhook-signature": "v1,AAAA"}
    assert not is_ours({**channels(), **broken})
    assert not is_ours({**channels(), "messagebird-signature-jwt": "a.b.c"})


def test_one_of_several_standard_signatures_is_enough() -> None:
    good = standard()
    assert is_ours({**good, "webhook-signature": f"v1,AAAA v2,x {good['webhook-signature']}"})
    assert not is_ours({**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")})


def test_a_secret_without_its_prefix_is_read_and_one_that_is_no_base64_signs_nothing() -> None:
    assert is_ours(standard(), secrets={"webhook_secret": base64.b64encode(RAW).decode()})
    assert not is_ours(standard(key=b""), secrets={"webhook_secret": "whsec_"})
    assert not is_ours(standard(), secrets={"webhook_secret": "whsec_!!"})


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_token_by_any_of_the_three_algorithms_is_taken(algorithm: str) -> None:
    assert is_ours(classic(algorithm=algorithm))


def _part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "RS256", "ES256", "HS1", ""])
def test_a_token_by_any_other_algorithm_is_refused(algorithm: str) -> None:
    unsigned = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(claims())}"
    signature = hmac.new(KEY.encode(), unsigned.encode(), hashlib.sha256).digest()
    for end in ("", base64.urlsafe_b64encode(signature).rstrip(b"=").decode()):
        assert not is_ours({"messagebird-signature-jwt": f"{unsigned}.{end}"})


@pytest.mark.parametrize(
    "more",
    [{"iss": "Somebody"}, {"iss": None}, {"exp": None}, {"nbf": None}, {"url_hash": None}, {"payload_hash": None},
     {"payload_hash": ""}, {"exp": "soon"}, {"nbf": "now"}, {"url_hash": 5}],
)  # fmt: skip
def test_a_token_that_lacks_a_claim_is_refused(more: dict[str, Any]) -> None:
    given = {name: value for name, value in claims(**more).items() if value is not None}
    unsigned = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(given)}"
    signature = hmac.new(KEY.encode(), unsigned.encode(), hashlib.sha256).digest()
    end = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    assert not is_ours({"messagebird-signature-jwt": f"{unsigned}.{end}"})


def test_a_token_of_an_empty_body_names_no_payload() -> None:
    assert is_ours(classic(body=b""), body=b"")
    assert not is_ours(classic(), body=b"")
    assert not is_ours(classic(body=b""))


HEADERS = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "messagebird-signature-jwt",
                     "messagebird-signature", "messagebird-request-timestamp"]),
    st.text() | st.sampled_from([str(int(NOW.timestamp())), "9" * 400, "-1", "v1,", *classic().values()]),
)  # fmt: skip
SECRET_TEXTS = st.dictionaries(st.sampled_from(["webhook_secret", "signing_key"]), st.text())


@given(st.binary(), HEADERS, st.text(), SECRET_TEXTS | st.just(SECRETS))
def test_no_headers_secrets_or_address_make_the_check_raise_or_pass(
    body: bytes, headers: Headers, url: str, secrets: dict[str, str]
) -> None:
    assert not messagebird.verify(body, headers, url, secrets, NOW)


def test_there_is_no_handshake() -> None:
    assert messagebird.challenge({"hub.challenge": "42"}, SECRETS) is None
