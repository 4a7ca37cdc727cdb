"""The receiver with providers that differ from Meta: forms, queries, signatures over the public URL, their own 200."""

import asyncio
import base64
import hmac
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ingest import landing, loader, receiver
from wabench.errors import UsageError
from wabench.settings import Settings, load

PUBLIC = "https://hooks.shop.example/wa"
STATUS = {
    "MessageSid": "SM1",
    "MessageStatus": "delivered",
    "To": "whatsapp:+5511987654321",
    "From": "whatsapp:+15550783881",
}


def settings_of(home: Path, **more: str) -> Settings:
    return load({"WABENCH_HOME": str(home), "WABENCH_TWILIO_AUTH_TOKEN": "test-auth-token", **more})


def twilio_post(fields: dict[str, str], query: str, signed_url: str) -> httpx.Request:
    """A form as Twilio posts it, through a proxy that took the public address off."""
    text = signed_url + "".join(key + fields[key] for key in sorted(fields))
    signature = base64.b64encode(hmac.digest(b"test-auth-token", text.encode(), "sha1")).decode()
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return httpx.Request(
        "POST", f"http://10.0.0.7:8400/webhooks/twilio?{query}", content=urlencode(fields), headers=headers
    )


def ask(settings: Settings, request: httpx.Request) -> httpx.Response:
    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(receiver.create(settings))) as client:
            return await client.send(request)

    return asyncio.run(run())


def test_a_form_signed_over_the_public_url_is_taken_and_its_query_says_which_send_it_is(home: Path) -> None:
    settings = settings_of(home, WABENCH_PUBLIC_URL=PUBLIC)
    query = "callback=wb%3A0123456789abcdef"
    answer = ask(settings, twilio_post(STATUS, query, f"{PUBLIC}/webhooks/twilio?{query}"))
    assert (answer.status_code, answer.text) == (200, "<Response></Response>")
    assert answer.headers["content-type"].startswith("text/xml")
    assert loader.load(settings).rows == {"message_events": 1}
    with loader.connect(settings) as warehouse:
        row = warehouse.execute(
            "select provider, event_type, phone, callback_data, message_id from raw.message_events"
        ).fetchone()
    assert row == ("twilio", "delivered", "+5511987654321", "wb:0123456789abcdef", "SM1")


@pytest.mark.parametrize(
    ("public", "query"),
    [(PUBLIC, "callback=wb%3A2"), ("https://other.example", "callback=wb%3A1"), ("", "callback=wb%3A1")],
)
def test_a_signature_over_another_url_than_ours_is_401_and_leaves_nothing(home: Path, public: str, query: str) -> None:
    settings = settings_of(home, **({"WABENCH_PUBLIC_URL": public} if public else {}))
    request = twilio_post(STATUS, query, f"{PUBLIC}/webhooks/twilio?callback=wb%3A1")
    assert ask(settings, request).status_code == 401
    assert landing.files(home / "data" / "landing") == []


def test_a_provider_without_its_secrets_is_not_served_and_none_at_all_says_what_to_set(home: Path) -> None:
    body = b'{"type":"MESSAGE"}'
    request = httpx.Request("POST", "http://shop/webhooks/zenvia", content=body)
    assert ask(settings_of(home), request).status_code == 404
    with pytest.raises(UsageError, match=r"WABENCH_ZENVIA_WEBHOOK_SECRET"):
        receiver.create(load({"WABENCH_HOME": str(home)}))
