"""What may start, and what is refused before anybody is written to."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from campaign_shop import approved, audience, customer, set_up

from wabench import locks, refresh, sandbox
from wabench.campaigns import alone, claims, ledger, plan, runner
from wabench.campaigns.schema import CampaignState, SendState
from wabench.errors import Busy, Refused, UsageError, WabenchError
from wabench.settings import Settings, load

SALE = ["1=name", "2=literal:SALE"]
HOW = {"settle": lambda: 0, "on_turn": lambda counts: None}
run = partial(runner.run, actor="tester", **HOW)
resume = partial(runner.resume, actor="tester", **HOW)


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


@pytest.fixture
def spring(shop: Settings, home: Path) -> Settings:
    """A shop with one campaign, planned for one customer."""
    plan.plan(shop, "spring", audience(home, [customer(1)]), "sale", SALE)
    return shop


def put(shop: Settings, *states: CampaignState) -> None:
    with ledger.opened(shop) as opened:
        for state in states:
            opened.move(opened.campaign("spring").campaign_id, state, "tester", datetime.now(UTC))


def lose_claims(shop: Settings) -> None:
    """Claim what is planned, die, and be found dead."""
    claim_and_die(shop)
    with ledger.opened(shop) as opened:
        claims.abandon(opened, opened.campaign("spring"), datetime.now(UTC))


def claim_and_die(shop: Settings) -> None:
    with ledger.opened(shop) as opened:
        campaign, now = opened.campaign("spring"), datetime.now(UTC)
        rules = plan.rules(shop, "meta", "marketing")
        claims.take_turn(opened, campaign, rules, lambda rows: {}, [], 10, now)


def test_a_campaign_is_run_only_when_tested_and_approved(spring: Settings) -> None:
    with pytest.raises(Refused, match="not tested"):
        run(spring, "spring")
    with pytest.raises(Refused, match="can't become approved"):
        runner.approve(spring, "spring", "maria")
    assert runner.test(spring, "spring", "tester") == 1
    with pytest.raises(Refused, match="not approved"):
        run(spring, "spring")
    runner.approve(spring, "spring", "maria")
    with ledger.opened(spring) as opened:
        campaign = opened.campaign("spring")
    assert (campaign.status, campaign.approved_by) == (CampaignState.APPROVED, "maria")


def test_a_plan_made_while_the_one_before_was_tested_is_not_tested(
    spring: Settings, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = audience(home, [customer(1), customer(2, name="A" * 2000)], "two")
    check = sandbox.check

    def replan_first(*asked: Any) -> str | None:
        monkeypatch.undo()
        plan.plan(spring, "spring", two, "sale", SALE)
        return check(*asked)

    monkeypatch.setattr(sandbox, "check", replan_first)  # at the first message
    with pytest.raises(Refused, match="planned again"):
        runner.test(spring, "spring", "tester")
    with ledger.opened(spring) as opened:
        assert opened.campaign("spring").status is CampaignState.PLANNED


def test_only_the_plan_that_was_read_is_approved(spring: Settings, home: Path) -> None:
    with ledger.opened(spring) as opened:
        read = opened.campaign("spring")
        plan.plan(spring, "spring", audience(home, [customer(2)]), "sale", SALE)
        runner.test(spring, "spring", "tester")
        approved_state, now = CampaignState.APPROVED, datetime.now(UTC)
        with pytest.raises(Refused, match="planned again"):
            opened.move(read.campaign_id, approved_state, "maria", now, as_planned=read.planned_at)


def test_a_campaign_with_nobody_to_send_to_is_not_tested(shop: Settings, home: Path) -> None:
    plan.plan(shop, "spring", audience(home, [customer(1, phone="")]), "sale", SALE)
    with pytest.raises(Refused, match="nobody"):
        runner.test(shop, "spring", "tester")


def test_the_test_finds_what_the_provider_would_refuse(shop: Settings, home: Path) -> None:
    plan.plan(shop, "spring", audience(home, [customer(1, name="A" * 2000)]), "sale", SALE)
    with pytest.raises(WabenchError, match="customer c1: 132018"):
        runner.test(shop, "spring", "tester")


@pytest.mark.parametrize("address", ["https://graph.facebook.com/v26.0", "http://10.0.0.1:8500", ""])
def test_a_real_provider_needs_live(home: Path, address: str) -> None:
    shop = set_up(home, address)
    approved(shop, "spring", audience(home, [customer(1)]))
    with pytest.raises(Refused, match="--live"):
        run(shop, "spring")


def test_a_missing_token_is_named(home: Path) -> None:
    shop = set_up(home)
    approved(shop, "spring", audience(home, [customer(1)]))
    bare = load({"WABENCH_HOME": str(home)})
    with pytest.raises(UsageError, match="WABENCH_META_TOKEN"):
        run(bare, "spring")


@pytest.mark.parametrize("kind", ["campaign", "channel"])
def test_a_second_process_is_told_who_sends(shop: Settings, home: Path, kind: str) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    with ledger.opened(shop) as opened:
        campaign = opened.campaign("spring")
    name = campaign.campaign_id if kind == "campaign" else f"meta-{campaign.channel_id}"
    lock = shop.paths.data / "locks" / f"{kind}-{name}.lock"
    with locks.held(lock, "campaign spring"), pytest.raises(Busy, match="campaign spring"):
        run(shop, "spring")


def test_a_paused_campaign_is_resumed_not_run_and_a_cancelled_one_neither(shop: Settings, home: Path) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    put(shop, CampaignState.RUNNING)
    runner.pause(shop, "spring", "maria")
    with pytest.raises(Refused, match="paused by maria"):
        run(shop, "spring")
    runner.cancel(shop, "spring", "maria")
    for start in (run, resume):
        with pytest.raises(Refused, match="cancelled"):
            start(shop, "spring")
    with ledger.opened(shop) as opened:
        (tally,) = opened.tally(opened.campaign("spring").campaign_id)
    assert (tally.state, tally.reason) == (SendState.SUPPRESSED, "campaign cancelled")


def test_a_resume_with_a_larger_budget_is_audited_and_a_campaign_that_never_ran_gets_none(
    shop: Settings, home: Path
) -> None:
    plan.plan(shop, "spring", audience(home, [customer(1)]), "sale", SALE, budget=0.01)
    runner.test(shop, "spring", "tester")
    runner.approve(shop, "spring", "maria")
    ended = run(shop, "spring")
    assert (ended.campaign.status, ended.calls.total()) == (CampaignState.PAUSED, 0)
    assert ended.campaign.reason is not None
    assert "budget of 0.01 is used up" in ended.campaign.reason
    ended = resume(shop, "spring", budget=0.02)
    assert (ended.campaign.status, ended.campaign.budget) == (CampaignState.PAUSED, 0.02)
    with ledger.opened(shop) as opened:
        assert ("budget", "0.02") in {
            (line["action"], line["detail"]) for line in opened.audit_lines(ended.campaign.campaign_id)
        }
    plan.plan(shop, "free", audience(home, [customer(2)]), "sale", SALE)
    with pytest.raises(Refused, match="only one that was running"):
        resume(shop, "free", budget=1)


def test_a_template_no_longer_approved_is_refused_and_nobody_is_suppressed(shop: Settings, home: Path) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    toml = home / "wabench.toml"
    toml.write_text(toml.read_text().replace("[templates.sale]", '[templates.sale]\nstatus = "paused"'))
    with pytest.raises(Refused, match="is paused"):
        run(set_up_again(home), "spring")


def set_up_again(home: Path) -> Settings:
    return load({"WABENCH_HOME": str(home), "WABENCH_META_TOKEN": "test-token"})


def test_a_finished_campaign_sends_nothing_when_run_or_resumed_again(shop: Settings, home: Path) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    put(shop, CampaignState.RUNNING, CampaignState.FINISHED)
    for start in (run, resume):
        done = start(shop, "spring")
        assert (done.campaign.status, done.calls.total()) == (CampaignState.FINISHED, 0)


def test_a_finished_campaign_is_not_run_for_real_as_if_it_were_sent(shop: Settings, home: Path) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    put(shop, CampaignState.RUNNING, CampaignState.FINISHED)
    with pytest.raises(Refused, match=r"finished, in a rehearsal or for real.* another name"):
        run(shop, "spring", live=True)


def test_unknown_sends_wait_for_their_statuses_before_a_person_may_send_them_again(shop: Settings, home: Path) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    put(shop, CampaignState.RUNNING)
    lose_claims(shop)
    put(shop, CampaignState.FINISHED)
    with pytest.raises(Refused, match="1 sends are unknown, but may still be settled until"):
        resume(shop, "spring", retry_unknown=True)
    with ledger.opened(shop) as opened:
        campaign_id = opened.campaign("spring").campaign_id
        later = datetime.now(UTC) + timedelta(minutes=60)
        assert len(opened.unsettled(campaign_id, later - timedelta(minutes=59))) == 1
        assert opened.retry_unknown(campaign_id, later, "maria", later) == 1
        assert [(line["action"], line["actor"]) for line in opened.audit_lines(campaign_id)][-1] == (
            "retry unknown",
            "maria",
        )


def test_unknown_sends_are_not_sent_again_while_a_refresh_keeps_their_statuses_from_being_read(
    shop: Settings, home: Path
) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    put(shop, CampaignState.RUNNING)
    lose_claims(shop)
    put(shop, CampaignState.PAUSED)
    eager = shop.model_copy(update={"unknown_wait_minutes": 0})
    settle = partial(refresh.settle, eager)
    with locks.held(shop.paths.warehouse_lock, "refresh"):
        with pytest.raises(Refused, match=r"may have been delivered.*refresh"):
            resume(eager, "spring", retry_unknown=True, settle=settle)
        assert state(shop) is SendState.UNKNOWN
        done = resume(eager, "spring", settle=settle)
    assert done.late is not None
    assert (done.campaign.status, done.calls.total()) == (CampaignState.FINISHED, 0)


def state(shop: Settings) -> SendState:
    with ledger.opened(shop) as opened:
        (tally,) = opened.tally(opened.campaign("spring").campaign_id)
    return tally.state


@pytest.mark.parametrize("way", ["cancel", "settle"])
def test_what_a_killed_sender_had_claimed_is_unknown_and_listed_also_without_a_run(
    shop: Settings, home: Path, way: str
) -> None:
    approved(shop, "spring", audience(home, [customer(1)]))
    put(shop, CampaignState.RUNNING)
    claim_and_die(shop)
    with ledger.opened(shop) as opened:
        campaign = opened.campaign("spring")
        with alone.held(shop, opened, campaign, alone.campaign_lock(campaign)):
            refresh.settle(shop)
            assert state(shop) is SendState.CLAIMED, "its sender is alive"
    runner.cancel(shop, "spring", "maria") if way == "cancel" else refresh.settle(shop)
    assert state(shop) is SendState.UNKNOWN
    with ledger.opened(shop) as opened:
        assert len(opened.unsettled(campaign.campaign_id, datetime.now(UTC))) == 1
