"""A start: read in the shop's zone, kept by the run, and over some time after."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from campaign_shop import audience, customer, set_up

from wabench.campaigns import ledger, plan, runner, schedule
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.schema import CampaignState, sends
from wabench.errors import Refused, UsageError
from wabench.settings import Settings

SALE = ["1=name", "2=literal:SALE"]
START = datetime(2026, 12, 1, 13, tzinfo=UTC)
SECOND = timedelta(seconds=1)
run = partial(runner.run, actor="tester", settle=lambda: 0, on_turn=lambda counts: None)


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home, timezone="America/Sao_Paulo")


def planned(shop: Settings, home: Path, starts_at: datetime, now: datetime) -> Campaign:
    segment = audience(home, [customer(1)])
    return plan.plan(shop, "spring", segment, "sale", SALE, now=now, starts_at=starts_at).campaign


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01 10:00", START),
        (" 2026-12-01T10:00 ", START),
        ("2026-12-01 10:00+00:00", START - timedelta(hours=3)),
        ("2026-12-01", START - timedelta(hours=10)),
    ],
)
def test_a_start_is_of_the_shops_zone_where_it_names_none(shop: Settings, text: str, moment: datetime) -> None:
    assert schedule.read(shop, text) == moment


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01 10:00", ""])
def test_what_is_no_time_is_told_how_to_write_one(shop: Settings, text: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        schedule.read(shop, text)


def test_the_plan_keeps_the_start_and_its_sends_are_due_then(shop: Settings, home: Path) -> None:
    campaign = planned(shop, home, START, START - timedelta(days=5))
    assert campaign.starts_at == START
    with ledger.opened(shop) as opened, opened.reading() as connection:
        assert connection.execute(sends.select()).one().due_at == START


def test_a_start_that_is_over_is_refused(shop: Settings, home: Path) -> None:
    with pytest.raises(Refused, match=r"2026-12-01 10:00 -03 is over"):
        planned(shop, home, START, START + SECOND)
    assert planned(shop, home, START, START).starts_at == START


def test_a_campaign_begins_from_its_start_until_it_expires(shop: Settings, home: Path) -> None:
    campaign = planned(shop, home, START, START - timedelta(days=5))
    with pytest.raises(Refused, match=r"starts at 2026-12-01 10:00 -03"):
        schedule.must_be_due(shop, campaign, START - SECOND)
    schedule.must_be_due(shop, campaign, START)
    schedule.must_be_due(shop, campaign, START + timedelta(hours=24) - SECOND)
    with pytest.raises(Refused, match=r"expired at 2026-12-02 10:00 -03.*another name"):
        schedule.must_be_due(shop, campaign, START + timedelta(hours=24))
    patient = shop.model_copy(update={"campaign_expires_hours": 48})
    schedule.must_be_due(patient, campaign, START + timedelta(hours=24))


@pytest.mark.parametrize(("starts_in", "says"), [(timedelta(hours=2), "starts at"), (timedelta(hours=-30), "expired")])
def test_a_run_before_the_start_or_long_after_sends_nothing(
    shop: Settings, home: Path, starts_in: timedelta, says: str
) -> None:
    start = datetime.now(UTC) + starts_in
    planned(shop, home, start, start - timedelta(days=5))
    runner.test(shop, "spring", "tester")
    runner.approve(shop, "spring", "maria")
    with pytest.raises(Refused, match=says):
        run(shop, "spring")
    with ledger.opened(shop) as opened:
        assert opened.campaign("spring").status is CampaignState.APPROVED
