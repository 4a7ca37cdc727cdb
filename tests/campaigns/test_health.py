"""A campaign that pauses itself: where its failures or its answers begin to be too many or too few."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from campaign_shop import approved, audience, customer, set_up
from duckdb import DuckDBPyConnection
from sqlalchemy import update

from wabench.campaigns import health, ledger
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.policy import Tolerance
from wabench.campaigns.schema import CampaignState, SendState, sends
from wabench.settings import Settings

NOW = datetime.now(UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def test_15_of_100_is_borne_and_16_are_too_many_but_of_fewer_than_50_nothing_is_said() -> None:
    assert Tolerance().failing(15, 100) is None
    assert Tolerance().failing(16, 100) == "16 of 100 messages failed, more than 15%"
    assert Tolerance().failing(49, 49) is None
    assert Tolerance().failing(50, 50) is not None
    assert Tolerance(failure_share=1).failing(50, 50) is None


def test_5_replies_of_100_are_enough_and_4_are_not_but_of_fewer_nothing_is_said() -> None:
    assert Tolerance().unanswered(5, 100) is None
    assert Tolerance().unanswered(4, 100) == "4 of 100 replied after a day, fewer than 5%"
    assert Tolerance().unanswered(0, 99) is None
    assert Tolerance(reply_share=0).unanswered(0, 100) is None


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home, failure_messages="10", reply_messages="10")


@pytest.fixture
def opened(shop: Settings) -> Iterator[Ledger]:
    with ledger.opened(shop) as opened:
        yield opened


@pytest.fixture
def campaign(shop: Settings, opened: Ledger, home: Path) -> Campaign:
    approved(shop, "spring", audience(home, [customer(number) for number in range(20)]))
    started(opened, NOW)
    return opened.campaign("spring")


@pytest.fixture
def warehouse() -> Iterator[DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema marts")
        connection.execute(
            "create table raw.message_events (callback_data text, event_type text, received_at timestamp)"
        )
        yield connection


def started(opened: Ledger, at: datetime) -> None:
    campaign_id = opened.campaign("spring").campaign_id
    opened.move(campaign_id, CampaignState.RUNNING, "tester", at, started_at=at)


def sent(opened: Ledger, campaign: Campaign, numbers: range, state: SendState, at: datetime) -> None:
    ids = [ledger.send_id(campaign.campaign_id, f"c{number}") for number in numbers]
    with opened.writing() as connection:
        connection.execute(update(sends).where(sends.c.send_id.in_(ids)).values(state=state, claimed_at=at))


def told(
    warehouse: DuckDBPyConnection, campaign: Campaign, number: int, *events: str, at: datetime = NOW + SECOND
) -> None:
    data = "wb:" + ledger.send_id(campaign.campaign_id, f"c{number}")
    for event in events:
        warehouse.execute("insert into raw.message_events values (?, ?, ?)", [data, event, at.replace(tzinfo=None)])


def test_what_failed_by_a_status_counts_beside_what_was_refused_unless_it_was_delivered_too(
    shop: Settings, opened: Ledger, campaign: Campaign, warehouse: DuckDBPyConnection
) -> None:
    sent(opened, campaign, range(9), SendState.ACCEPTED, NOW + SECOND)
    sent(opened, campaign, range(9, 10), SendState.REJECTED, NOW + SECOND)
    told(warehouse, campaign, 0, "sent", "failed", "delivered")
    assert health.pause_unwell(shop, opened, warehouse, NOW + HOUR) == []
    told(warehouse, campaign, 1, "sent", "failed")
    assert health.pause_unwell(shop, opened, warehouse, NOW + HOUR) == ["spring"]
    assert opened.campaign("spring").status is CampaignState.PAUSED
    assert opened.campaign("spring").reason == "2 of 10 messages failed, more than 15%"


def test_who_goes_on_is_judged_by_what_was_sent_since(
    shop: Settings, opened: Ledger, campaign: Campaign, warehouse: DuckDBPyConnection
) -> None:
    sent(opened, campaign, range(10), SendState.REJECTED, NOW + SECOND)
    assert health.pause_unwell(shop, opened, warehouse, NOW + HOUR) == ["spring"]
    started(opened, NOW + 2 * HOUR)
    assert health.pause_unwell(shop, opened, warehouse, NOW + 3 * HOUR) == []
    sent(opened, campaign, range(10, 20), SendState.REJECTED, NOW + 2 * HOUR)
    assert health.pause_unwell(shop, opened, warehouse, NOW + 3 * HOUR) == ["spring"]


def test_too_few_replies_pause_it_once_and_only_after_24_hours(
    shop: Settings, opened: Ledger, campaign: Campaign, warehouse: DuckDBPyConnection
) -> None:
    day = NOW + 24 * HOUR
    assert health.pause_unwell(shop, opened, warehouse, day) == []  # nothing was built yet
    warehouse.execute(
        "create table marts.fct_campaigns as select $id as campaign_id, 0 as replied, 10 as customers_delivered",
        {"id": campaign.campaign_id},
    )
    assert health.pause_unwell(shop, opened, warehouse, day - SECOND) == []
    assert health.pause_unwell(shop, opened, warehouse, day) == ["spring"]
    assert opened.campaign("spring").reason == "too few answer: 0 of 10 replied after a day, fewer than 5%"
    opened.move(campaign.campaign_id, CampaignState.RUNNING, "tester", day)
    assert health.pause_unwell(shop, opened, warehouse, day + HOUR) == []
