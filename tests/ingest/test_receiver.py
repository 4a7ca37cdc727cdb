import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import webhooks
from shared import META_WEBHOOKS, needs
from starlette.applications import Starlette

from ingest import landing, loader, receiver
from wabench.errors import UsageError
from wabench.events import EventType
from wabench.settings import Settings, load

BODY = webhooks.messages(webhooks.text("wamid.1", "oi"))


@pytest.fixture
def app(settings: Settings) -> Starlette:
    return receiver.create(settings)


def landed(home: Path) -> list[bytes]:
    files = landing.files(home / "data" / "landing")
    return [landing.open_envelope(line)[1] for file in files for line in file.path.read_bytes().splitlines()]


def ask(app: Starlette, *requests: httpx.Request) -> list[httpx.Response]:
    """Send requests all at once."""

    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return list(await asyncio.gather(*(client.send(r) for r in requests)))

    return asyncio.run(run())


def post(body: bytes, headers: dict[str, str] | None = None, provider: str = "meta") -> httpx.Request:
    signed = webhooks.sign(body) if headers is None else headers
    return httpx.Request("POST", f"http://shop/webhooks/{provider}", content=body, headers=signed)


def test_the_handshake_answers_the_challenge_to_our_token_alone(app: Starlette) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "test-verify-token"}
    url = "http://shop/webhooks/meta"
    right, wrong = ask(
        app,
        httpx.Request("GET", url, params=query),
        httpx.Request("GET", url, params=query | {"hub.verify_token": "guess"}),
    )
    assert (right.status_code, right.text) == (200, "1158201444")
    assert wrong.status_code == 403


def test_a_signed_body_is_on_disk_byte_for_byte_before_its_200(app: Starlette, home: Path) -> None:
    pretty = BODY.replace(b",", b",\n  ")
    answers = ask(app, post(BODY), post(pretty))
    assert [a.status_code for a in answers] == [200, 200]
    assert sorted(landed(home)) == sorted([BODY, pretty])


def test_a_wrong_or_missing_signature_is_401_and_leaves_nothing(app: Starlette, home: Path) -> None:
    headers = [
        {},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha1=ю"},
        webhooks.sign(BODY + b" "),
    ]
    encoded = [{k: v.encode() for k, v in h.items()} for h in headers]
    answers = ask(app, *(httpx.Request("POST", "http://shop/webhooks/meta", content=BODY, headers=h) for h in encoded))
    assert [a.status_code for a in answers] == [401] * 4
    assert landed(home) == []


def test_a_body_over_the_limit_is_413_whether_it_says_its_length_or_not(app: Starlette, home: Path) -> None:
    big = b'"' + b"x" * receiver.MAX_BODY_BYTES + b'"'

    async def streamed():
        for at in range(0, len(big), 1 << 20):
            yield big[at : at + (1 << 20)]

    request = httpx.Request("POST", "http://shop/webhooks/meta", content=streamed(), headers=webhooks.sign(big))
    assert [a.status_code for a in ask(app, post(big), request)] == [413, 413]
    assert landed(home) == []


def test_a_body_of_exactly_the_limit_is_taken(app: Starlette) -> None:
    body = b'"' + b"x" * (receiver.MAX_BODY_BYTES - 2) + b'"'
    assert ask(app, post(body))[0].status_code == 200


def test_broken_json_with_a_right_signature_is_400_and_kept(app: Starlette, home: Path) -> None:
    assert ask(app, post(b'{"entry":['))[0].status_code == 400
    assert landed(home) == [b'{"entry":[']


def test_half_an_emoji_is_json_all_the_same(app: Starlette, home: Path) -> None:
    cut = b'{"entry":[],"text":"hi \\ud83d"}'
    assert ask(app, post(cut), post(b"[" * 5000))[0].status_code == 200
    assert cut in landed(home)


def test_another_provider_is_404(app: Starlette) -> None:
    assert ask(app, post(BODY, provider="nobody"))[0].status_code == 404


def test_a_disk_that_fails_is_503_so_that_the_provider_comes_again(
    app: Starlette, home: Path, settings: Settings
) -> None:
    folder = home / "data" / "landing" / "meta"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where a folder should be")
    assert ask(app, post(BODY))[0].status_code == 503
    folder.unlink()
    assert ask(app, post(BODY))[0].status_code == 200


def test_many_at_once_share_fsyncs_and_each_is_there(app: Starlette, home: Path) -> None:
    bodies = [webhooks.messages(webhooks.text(f"wamid.{n}", "oi")) for n in range(300)]
    assert {a.status_code for a in ask(app, *map(post, bodies))} == {200}
    assert sorted(landed(home)) == sorted(bodies)


def test_without_secrets_it_refuses_to_start_and_names_them(home: Path) -> None:
    with pytest.raises(UsageError, match="WABENCH_META_APP_SECRET"):
        receiver.create(load({"WABENCH_HOME": str(home)}))


def test_secrets_never_show_in_the_settings(settings_with: Callable[..., Settings]) -> None:
    assert "test-app-secret" not in repr(settings_with())


@needs(META_WEBHOOKS)
def test_every_documented_payload_becomes_rows_and_twice_the_same_ones(app: Starlette, settings: Settings) -> None:
    payloads = [path.read_bytes() for path in sorted(META_WEBHOOKS.glob("*.json"))]
    counts = []
    for _ in range(2):
        assert {a.status_code for a in ask(app, *map(post, payloads))} == {200}
        loader.load(settings)
        connection = loader.connect(settings)
        sql = "select event_type, split_part(landing_ref, ':', 2) is not null from raw.message_events"
        counts.append(connection.execute(sql).fetchall())
        assert connection.execute("select count(*) from raw.rejected").fetchall() == [(0,)]
        connection.close()
    assert counts[0] == counts[1]
    assert len(counts[0]) >= len(payloads)
    assert {kind for kind, _ in counts[0]} <= set(EventType)


def test_broken_json_ends_as_a_row_that_says_why(app: Starlette, settings: Settings) -> None:
    ask(app, post(b'{"entry":['))
    assert loader.load(settings).rejected == 1
