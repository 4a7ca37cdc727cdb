"""From the webhook to the accepted reply, and from a STOP to the ledger, with the receiver as it runs."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import campaign_shop
import httpx
import processes
import webhooks
from sqlalchemy import select

from ingest import answers, landing
from ingest.answers import Tail
from ingest.stated import statements
from wabench.campaigns import claims, ledger, plan
from wabench.campaigns.schema import CampaignState, consent, heard, replies
from wabench.events import EventType, MessageEvent
from wabench.settings import Settings

RULES = "rule,kind,pattern,action,answer\ndelivery,word,delivery,text,Where to?\n"


@contextmanager
def serving(home: Path) -> Iterator[tuple[Settings, str, Path]]:
    """Run a receiver and a sandbox; gives the receiver's webhook address and the sandbox's log."""
    receiver, sandbox = processes.free_port(), processes.free_port()
    log = home / "sandbox.ndjson"
    settings = campaign_shop.set_up(home, f"http://127.0.0.1:{sandbox}/meta", auto_reply="rehearsal")
    home.joinpath("replies.csv").write_text(RULES, encoding="utf-8")
    toml = home / "wabench.toml"
    toml.write_text(f'auto_reply = "rehearsal"\n{toml.read_text()}', encoding="utf-8")
    started = [
        processes.start(home, "sandbox", "--port", str(sandbox), "--log", str(log), "--seed", "1"),
        processes.start(home, "receive", "--port", str(receiver)),
    ]
    try:
        processes.await_http(f"http://127.0.0.1:{sandbox}/", started[0])
        processes.await_http(f"http://127.0.0.1:{receiver}/healthz", started[1])
        yield settings, f"http://127.0.0.1:{receiver}/webhooks/meta", log
    finally:
        for process in started:
            processes.kill_group(process)


def post(url: str, message_id: str, text: str) -> None:
    body = webhooks.messages(webhooks.text(message_id, text, int(time.time())))
    httpx.post(url, content=body, headers=webhooks.sign(body), trust_env=False).raise_for_status()


def until(found: Callable[[], Sequence[Any]], count: int, seconds: float = 20) -> Sequence[Any]:
    deadline = time.monotonic() + seconds
    while len(seen := found()) < count:
        assert time.monotonic() < deadline, f"{count} expected, {seen}"
        time.sleep(0.01)
    return seen


def test_a_webhook_is_answered_once_and_a_stop_is_in_the_ledger_within_a_second(home: Path) -> None:
    with serving(home) as (settings, url, log), ledger.opened(settings) as opened:

        def rows(table: Any) -> list[Any]:
            with opened.reading() as connection:
                return list(connection.execute(select(table)))

        post(url, "wamid.1", "Delivery?")
        post(url, "wamid.1", "Delivery?")
        until(lambda: [row for row in rows(replies) if row.state == "accepted"], 1)
        post(url, "wamid.2", "STOP")
        (stated,) = until(lambda: rows(consent), 1, seconds=1)
        assert (stated.phone, stated.consent) == ("+5511987654321", "opted_out")
        until(lambda: rows(heard), 2)
    sent = [json.loads(line) for line in log.read_text().splitlines()]
    assert (sent[0]["text"], sent[0]["to"]) == ("Where to?", "+5511987654321")
    assert [line["text"] for line in sent].count("Where to?") == 1


def test_the_tail_reads_what_was_landed_since_a_moment_each_line_once(home: Path) -> None:
    now = datetime.now(UTC)
    times = chain([now - timedelta(minutes=9)], repeat(now))
    log = landing.LandingLog(home / "meta" / "webhooks", clock=lambda: next(times))
    for n, text in enumerate(("old", "new")):
        log.append(webhooks.messages(webhooks.text(f"wamid.{n}", text)))
    log.append(b"not JSON", valid_json=False)
    log.commit()
    tail = Tail(home, ["meta", "zenvia"], now - timedelta(minutes=5))
    assert [event.body_text for _, event, _ in tail.read()] == ["new"]
    assert tail.read() == []
    log.append(webhooks.messages(webhooks.text("wamid.3", "стоп")))
    log.commit()
    assert [event.event_type for _, event, _ in tail.read()] == ["received", "opt_out"]


def test_what_people_state_is_heard_once_by_their_number(home: Path) -> None:
    settings, at = campaign_shop.set_up(home), datetime.now(UTC)
    stop, start = (MessageEvent(f"meta:{n}", EventType.RECEIVED, phone="+5511987654321", body_text=said, occurred_at=at)
                   for n, said in enumerate(("STOP", "старт")))  # fmt: skip
    events = [("meta", event, at) for event in (stop, start, *statements([stop, start]))]
    with ledger.opened(settings) as opened:
        for _ in range(2):
            answers.hear(settings, opened, events)
        with opened.reading() as connection:
            stated = connection.execute(select(consent.c.consent, consent.c.phone, consent.c.source)).all()
    assert [tuple(row) for row in stated] == [
        ("opted_out", "+5511987654321", "webhook meta:0:opt_out"),
        ("opted_in", "+5511987654321", "webhook meta:1:opt_in"),
    ]


def test_a_running_campaign_claims_nobody_who_has_just_said_stop(home: Path) -> None:
    settings, at = campaign_shop.set_up(home), datetime.now(UTC)
    campaign_shop.approved(settings, "sale", campaign_shop.audience(home, [campaign_shop.customer(n) for n in (1, 2)]))
    stop = MessageEvent("meta:1", EventType.RECEIVED, phone="+5511980000001", body_text="Стоп!", occurred_at=at)
    with ledger.opened(settings) as opened:
        campaign = opened.campaign("sale")
        opened.move(campaign.campaign_id, CampaignState.RUNNING, "maria", at)
        answers.hear(settings, opened, [("meta", event, at) for event in statements([stop])])
        rules, later = plan.rules(settings, "meta", "marketing"), datetime.now(UTC)
        turn = claims.take_turn(opened, campaign, rules, lambda _: {}, [], 10, later)
    assert ([claim.message.phone for claim in turn.claims], turn.suppressed) == (["+5511980000002"], 1)
