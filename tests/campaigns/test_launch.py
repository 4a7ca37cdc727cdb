"""A campaign sent by a process that outlives who started it, through the sandbox; watched, paused, killed, resumed."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from campaign_shop import approved, audience, customer, sandbox_log, serving, set_up
from processes import SECRETS, free_port

from wabench.campaigns import launch, ledger, plan, runner
from wabench.campaigns.launch import Progress
from wabench.campaigns.schema import CampaignState, SendState
from wabench.errors import Busy, Refused, UsageError, WabenchError
from wabench.settings import Settings

CUSTOMERS = 60


@dataclass(frozen=True)
class Shop:
    """A shop with its sandbox up, which answers slowly enough to be watched."""

    settings: Settings
    log: Path

    def sent(self) -> list[str]:
        return [line["to"] for line in sandbox_log(self.log)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home, port = tmp_path_factory.mktemp("shop"), free_port()
    settings = set_up(home, f"http://127.0.0.1:{port}/meta", pace_per_minute="6000")
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    toml = home / "wabench.toml"
    toml.write_text("pace_per_minute = 1800\n" + toml.read_text())
    environ = {**os.environ, **SECRETS, "WABENCH_HOME": str(home)}
    log = home / "data/sandbox.ndjson"
    command = ["sandbox", "--port", str(port), "--log", str(log), "--latency-ms=10"]
    with serving(command, environ, f"http://127.0.0.1:{port}"):
        yield Shop(settings, log)


def ready(shop: Shop, name: str, first: int = 0, count: int = CUSTOMERS) -> None:
    people = [customer(n) for n in range(first, first + count)]
    approved(shop.settings, name, audience(shop.settings.home, people, name))


def until(shop: Shop, name: str, is_so: Callable[[Progress], bool], seconds: float = 30) -> Progress:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = launch.progress(shop.settings, name)
        if is_so(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{name} never got there: {launch.progress(shop.settings, name)}")


def is_over(found: Progress) -> bool:
    return found.status is CampaignState.FINISHED and not found.is_sending


def pid(shop: Shop, name: str) -> int:
    with ledger.opened(shop.settings) as opened:
        lock = f"campaign-{opened.campaign(name).campaign_id}.lock"
    return int(json.loads((shop.settings.paths.data / "locks" / lock).read_text())["pid"])


def test_it_is_sent_in_its_starters_name_by_another_session_and_ends_by_itself(shop: Shop) -> None:
    ready(shop, "spring")
    before = launch.progress(shop.settings, "spring")
    assert (before.status, before.done, before.total, before.is_sending) == (
        CampaignState.APPROVED, 0, CUSTOMERS, False,
    )  # fmt: skip
    launch.start(shop.settings, "spring", "maria")
    assert os.getsid(pid(shop, "spring")) == pid(shop, "spring") != os.getsid(0)
    with pytest.raises(Busy, match="is being sent already"):
        launch.start(shop.settings, "spring", "maria")
    over = until(shop, "spring", is_over)
    assert over.sends == {SendState.ACCEPTED: CUSTOMERS}
    assert not over.is_stuck
    with ledger.opened(shop.settings) as opened:
        done = [(line["actor"], line["action"]) for line in opened.audit_lines(opened.campaign("spring").campaign_id)]
    assert ("maria", "running") in done
    assert ("maria", "finished") in done


def test_it_pauses_when_told_and_goes_on_where_it_stopped(shop: Shop) -> None:
    ready(shop, "pausing", 1000)
    launch.start(shop.settings, "pausing", "maria")
    until(shop, "pausing", lambda found: found.done > 3)
    runner.pause(shop.settings, "pausing", "maria")
    paused = until(shop, "pausing", lambda found: not found.is_sending)
    assert paused.status is CampaignState.PAUSED
    assert 0 < paused.done < CUSTOMERS
    with pytest.raises(Refused, match="paused by maria"):
        launch.start(shop.settings, "pausing", "maria")
    launch.start(shop.settings, "pausing", "maria", resumes=True)
    assert until(shop, "pausing", is_over).sends == {SendState.ACCEPTED: CUSTOMERS}


def test_a_killed_sender_leaves_it_standing_still_and_who_runs_it_again_writes_to_nobody_twice(shop: Shop) -> None:
    ready(shop, "killed", 2000)
    launch.start(shop.settings, "killed", "maria")
    until(shop, "killed", lambda found: found.done > 3)
    os.kill(pid(shop, "killed"), signal.SIGKILL)
    stuck = until(shop, "killed", lambda found: not found.is_sending)
    assert stuck.is_stuck
    launch.start(shop.settings, "killed", "maria")
    over = until(shop, "killed", is_over)
    phones = [to for to in shop.sent() if to.startswith("55119800020")]
    assert len(phones) == len(set(phones))
    assert over.sends[SendState.ACCEPTED] + over.sends.get(SendState.UNKNOWN, 0) == CUSTOMERS


def test_what_may_not_start_is_told_before_any_process_is_made(shop: Shop, home: Path) -> None:
    plan.plan(shop.settings, "early", audience(shop.settings.home, [customer(3000)], "e"), "sale",
              ["1=name", "2=literal:SALE"])  # fmt: skip
    with pytest.raises(Refused, match="not tested"):
        launch.start(shop.settings, "early", "maria")
    with pytest.raises(Refused, match="only one that was running"):
        launch.start(shop.settings, "early", "maria", resumes=True)
    real = set_up(home, "https://graph.facebook.com/v26.0")
    approved(real, "real", audience(home, [customer(1)]))
    with pytest.raises(Refused, match="reaches real customers"):
        launch.start(real, "real", "maria")
    assert not (home / "data/runs").exists()
    with pytest.raises(UsageError, match="no campaign 'nine'"):
        launch.start(shop.settings, "nine", "maria")


def test_what_a_process_says_as_it_fails_is_told_to_who_started_it(shop: Shop) -> None:
    ready(shop, "failing", 4000, 1)
    (shop.settings.paths.data / "locks").mkdir(exist_ok=True)
    toml = shop.settings.home / "wabench.toml"
    right = toml.read_text()
    toml.write_text("no_such_key = 1\n" + right)
    try:
        with pytest.raises(WabenchError, match="unknown key 'no_such_key'"):
            launch.start(shop.settings, "failing", "maria")
    finally:
        toml.write_text(right)
    assert launch.progress(shop.settings, "failing").status is CampaignState.APPROVED
