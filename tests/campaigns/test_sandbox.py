"""The stand-in: as strict as the provider, deterministic, and its log is the truth."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from campaign_shop import CHANNEL, sandbox_log, set_up
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wabench.errors import Refused
from wabench.providers import get
from wabench.sandbox import check, fate, meta
from wabench.sandbox.fate import Shares
from wabench.sandbox.server import Options, Sandbox
from wabench.sandbox.webhooks import Webhooks

URL = f"http://sandbox/v26.0/{CHANNEL}/messages"
BODY = {
    "messaging_product": "whatsapp",
    "to": "+5511980000001",
    "type": "template",
    "template": {
        "name": "sale",
        "language": {"code": "en"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "SALE"}]}
        ],
    },
    "biz_opaque_callback_data": "wb:1",
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Change one place of the body; None takes it away."""
    body = json.loads(json.dumps(BODY))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = body
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


@pytest.fixture
def options(home: Path) -> Options:
    templates = set_up(home).templates
    return Options(home / "sandbox.ndjson", "test-token", templates, CHANNEL, "test-app-secret")


def ask(options: Options, *bodies: Any, token: str = "test-token", url: str = URL) -> list[httpx.Response]:
    """Post bodies to a sandbox, one after the other."""

    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Sandbox(options).app())
        async with httpx.AsyncClient(transport=transport, headers={"Authorization": f"Bearer {token}"}) as client:
            return [await client.post(url, json=body) for body in bodies]

    return asyncio.run(run())


def test_an_accepted_message_is_answered_as_documented_and_logged(options: Options) -> None:
    (answer,) = ask(options, BODY)
    assert answer.status_code == 200
    assert answer.json()["contacts"] == [{"input": "+5511980000001", "wa_id": "5511980000001"}]
    (line,) = sandbox_log(options.log)
    assert line["message_id"] == answer.json()["messages"][0]["id"]
    assert (line["to"], line["template"], line["parameters"]) == ("+5511980000001", "sale", ["Ana", "SALE"])
    assert line["callback_data"] == "wb:1"


def test_a_business_scoped_id_is_answered_with_a_user_id(options: Options) -> None:
    body = {**changed("to", None), "recipient": "BR.13491208655302741918"}
    (answer,) = ask(options, body)
    assert answer.json()["contacts"] == [{"input": "BR.13491208655302741918", "user_id": "BR.13491208655302741918"}]


@pytest.mark.parametrize(
    ("path", "value", "code", "status"),
    [
        ("to", None, 131008, 400),
        ("to", "not a phone", 131009, 400),
        ("too", "+5511980000001", 100, 400),
        ("type", "text", 131009, 400),
        ("biz_opaque_callback_data", "x" * 513, 131009, 400),
        ("template.name", "sail", 132001, 404),
        ("template.name", "pending", 132015, 400),
        ("template.language", {"code": "pt_BR"}, 132001, 404),
        ("template.components.0.parameters.1", None, 132000, 400),
        ("template.components", None, 132000, 400),
        ("template.components.0.parameters.0.text", "", 132018, 400),
        ("template.components.0.parameters.0.text", "a\nb", 132018, 400),
        ("template.components.0.parameters.0.parameter_name", "name", 132012, 400),
        ("template.components.0.parameters.0.type", "image", 132012, 400),
        ("template.name", "named", 132000, 400),
    ],
)
def test_what_the_provider_would_refuse_is_refused_with_its_code(
    options: Options, path: str, value: Any, code: int, status: int
) -> None:
    (answer,) = ask(options, changed(path, value))
    assert (answer.json()["error"]["code"], answer.status_code) == (code, status)
    assert sandbox_log(options.log) == []


def test_names_are_checked_for_a_template_with_names(options: Options) -> None:
    named = [
        {"type": "text", "text": "Ana", "parameter_name": "first_name"},
        {"type": "text", "text": "SALE", "parameter_name": "code"},
    ]
    body = changed("template.name", "named")
    body["template"]["components"][0]["parameters"] = named
    assert ask(options, body)[0].status_code == 200


