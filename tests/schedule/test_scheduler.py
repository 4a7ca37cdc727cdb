"""The scheduler with real processes: killed in the middle, two at once, stopped in order, a due campaign sent once."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from campaign_shop import approved, audience, customer, sandbox_log, serving, set_up
from processes import SECRETS, free_port, start

from wabench import locks
from wabench.campaigns import ledger, runner
from wabench.campaigns import plan as planning
from wabench.campaigns.schema import CampaignState
from wabench.errors import Busy
from wabench.schedule import campaigns, scheduler, state
from wabench.schedule.jobs import Outcome, Past
from wabench.schedule.scheduler import Scheduler
from wabench.schedule.state import Book, Run, State
from wabench.schedule.table import ScheduleSettings
from wabench.settings import Settings, load

NOW = datetime.now(UTC)
TOML = """
[schedule]
refresh = ""
ingest = "0 0 1 1 *"

[sources.crm]
base_url = "http://127.0.0.1:{port}"
streams.orders = {{ path = "orders", map = {{ order_id = "id", ordered_at = "at", total = "sum" }} }}
"""


class Crm:
    """A source that answers when it is let, and counts who asks."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Event()
        crm = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                crm.asked.release()
                crm.may_answer.wait(30)
                with suppress(BrokenPipeError):
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(b"[]")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def crm() -> Iterator[Crm]:
    served = Crm()
    yield served
    served.may_answer.set()
    served.server.shutdown()
    served.server.server_close()


def shop(home: Path, crm: Crm) -> Settings:
    """Make a shop whose yearly ingest was due while nobody was there."""
    (home / "wabench.toml").write_text(TOML.format(port=crm.server.server_port), encoding="utf-8")
    settings = load({"WABENCH_HOME": str(home), "WABENCH_SCHEDULE_PORT": "0", "WABENCH_SOURCE_CRM_TOKEN": "x"})
    (home / ".env").write_text("WABENCH_SCHEDULE_PORT=0\nWABENCH_SOURCE_CRM_TOKEN=x\n", encoding="utf-8")
    state.save(settings, State(pasts={"ingest": Past(NOW - timedelta(days=400))}))
    return settings


