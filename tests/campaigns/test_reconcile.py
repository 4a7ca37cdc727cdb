"""What comes back settles what is unknown, in any order and however often."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from campaign_shop import approved, audience, customer, set_up
from sqlalchemy import select

from wabench.campaigns import claims, ledger, plan, reconcile, snapshot
from wabench.campaigns.reconcile import StatusSeen
from wabench.campaigns.schema import CampaignState, SendState, sends
from wabench.settings import Settings


@pytest.fixture
def shop(home: Path) -> Settings:
    """A shop whose one send is unknown: its process died."""
    shop = set_up(home)
    approved(shop, "spring", audience(home, [customer(1)]))
    now = datetime.now(UTC)
    with ledger.opened(shop) as opened:
        campaign = opened.campaign("spring")
        opened.move(campaign.campaign_id, CampaignState.RUNNING, "tester", now)
        rules = plan.rules(shop, "meta", "marketing")
        claims.take_turn(opened, campaign, rules, lambda rows: {}, [], 1, now)
        claims.abandon(opened, campaign, now)
    return shop


def settle(shop: Settings, *statuses: str) -> SendState:
    (callback,) = reconcile.unsettled(shop)
    seen = [StatusSeen(callback, status, "wamid.1", "131026" if status == "failed" else None) for status in statuses]
    reconcile.settle(shop, [*seen, StatusSeen("another system's", "read"), StatusSeen("wb:gone", "read")])
    with ledger.opened(shop) as opened:
        (tally,) = opened.tally(opened.campaign("spring").campaign_id)
    return tally.state


@pytest.mark.parametrize("status", ["sent", "delivered", "read"])
def test_a_status_that_says_it_was_taken_makes_it_accepted(shop: Settings, status: str) -> None:
    assert settle(shop, status) is SendState.ACCEPTED
    assert reconcile.unsettled(shop) == []


def test_failed_alone_makes_it_rejected_with_its_code(shop: Settings) -> None:
    assert settle(shop, "failed") is SendState.REJECTED
    with ledger.opened(shop) as opened:
        (tally,) = opened.tally(opened.campaign("spring").campaign_id)
    assert tally.error_code == "131026"


@pytest.mark.parametrize(("status", "spent"), [("failed", 1), ("sent", 0)])
def test_what_failed_is_kept_under_its_key_so_that_trying_again_needs_another(
    shop: Settings, status: str, spent: int
) -> None:
    settle(shop, status)
    with ledger.opened(shop) as opened, opened.reading() as connection:
        assert connection.scalars(select(sends.c.spent_keys)).all() == [spent]


def test_failed_after_sent_was_taken_whatever_the_order(shop: Settings) -> None:
    assert settle(shop, "failed", "sent") is SendState.ACCEPTED


def test_other_events_settle_nothing(shop: Settings) -> None:
    assert settle(shop, "clicked", "unknown") is SendState.UNKNOWN


def test_the_message_id_comes_with_it_and_stands_in_the_audit(shop: Settings) -> None:
    settle(shop, "delivered")
    assert snapshot.copy(shop)["sends"]["message_id"].to_pylist() == ["wamid.1"]
    with ledger.opened(shop) as opened:
        last = opened.audit_lines(opened.campaign("spring").campaign_id)[-1]
    assert (last["actor"], last["action"], last["detail"]) == ("reconcile", "settled accepted", "wamid.1")


def test_who_only_reads_the_ledger_does_not_wait_for_who_writes(shop: Settings) -> None:
    with ledger.opened(shop) as opened, opened.writing(), ledger.opened(shop) as reader:
        assert reader.campaign("spring").status is CampaignState.RUNNING