def test_a_wrong_token_is_401_and_a_wrong_number_33(options: Options) -> None:
    (answer,) = ask(options, BODY, token="guess")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)
    (answer,) = ask(options, BODY, url="http://sandbox/v26.0/999/messages")
    assert answer.json()["error"]["code"] == 33


def test_throttling_is_a_400_with_a_code_not_a_429(options: Options) -> None:
    bodies = [changed("to", f"+551198000000{number}") for number in range(4)]
    answers = ask(replace(options, throttle_per_second=3), *bodies)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400]
    assert answers[3].json()["error"]["code"] == 130429


def test_a_second_message_to_one_person_within_6_seconds_is_refused(options: Options) -> None:
    assert ask(options, BODY, BODY)[1].json()["error"]["code"] == 131056


def test_every_answer_is_read_by_the_adapter_as_its_family(options: Options) -> None:
    provider = get("meta")
    families = {}
    for path, value in (("to", "x"), ("template.name", "sail"), ("template.components", None)):
        (answer,) = ask(options, changed(path, value))
        outcome = provider.outcome(answer)
        families[getattr(outcome, "code", "")] = str(getattr(outcome, "family", ""))
    assert families == {"131009": "never", "132001": "stop_template", "132000": "stop_template"}


def test_the_same_seed_and_request_have_the_same_fate_in_about_the_shares_asked() -> None:
    shares = Shares(fail=0.1, timeout=0.05, duplicate=0.2, reorder=0.1, read=0.5, reply=0.1)
    fates = [fate.decide(1, f"wb:{number}", shares) for number in range(4000)]
    assert fates == [fate.decide(1, f"wb:{number}", shares) for number in range(4000)]
    assert fates != [fate.decide(2, f"wb:{number}", shares) for number in range(4000)]
    assert sum(f.error is not None for f in fates) / 4000 == pytest.approx(0.1, abs=0.02)
    assert sum(not f.is_answered for f in fates) / 4000 == pytest.approx(0.05, abs=0.02)
    assert sum(f.reply is not None for f in fates) / 4000 == pytest.approx(0.09, abs=0.02)
    assert sum(len(f.postings) > len(set(f.postings)) for f in fates) == 0
    assert all(f.error is None or {p.value for p in f.postings} == {"sent", "failed"} for f in fates)


def test_webhooks_are_signed_and_posted_again_until_they_are_taken() -> None:
    provider = cast(Any, get("meta"))
    secrets = {"app_secret": "test-app-secret"}
    posted: list[Any] = []

    async def run() -> Counter[str]:
        counts: Counter[str] = Counter()
        taken = asyncio.Event()

        async def receive(request: Request) -> Response:
            body, signature = await request.body(), request.headers["x-hub-signature-256"]
            assert provider.verify(body, {"x-hub-signature-256": signature}, "", secrets, datetime.now(UTC))
            posted.append(json.loads(body))
            if len(posted) > 2:
                taken.set()
            return Response(status_code=200 if taken.is_set() else 503)

        transport = httpx.ASGITransport(Starlette(routes=[Route("/", receive, methods=["POST"])]))
        compose = partial(meta.webhook, CHANNEL)
        webhooks = Webhooks("http://shop/", compose, partial(provider.sign, secrets=secrets), counts, transport)
        webhooks.put(("statuses", meta.status(BODY, "wamid.1", "delivered", 1_800_000_000, "marketing")), 0.0)
        task = asyncio.create_task(webhooks.run())
        async with asyncio.timeout(10):
            await taken.wait()
        await asyncio.sleep(0.1)
        task.cancel()
        return counts

    assert asyncio.run(run()) == {"webhook entries posted": 1, "webhook entries refused": 2}
    value = posted[-1]["entry"][0]["changes"][0]["value"]
    assert value["metadata"]["phone_number_id"] == CHANNEL
    assert value["statuses"][0]["biz_opaque_callback_data"] == "wb:1"


def test_a_provider_the_sandbox_does_not_know_is_refused_in_one_line() -> None:
    with pytest.raises(Refused, match="does not know twilio"):
        check("twilio", httpx.Request("POST", "https://twilio.example"), {})
