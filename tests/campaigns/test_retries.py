"""What failed for a passing reason is tried again, once each, in its time, and nobody who was delivered to is."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from campaign_shop import SECRETS, WABENCH, audience, customer, set_up
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from wabench.campaigns import claims, failures, ledger, passing, plan, retries, runner
from wabench.campaigns.claims import Outcome
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.schema import CampaignState, sends
from wabench.cli import retrying
from wabench.errors import Refused, UsageError, WabenchError
from wabench.providers import _bird_v1, _meta_errors, _twilio_errors, _zenvia_errors
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily
from wabench.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
HOUR, SECOND, TINY = timedelta(hours=1), timedelta(seconds=1), timedelta(microseconds=1)
SALE = ["1=name", "2=literal:SALE"]
SETTLES = timedelta(minutes=15)
TABLE = "create schema raw; create table raw.message_events (callback_data text, event_type text, error_code text,\
 error_family text, occurred_at timestamp, received_at timestamp)"


class Shop:
    """A shop, its ledger, and a warehouse that statuses are put into."""

    def __init__(self, settings: Settings, opened: Ledger) -> None:
        self.settings, self.opened = settings, opened
        self.warehouse = duckdb.connect()
        self.warehouse.execute(TABLE)

    def start(self, name: str, at: datetime = NOW) -> Campaign:
        """Have a planned campaign tested, approved and running."""
        runner.test(self.settings, name, "tester")
        runner.approve(self.settings, name, "maria")
        campaign_id = self.opened.campaign(name).campaign_id
        self.opened.move(campaign_id, CampaignState.RUNNING, "tester", at, started_at=at)
        return self.opened.campaign(name)

    def turn(self, campaign: Campaign, at: datetime = NOW, result: Failed | None = None) -> list[str]:
        """Claim what is due; all of it accepted, or all refused. Gives whom it was sent to."""
        rules = plan.rules_of(self.settings, campaign)
        taken = claims.take_turn(self.opened, campaign, rules, lambda _: {}, [], 100, at)
        told = [Outcome(claim, result or Accepted(f"wamid.{claim.send_id}")) for claim in taken.claims]
        claims.take_turn(self.opened, campaign, rules, lambda _: {}, told, 0, at)
        return sorted(str(claim.message.phone) for claim in taken.claims)

    def finish(self, campaign: Campaign, at: datetime = NOW) -> None:
        self.opened.move(campaign.campaign_id, CampaignState.FINISHED, "tester", at)

    def status(self, campaign: Campaign, customer_id: str, kind: str, at: datetime, code: str | None = None) -> None:
        """Let a status come back."""
        callback = f"wb:{ledger.send_id(campaign.campaign_id, customer_id)}"
        naive = at.replace(tzinfo=None)
        row = [callback, kind, code, str(_meta_errors.family(code)) if code else None, naive, naive]
        self.warehouse.execute("insert into raw.message_events values (?, ?, ?, ?, ?, ?)", row)

    def hear(self, at: datetime) -> int:
        return failures.hear(self.opened, self.warehouse, SETTLES, at)

    def sent(self, name: str, customers: Sequence[dict[str, Any]], home: Path) -> Campaign:
        """Have a campaign sent at NOW, everything accepted."""
        plan.plan(self.settings, name, audience(home, customers, name), "sale", SALE, now=NOW)
        campaign = self.start(name)
        self.turn(campaign)
        self.finish(campaign)
        return self.opened.campaign(name)

    def retry(self, name: str, of: str, at: datetime) -> Campaign:
        return retries.plan(self.settings, name, of, now=at).campaign

    def customers(self, campaign: Campaign) -> dict[str, str]:
        with self.opened.reading() as connection:
            found = select(sends.c.customer_id, sends.c.state).where(sends.c.campaign_id == campaign.campaign_id)
            return {row.customer_id: str(row.state) for row in connection.execute(found)}


@pytest.fixture
def shop(home: Path) -> Iterator[Shop]:
    settings = set_up(home)
    with ledger.opened(settings) as opened:
        yield Shop(settings, opened)


Sent = Callable[..., Campaign]


@pytest.fixture
def sent(shop: Shop, home: Path) -> Sent:
    return lambda count=1, name="spring": shop.sent(name, [customer(n) for n in range(1, count + 1)], home)


@pytest.mark.parametrize(
    ("family", "passes"),
    [("retry", True), ("maybe_sent", False), ("never", False), ("stop_template", False), ("stop_account", False)],
)
def test_a_code_without_a_line_is_what_its_family_is(family: str, passes: bool) -> None:
    assert (passing.read().of("987654321", family).wait is not None) == passes
    assert passing.read().of(None, "nobody's").wait is None


@pytest.mark.parametrize(
    ("code", "reason", "hours"),
    [
        ("131049", "per-user limit", 24), ("63049", "per-user limit", 24), ("130472", "experiment", 168),
        ("131026", "undeliverable", 168), ("131000", "provider trouble", 1), ("131053", "media", 1),
        ("131050", "opted out", None), ("recipient_suppressed", "opted out", None), ("21610", "opted out", None),
        ("63024", "no WhatsApp", None), ("21211", "number invalid", None), ("368", "policy", None),
        ("132001", "template", None), ("131047", "window closed", None), ("131048", "spam limit", 48),
    ],
)  # fmt: skip
def test_each_reason_passes_after_its_wait_or_never(code: str, reason: str, hours: float | None) -> None:
    found = passing.read().of(code, str(_meta_errors.family(code)))
    assert (found.name, found.wait) == (reason, hours and timedelta(hours=hours))
    assert found.after(2) == (hours and timedelta(hours=4 * hours))


def test_every_code_in_the_table_is_a_providers_and_every_family_has_a_line() -> None:
    tables = (_meta_errors.ERRORS, _twilio_errors.ERRORS, _zenvia_errors.ERRORS, _bird_v1.ERRORS)
    known = {str(code) for table in tables for code in table} | {"302", "25", "99", "12001"}
    assert set(passing.read().codes) - known == set()
    assert set(passing.read().families) == set(ErrorFamily)


@pytest.mark.parametrize("row", ["1,retry,x,1,", ",,x,1,", "1,,per-user limit,23.9,", "1,,x,soon,", "1,,x,-1,"])
def test_a_line_that_is_not_like_the_others_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "reasons.csv"
    path.write_text(f"code,family,reason,wait_hours,meaning\n{row}\n", encoding="utf-8")
    with pytest.raises(WabenchError, match="line 2"):
        passing.read(path)


def test_only_those_who_failed_for_a_passing_reason_are_retried_with_what_was_frozen(shop: Shop, sent: Sent) -> None:
    old = sent(5)
    codes = {"c1": "131049", "c2": "131050", "c3": "131000", "c4": None}
    for one, code in codes.items():
        shop.status(old, one, "failed" if code else "delivered", NOW, code)
    shop.hear(NOW + SETTLES)
    again = shop.retry("again", "spring", NOW + 2 * HOUR)
    assert shop.customers(again) == {"c1": "planned", "c3": "planned"}
    assert (again.retry_of, again.template_body, again.holdout_share) == (old.campaign_id, old.template_body, 0)
    with shop.opened.reading() as connection:
        row = connection.execute(select(sends).where(sends.c.send_id == ledger.send_id(again.campaign_id, "c1"))).one()
    assert row.parameters == {"1": "Ana 1", "2": "SALE"}
    assert (row.retries_send_id, row.retry_number) == (ledger.send_id(old.campaign_id, "c1"), 1)


@pytest.mark.parametrize(("after", "count"), [(24 * HOUR - SECOND, 0), (24 * HOUR, 1)])
def test_the_per_user_limit_is_waited_out_to_the_second(shop: Shop, sent: Sent, after: timedelta, count: int) -> None:
    old, failed_at = sent(), NOW + 3 * HOUR
    shop.status(old, "c1", "failed", failed_at, "131049")
    shop.hear(failed_at + SETTLES)
    shop.retry("again", "spring", NOW + 4 * HOUR)
    assert shop.opened.campaign("again").starts_at == failed_at + 24 * HOUR
    assert len(shop.turn(shop.start("again"), failed_at + after)) == count


def test_what_failed_was_no_promotion_and_does_not_suppress_its_own_retry(shop: Shop, sent: Sent) -> None:
    old = sent(2)
    shop.status(old, "c1", "failed", NOW, "131000")
    shop.hear(NOW + SETTLES - SECOND)
    assert retries.failures(shop.settings, old) == []
    assert "c1" in shop.opened.recently_promoted(NOW - HOUR)
    shop.hear(NOW + SETTLES)
    assert shop.opened.recently_promoted(NOW - HOUR) & {"c1", "c2"} == {"c2"}
    shop.retry("again", "spring", NOW + HOUR)
    assert shop.turn(shop.start("again"), NOW + HOUR) == [customer(1)["phone"]]


def test_what_was_refused_at_once_is_retried_and_what_fails_again_waits_twice_as_long(
    shop: Shop, sent: Sent, home: Path
) -> None:
    plan.plan(shop.settings, "spring", audience(home, [customer(1)]), "sale", SALE, now=NOW)
    first = shop.start("spring")
    shop.turn(first, NOW, Failed(ErrorFamily.NEVER, "131049", "healthy ecosystem"))
    shop.finish(first)
    (failure,) = retries.failures(shop.settings, first)
    assert failure.due_at == NOW + 24 * HOUR
    shop.retry("second", "spring", NOW + 24 * HOUR)
    second = shop.start("second")
    shop.turn(second, NOW + 24 * HOUR, Failed(ErrorFamily.NEVER, "131049", ""))
    shop.finish(second)
    (failure,) = retries.failures(shop.settings, second)
    assert failure.due_at == NOW + 24 * HOUR + 48 * HOUR
    shop.retry("third", "second", NOW + 72 * HOUR)
    third = shop.start("third")
    shop.turn(third, NOW + 72 * HOUR, Failed(ErrorFamily.NEVER, "131049", ""))
    shop.finish(third)
    (failure,) = retries.failures(shop.settings, third)
    assert (failure.due_at, failure.why) == (None, retries.OFTEN)
    with pytest.raises(Refused, match="nobody of 'third' failed for a reason that passes"):
        shop.retry("fourth", "third", NOW + 900 * HOUR)


def test_a_delivery_that_is_told_late_wins_before_the_retry_is_planned_and_after(shop: Shop, sent: Sent) -> None:
    old = sent(2)
    for one in ("c1", "c2"):
        shop.status(old, one, "failed", NOW, "131000")
    shop.status(old, "c1", "read", NOW + HOUR)
    shop.hear(NOW + HOUR)
    again = shop.retry("again", "spring", NOW + HOUR)
    assert shop.customers(again) == {"c2": "planned"}
    running = shop.start("again")
    shop.status(old, "c2", "delivered", NOW + HOUR)
    shop.hear(NOW + HOUR)
    assert shop.customers(running) == {"c2": "suppressed"}
    assert shop.turn(running, NOW + HOUR) == []
    assert shop.opened.recently_promoted(NOW - HOUR) >= {"c1", "c2"}


def test_a_first_try_that_was_delivered_after_all_ends_the_retries_of_its_retry(shop: Shop, sent: Sent) -> None:
    old = sent()
    shop.status(old, "c1", "failed", NOW, "131000")
    shop.hear(NOW + HOUR)
    shop.retry("second", "spring", NOW + HOUR)
    second = shop.start("second")
    shop.turn(second, NOW + HOUR)
    shop.finish(second)
    shop.status(second, "c1", "failed", NOW + HOUR, "131000")
    shop.hear(NOW + 2 * HOUR)
    shop.retry("third", "second", NOW + 3 * HOUR)
    shop.status(old, "c1", "delivered", NOW + 3 * HOUR)
    shop.hear(NOW + 3 * HOUR)
    assert shop.customers(shop.opened.campaign("third")) == {"c1": "suppressed"}
    assert retries.failures(shop.settings, second) == []


def test_a_send_is_in_one_retry_until_that_is_cancelled_and_a_replaced_plan_frees_it(shop: Shop, sent: Sent) -> None:
    old = sent()
    shop.status(old, "c1", "failed", NOW, "131000")
    shop.hear(NOW + HOUR)
    shop.retry("again", "spring", NOW + HOUR)
    shop.retry("again", "spring", NOW + HOUR)
    (failure,) = retries.failures(shop.settings, old)
    assert (failure.due_at, failure.why) == (None, "is in again")
    with pytest.raises(Refused, match="nobody of 'spring'"):
        shop.retry("other", "spring", NOW + HOUR)
    runner.cancel(shop.settings, "again", "maria")
    assert shop.customers(shop.retry("other", "spring", NOW + HOUR)) == {"c1": "planned"}


def test_of_two_retries_planned_at_once_by_two_processes_one_wins(shop: Shop, sent: Sent, home: Path) -> None:
    old = sent(20)
    for number in range(1, 21):
        shop.status(old, f"c{number}", "failed", NOW, "131000")
    shop.hear(NOW + HOUR)
    environ = {"WABENCH_HOME": str(home), "PATH": "/usr/bin:/bin", **SECRETS}

    def run(name: str) -> int:
        words = [WABENCH, "campaign", "plan", name, "--retry-of", "spring"]
        return subprocess.run(words, env=environ, capture_output=True, check=False).returncode

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(run, ("one", "two"))) == [0, 3]
    with shop.opened.reading() as connection:
        found = connection.scalars(select(sends.c.retries_send_id).where(sends.c.retries_send_id.is_not(None))).all()
    assert len(found) == len(set(found)) == 20


def test_the_ledger_refuses_a_second_retry_whatever_the_plan_believed(shop: Shop, sent: Sent) -> None:
    old = sent()
    shop.status(old, "c1", "failed", NOW, "131000")
    shop.hear(NOW + HOUR)
    one = shop.retry("one", "spring", NOW + HOUR)
    with shop.opened.reading() as connection:
        rows = [r._asdict() for r in connection.execute(select(sends).where(sends.c.campaign_id == one.campaign_id))]
    with pytest.raises(IntegrityError):
        shop.opened.plan(replace(one, name="two", campaign_id="0" * 12), rows)


def test_what_a_retry_has_is_not_sent_by_its_old_campaign_that_goes_on(shop: Shop, sent: Sent, home: Path) -> None:
    plan.plan(shop.settings, "spring", audience(home, [customer(1)]), "sale", SALE, now=NOW)
    old = shop.start("spring")
    shop.turn(old, NOW, Failed(ErrorFamily.STOP_ACCOUNT, "131042", "payment"))
    runner.cancel(shop.settings, "spring", "maria")
    shop.retry("again", "spring", NOW + HOUR)
    assert shop.opened.retry_stopped(old.campaign_id, "maria", NOW + HOUR) == 0
    runner.cancel(shop.settings, "again", "maria")
    assert shop.opened.retry_stopped(old.campaign_id, "maria", NOW + HOUR) == 1


def test_a_campaign_that_is_not_over_is_not_retried_and_who_waits_longer_is_left_for_later(
    shop: Shop, sent: Sent, home: Path
) -> None:
    plan.plan(shop.settings, "running", audience(home, [customer(9)]), "sale", SALE, now=NOW)
    shop.start("running")
    with pytest.raises(Refused, match="'running' is running"):
        shop.retry("again", "running", NOW)
    old = sent(2)
    shop.status(old, "c1", "failed", NOW, "131026")
    shop.hear(NOW + HOUR)
    with pytest.raises(Refused, match="may be tried again before"):
        shop.retry("again", "spring", NOW + 168 * HOUR - 24 * HOUR - SECOND)
    assert shop.customers(shop.retry("again", "spring", NOW + 168 * HOUR - 24 * HOUR)) == {"c1": "planned"}


def test_whom_chance_held_out_stays_held_out(shop: Shop, home: Path) -> None:
    people = [customer(number) for number in range(40)]
    plan.plan(shop.settings, "spring", audience(home, people), "sale", SALE, now=NOW, holdout=0.5)
    old = shop.start("spring")
    written = shop.turn(old)
    shop.finish(old)
    for number in range(40):
        shop.status(old, f"c{number}", "failed", NOW, "131000")
    shop.hear(NOW + HOUR)
    shop.retry("again", "spring", NOW + HOUR)
    assert 0 < len(written) < 40
    assert shop.turn(shop.start("again"), NOW + HOUR) == written


def test_the_command_lists_who_failed_and_refuses_what_the_old_campaign_decided(shop: Shop, sent: Sent) -> None:
    old = sent()
    shop.status(old, "c1", "failed", NOW, "131049")
    shop.hear(NOW + HOUR)
    (one,) = retries.summed(retries.failures(shop.settings, old))
    assert (one.reason, one.code, one.failed, one.passing) == ("per-user limit", "131049", 1, 1)
    retrying.only("", "", None, None, None, False, False)
    with pytest.raises(UsageError, match="leave --holdout"):
        retrying.only("", "", None, None, 0.0, False, False)


EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["failed", "delivered", "read", "sent"]), st.integers(0, 600),
              st.sampled_from(["131000", "131049", "131050", "131026"])),
    max_size=12,
)  # fmt: skip


@given(events=EVENTS, planned_after=st.integers(0, 100))
@hypothesis_settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_nobody_who_was_delivered_to_is_in_a_retry_whatever_came_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, str, int, str]], planned_after: int
) -> None:
    home = tmp_path_factory.mktemp("shop")
    settings = set_up(home)
    with ledger.opened(settings) as opened:
        shop = Shop(settings, opened)
        old = shop.sent("spring", [customer(number) for number in range(5)], home)
        delivered: set[str] = set()
        again: Campaign | None = None
        for index, (number, kind, minutes, code) in enumerate([*events, (0, "sent", 0, "")]):
            if index == planned_after % (len(events) + 1):
                try:
                    again = shop.retry("again", "spring", NOW + 12 * HOUR)
                except Refused:
                    again = None
            at = NOW + timedelta(minutes=minutes)
            shop.status(old, f"c{number}", kind, at, code if kind == "failed" else None)
            delivered |= {f"c{number}"} if kind in ("delivered", "read") else set()
            shop.hear(NOW + 12 * HOUR)
            waiting = {c for c, state in shop.customers(again).items() if state == "planned"} if again else set()
            assert waiting & delivered == set()
            assert {failure.customer_id for failure in retries.failures(settings, old)} & delivered == set()