def until(turn: Callable[[], object], is_so: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        turn()
        time.sleep(0.02)


def outcomes(settings: Settings) -> list[Outcome]:
    return [run.outcome for run in state.load(settings).runs]


@pytest.mark.slow
def test_a_scheduler_that_is_killed_leaves_its_job_alone_and_the_next_one_makes_it_up_once(
    home: Path, crm: Crm
) -> None:
    settings = shop(home, crm)
    first = start(home, "schedule")
    assert crm.asked.acquire(timeout=90)
    with pytest.raises(Busy, match="at work here"), locks.held(scheduler.lock(settings), "another"):
        raise AssertionError("two schedulers")
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    second = Scheduler(settings, NOW, print)
    for _ in range(10):
        second.turn(NOW + timedelta(minutes=1))
    assert not crm.asked.acquire(timeout=0.1), "it was begun twice at once"
    assert outcomes(settings) == [Outcome.RUNNING]
    crm.may_answer.set()
    until(lambda: second.turn(NOW + timedelta(minutes=2)), lambda: outcomes(settings)[-1] is Outcome.DONE)
    assert outcomes(settings) == [Outcome.INTERRUPTED, Outcome.DONE]
    assert crm.asked.acquire(timeout=1)
    second.turn(NOW + timedelta(minutes=3))
    assert outcomes(settings) == [Outcome.INTERRUPTED, Outcome.DONE]
    assert state.load(settings).pasts["ingest"].failures == 0


@pytest.mark.faults
def test_a_job_over_its_time_is_stopped_and_one_that_is_stopped_is_made_up(home: Path, crm: Crm) -> None:
    settings = shop(home, crm)
    clock = NOW
    at_work = Scheduler(settings, clock, print)
    at_work.turn(clock)
    assert crm.asked.acquire(timeout=90)
    clock += timedelta(minutes=settings.schedule.limit_minutes)
    until(lambda: at_work.turn(clock), lambda: outcomes(settings) == [Outcome.OVERTIME])
    assert state.load(settings).pasts["ingest"].retry_at == clock + timedelta(minutes=5)
    clock += timedelta(minutes=5)
    at_work.turn(clock)
    assert crm.asked.acquire(timeout=90)
    at_work.end(lambda: clock)
    assert outcomes(settings) == [Outcome.OVERTIME, Outcome.STOPPED]
    assert state.load(settings).pasts["ingest"].retry_at == clock
    assert not locks.is_held(settings.paths.data / "locks/job-ingest.lock")


def test_a_second_scheduler_is_refused_and_a_crontab_line_just_ends(home: Path, settings: Settings) -> None:
    with locks.held(scheduler.lock(settings), "schedule"):
        with pytest.raises(Busy):
            scheduler.run(settings, lambda: NOW, threading.Event(), print)
        again = start(home, "schedule", "--once")
        assert "nothing done: schedule (pid" in again.communicate()[0].decode()
        assert again.returncode == 0


@pytest.mark.parametrize(("failures", "told"), [(1, []), (2, ["ingest failed 2 times in a row: no answer"])])
def test_what_fails_again_is_told_to_people(settings: Settings, failures: int, told: list[str]) -> None:
    run = Run("ingest", NOW, NOW, 1, NOW, Outcome.FAILED, "no answer")
    past = Past(NOW, failures, NOW + timedelta(minutes=5))
    state.save(settings, State(pasts={"ingest": past, "refresh": past}, runs=(run,)))
    at_work = Scheduler(settings, NOW, print)  # its line for ingest is empty, so ingest is off
    assert [alert.key for alert in at_work.alerts()] == ["job:refresh"] * (failures > 1)
    on = settings.model_copy(update={"schedule": ScheduleSettings(ingest="0 * * * *", refresh="")})
    state.save(settings, State(pasts={"ingest": past}, runs=(run,)))
    assert [alert.text for alert in Scheduler(on, NOW, print).alerts()] == told


def test_what_is_kept_of_a_failure_names_no_customer_and_what_an_erasure_blanked_begins_anew(
    settings: Settings,
) -> None:
    said: list[str] = []
    book, run = Book(settings, said.append), Run("campaign spring", NOW, NOW, 1)
    book.begins(run)
    book.ends(run, Outcome.FAILED, NOW, "wabench: customer c-7f3a: +55 11 98000-0001 is no number")
    book.write()
    assert book.state.runs[0].said == "wabench: a customer: •••• is no number"
    assert said[-1] == "campaign spring: failed after 0 s (wabench: a customer: •••• is no number)"
    assert state.load(settings) == book.state
    state.path(settings).write_bytes(b" " * 100)
    assert state.load(settings) == State()


def plan(settings: Settings, name: str, people: list[dict[str, object]], starts_at: datetime | None) -> None:
    segment = audience(settings.home, people, name)
    planning.plan(settings, name, segment, "sale", ["1=name", "2=literal:SALE"], starts_at=starts_at, now=starts_at)
    runner.test(settings, name, "tester")
    runner.approve(settings, name, "maria")


@pytest.mark.slow
def test_due_campaigns_are_sent_once_one_after_the_other_and_no_others(tmp_path: Path) -> None:
    home, port = tmp_path, free_port()
    set_up(home, f"http://127.0.0.1:{port}/meta")
    with (home / "wabench.toml").open("a", encoding="utf-8") as toml:
        toml.write('[schedule]\nrefresh = ""\n')
    settings = load({"WABENCH_HOME": str(home), "WABENCH_PACE_PER_MINUTE": "600000", **SECRETS})
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    log, environ = home / "data/sandbox.ndjson", {**os.environ, **SECRETS, "WABENCH_HOME": str(home)}
    plan(settings, "later", [customer(1)], NOW - timedelta(minutes=1))
    plan(settings, "sooner", [customer(n) for n in range(2, 6)], NOW - timedelta(minutes=2))
    plan(settings, "tomorrow", [customer(6)], NOW + timedelta(days=1))
    plan(settings, "by_hand", [customer(7)], None)
    with serving(["sandbox", "--port", str(port), "--log", str(log)], environ, f"http://127.0.0.1:{port}"):
        clock = NOW
        at_work = Scheduler(settings, clock, print)

        def turn() -> None:
            nonlocal clock
            at_work.turn(clock)
            if at_work.is_idle:
                clock += timedelta(seconds=5)  # a minute of the clock passes in 12 turns

        until(turn, lambda: status(settings, "later") is CampaignState.FINISHED)
        until(turn, lambda: not state.load(settings).running)
        at_work.end(lambda: clock)
    sent = [line["to"] for line in sandbox_log(log)]
    assert sorted(sent) == [f"+551198000000{n}" for n in range(1, 6)]
    assert sent[-1] == "+5511980000001"
    assert [(run.job, run.outcome) for run in state.load(settings).runs] == [
        ("campaign sooner", Outcome.DONE), ("campaign later", Outcome.DONE),
    ]  # fmt: skip
    assert status(settings, "tomorrow") is status(settings, "by_hand") is CampaignState.APPROVED
    with ledger.opened(settings) as opened:
        lines = opened.audit_lines(opened.campaign("later").campaign_id)
    assert ("schedule", "running") in [(line["actor"], line["action"]) for line in lines]


def status(settings: Settings, name: str) -> CampaignState:
    with ledger.opened(settings) as opened:
        return opened.campaign(name).status


def moved(settings: Settings, name: str, *moves: tuple[CampaignState, str | None]) -> None:
    with ledger.opened(settings) as opened:
        for to, reason in moves:
            values = {"started_at": NOW} if to is CampaignState.RUNNING else {}
            opened.move(opened.campaign(name).campaign_id, to, "maria", NOW, reason, **values)


def test_who_stood_still_through_nobodys_decision_goes_on_and_who_was_paused_does_not(home: Path) -> None:
    settings = set_up(home)
    running, paused = (CampaignState.RUNNING, None), CampaignState.PAUSED
    for n, (name, moves) in enumerate({
        "killed": [running],
        "shut_down": [running, (paused, runner.STOPPED_BY_SYSTEM)],
        "by_maria": [running, (paused, "paused by maria")],
        "ctrl_c": [running, (paused, "stopped by SIGINT")],
        "failing": [running, (paused, "16 % failed")],
    }.items()):  # fmt: skip
        approved(settings, name, audience(home, [customer(n)], name))
        moved(settings, name, *moves)
    found = campaigns.look(settings, NOW)
    assert {(due.name, due.resumes) for due in found.due} == {("killed", False), ("shut_down", True)}
    assert [due.name for due in campaigns.firsts(found.due)] == ["killed"]  # they have one channel
    assert [(each.name, each.what) for each in found.problems] == [("failing", "paused itself: 16 % failed")]
    expired = campaigns.look(settings, NOW + timedelta(hours=settings.campaign_expires_hours + 1))
    assert expired.due == ()
    assert {each.name for each in expired.problems} == {"killed", "shut_down", "failing"}


def test_a_start_long_past_is_a_persons_to_decide(home: Path) -> None:
    settings = set_up(home)
    plan(settings, "old", [customer(1)], NOW - timedelta(hours=settings.campaign_expires_hours))
    found = campaigns.look(settings, NOW)
    assert found.due == ()
    assert [(each.name, each.what[:26]) for each in found.problems] == [("old", "did not begin in time and ")]
    assert [each.name for each in campaigns.look(settings, NOW - timedelta(seconds=1)).due] == ["old"]
