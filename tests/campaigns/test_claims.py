"""What the ledger decides at the moment of each send: caps, gaps, consent, and who claims what."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import published_shop
import pytest
from campaign_shop import approved, audience, customer, set_up
from sqlalchemy import update

from wabench.campaigns import audience as audiences
from wabench.campaigns import claims, ledger, plan, snapshot
from wabench.campaigns.claims import Claim, Outcome, Turn
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.schema import CampaignState, SendState, sends
from wabench.providers.base import Accepted, Failed, Template
from wabench.providers.errors import ErrorFamily
from wabench.settings import Settings

NOW = datetime.now(UTC) + timedelta(hours=1)
"""Later than any plan these tests make, however long ago they were collected."""
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


@pytest.fixture
def opened(shop: Settings) -> Iterator[Ledger]:
    with ledger.opened(shop) as opened:
        yield opened


@pytest.fixture
def start(shop: Settings, opened: Ledger, home: Path) -> Callable[..., Campaign]:
    def started(name: str, customers: list[dict[str, Any]], template: str = "sale") -> Campaign:
        approved(shop, name, audience(home, customers, name), template)
        campaign = opened.campaign(name)
        opened.move(campaign.campaign_id, CampaignState.RUNNING, "tester", NOW)
        return campaign

    return started


@pytest.fixture
def turn(shop: Settings, opened: Ledger) -> Callable[..., Turn]:
    def take(campaign: Campaign, outcomes: list[Outcome] | None = None, want: int = 10, at: datetime = NOW) -> Turn:
        rules = plan.rules(shop, "meta", campaign.category)
        asked = audiences.consents(shop, campaign)
        return claims.take_turn(
            opened, campaign, rules, asked, outcomes or [], want, max(at, campaign_planned(campaign))
        )

    return take


def campaign_planned(campaign: Campaign) -> datetime:
    assert campaign.planned_at
    return campaign.planned_at


def states(opened: Ledger, campaign: Campaign) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for t in opened.tally(campaign.campaign_id):
        counted[f"{t.state}: {t.reason}" if t.reason else str(t.state)] += t.sends
    return dict(counted)


Start, Take = Callable[..., Campaign], Callable[..., Turn]


def test_a_claim_carries_the_message_as_it_was_planned(start: Start, turn: Take) -> None:
    campaign = start("spring", [customer(1)])
    (claim,) = turn(campaign).claims
    assert claim.attempts == 1
    assert claim.message.phone == "+5511980000001"
    assert isinstance(claim.message.content, Template)
    assert claim.message.content.parameters == {"1": "Ana 1", "2": "SALE"}
    assert not claim.message.content.is_named
    assert claim.message.callback_data == f"wb:{ledger.send_id(campaign.campaign_id, 'c1')}"
    assert not turn(campaign).claims
    assert turn(campaign).next_due_in is None


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"customer_id": "c1", "phone": "+5511980000099"}, "customer"),
        ({"customer_id": "merged"}, "phone"),
        ({"customer_id": "merged", "phone": "", "user_id": "BR.1"}, "user id"),
    ],
)
def test_a_promotion_counts_for_every_identity_of_its_customer(
    start: Start, turn: Take, opened: Ledger, other: dict[str, Any], key: str
) -> None:
    turn(start("spring", [customer(1, user_id="BR.1")]))
    second = start("autumn", [customer(1, **other)])
    assert turn(second).suppressed == 1, key
    assert states(opened, second) == {"suppressed: promotional cap": 1}


@pytest.mark.parametrize(("after", "claimed"), [(DAY - SECOND, 0), (DAY, 1)])
def test_the_cap_across_campaigns_ends_after_exactly_24_hours(
    start: Start, turn: Take, after: timedelta, claimed: int
) -> None:
    first, second = start("spring", [customer(1)]), start("autumn", [customer(1)])
    at = NOW + timedelta(minutes=1)
    (claim,) = turn(first, at=at).claims
    turn(first, [Outcome(claim, Accepted("wamid.1"))], 0, at)
    assert len(turn(second, at=at + after).claims) == claimed


def test_a_message_that_was_refused_does_not_use_up_the_cap(start: Start, turn: Take) -> None:
    first, second = start("spring", [customer(1)]), start("autumn", [customer(1)])
    (claim,) = turn(first).claims
    turn(first, [Outcome(claim, Failed(ErrorFamily.NEVER, "131026", ""))], 0)
    assert len(turn(second).claims) == 1


def test_a_utility_message_is_not_capped_but_keeps_6_seconds_from_the_last(
    start: Start, turn: Take, opened: Ledger
) -> None:
    at = NOW + timedelta(minutes=1)
    turn(start("spring", [customer(1)]), at=at)
    parcel = start("parcel", [customer(1, consent="unknown")], "parcel")
    early = turn(parcel, at=at + 5 * SECOND)
    assert (early.claims, early.next_due_in) == ([], 1.0)
    assert states(opened, parcel) == {"held: too soon after another message": 1}
    assert len(turn(parcel, at=at + 6 * SECOND).claims) == 1


def test_an_opt_out_stated_after_the_plan_is_heeded(start: Start, turn: Take, opened: Ledger) -> None:
    campaign = start("spring", [customer(1), customer(2)])
    opened.state_consent("opted_out", NOW, "STOP", phone="+5511980000002")
    assert [claim.message.phone for claim in turn(campaign).claims] == ["+5511980000001"]
    assert states(opened, campaign)["suppressed: opted out"] == 1


def test_an_opt_out_published_after_the_plan_is_heeded_even_if_the_customer_was_merged(
    start: Start, turn: Take, opened: Ledger, home: Path
) -> None:
    campaign = start("spring", [customer(1), customer(2)])
    merged = {"customer_id": "merged", "phone": "+5511980000002", "consent": "opted_out", "consent_at": NOW}
    published_shop.publish_shop(home, "20261122T120000Z", [published_shop.customer(3) | merged])
    assert len(turn(campaign).claims) == 1
    assert states(opened, campaign)["suppressed: opted out"] == 1


def test_a_published_file_that_knows_less_than_the_plan_takes_no_opt_out_back(
    start: Start, turn: Take, opened: Ledger, home: Path
) -> None:
    """One with an older yes, one without any statement, one that says no without a time after a yes without one."""
    campaign = start("parcel", [customer(1), customer(2), customer(3)], "parcel")
    with opened.writing() as connection:
        for number in (1, 2):
            this = sends.c.phone == customer(number)["phone"]
            connection.execute(update(sends).where(this).values(consent="opted_out", consent_at=NOW))
    older = {"consent": "opted_in", "consent_at": NOW - DAY}
    said = [older, {"consent": "unknown", "consent_at": None}, {"consent": "opted_out", "consent_at": None}]
    people = [
        published_shop.customer(n) | {"customer_id": f"c{n}", "phone": customer(n)["phone"]} | words
        for n, words in enumerate(said, 1)
    ]
    published_shop.publish_shop(home, "20261122T120000Z", people)
    assert turn(campaign).claims == []
    assert states(opened, campaign) == {"suppressed: opted out": 3}


def test_several_processes_claim_each_send_once(start: Start, turn: Take) -> None:
    campaign = start("spring", [customer(number) for number in range(60)])
    with ThreadPoolExecutor(4) as threads:
        turns = list(threads.map(lambda _: turn(campaign, want=5), range(16)))
    claimed = [claim.send_id for each in turns for claim in each.claims]
    assert len(claimed) == len(set(claimed)) == 60


def test_campaigns_at_once_give_a_customer_one_promotion(start: Start, turn: Take) -> None:
    customers = [customer(number) for number in range(30)]
    running = [start(f"campaign {number}", customers) for number in range(3)]
    with ThreadPoolExecutor(3) as threads:
        turns = list(threads.map(lambda number: turn(running[number % 3], want=4), range(60)))
    phones = [claim.message.phone for each in turns for claim in each.claims]
    assert len(phones) == len(set(phones)) == 30


def test_a_stopped_account_pauses_the_campaign_and_a_resume_sends_to_whom_it_turned_away(
    start: Start, turn: Take, opened: Ledger
) -> None:
    campaign = start("spring", [customer(1), customer(2)])
    first, second = turn(campaign).claims
    stop, never = Failed(ErrorFamily.STOP_ACCOUNT, "190", "expired"), Failed(ErrorFamily.NEVER, "131026", "")
    ended = turn(campaign, [Outcome(first, stop), Outcome(second, never)])
    assert (ended.status, ended.claims) == (CampaignState.PAUSED, ())
    assert opened.campaign("spring").reason == "meta answered 190: expired"
    opened.move(campaign.campaign_id, CampaignState.RUNNING, "tester", NOW)
    assert opened.retry_stopped(campaign.campaign_id, "tester", NOW) == 1
    assert [claim.send_id for claim in turn(campaign).claims] == [first.send_id]


@pytest.mark.parametrize("code", ["131050", "21610", "recipient_suppressed"])
def test_a_refusal_that_says_the_person_stopped_us_is_an_opt_out_for_every_campaign(
    start: Start, turn: Take, opened: Ledger, code: str
) -> None:
    campaign = start("spring", [customer(1, user_id="BR.1"), customer(2)])
    first, second = turn(campaign).claims
    refused = Outcome(first, Failed(ErrorFamily.NEVER, code, "stopped"))
    turn(campaign, [refused, Outcome(second, Failed(ErrorFamily.NEVER, "131026", ""))])
    turn(campaign, [refused])
    assert opened.consent_sources("refusal ") == [f"refusal {first.send_id}:{code}"]
    other = start("autumn", [customer(1, customer_id="merged"), customer(2)])
    assert [claim.message.phone for claim in turn(other, at=NOW + DAY).claims] == [second.message.phone]
    assert states(opened, other) == {"claimed": 1, "suppressed: opted out": 1}


@pytest.mark.parametrize(("spends_key", "spent"), [(True, 1), (False, 0)])
def test_a_refusal_that_is_kept_under_its_key_spends_it_and_a_lost_answer_does_not(
    start: Start, turn: Take, opened: Ledger, spends_key: bool, spent: int
) -> None:
    campaign = start("spring", [customer(1)])
    (claim,) = turn(campaign).claims
    assert claim.message.spent_keys == 0
    refused = Failed(ErrorFamily.RETRY, "rate_limited", "", spends_key=spends_key)
    turn(campaign, [Outcome(claim, refused)], 0)
    (again,) = turn(campaign, at=NOW + DAY).claims
    assert again.message.spent_keys == spent
    turn(campaign, [Outcome(again, Failed(ErrorFamily.MAYBE_SENT, "http_502", ""))], 0, NOW + DAY)
    assert opened.retry_unknown(campaign.campaign_id, NOW + 2 * DAY, "tester", NOW + DAY) == 1
    (third,) = turn(campaign, at=NOW + 2 * DAY).claims
    assert third.message.spent_keys == spent


def test_a_claim_that_was_never_called_is_planned_again_and_does_not_count(start: Start, turn: Take) -> None:
    campaign = start("spring", [customer(1)])
    (claim,) = turn(campaign).claims
    again: list[Claim] = list(turn(campaign, [Outcome(claim, None)]).claims)
    assert again == [claim]


def test_a_dead_process_claims_are_unknown_and_never_simply_sent_again(
    start: Start, turn: Take, opened: Ledger
) -> None:
    campaign = start("spring", [customer(1), customer(2)])
    turn(campaign, want=1)
    assert claims.abandon(opened, campaign, NOW) == 1
    assert len(turn(campaign).claims) == 1
    assert states(opened, campaign) == {"claimed": 1, "unknown": 1}


@pytest.mark.parametrize(
    ("result", "state"),
    [
        (Accepted("wamid.1"), "accepted"),
        (Failed(ErrorFamily.NEVER, "131026", ""), "rejected"),
        (Failed(ErrorFamily.RETRY, "130429", ""), "unknown"),
    ],
)
def test_an_answer_to_a_claim_that_was_taken_for_dead_is_kept_when_it_is_definite(
    start: Start, turn: Take, opened: Ledger, result: Accepted | Failed, state: str
) -> None:
    campaign = start("spring", [customer(1)])
    (claim,) = turn(campaign).claims
    claims.abandon(opened, campaign, NOW)
    turn(campaign, [Outcome(claim, result)], 0)
    assert states(opened, campaign) == {state: 1}


def test_a_cancel_suppresses_the_rest_and_what_comes_back_to_be_retried(
    start: Start, turn: Take, opened: Ledger
) -> None:
    campaign = start("spring", [customer(1), customer(2)])
    (claim,) = turn(campaign, want=1).claims
    opened.move(campaign.campaign_id, CampaignState.CANCELLED, "tester", NOW)
    turn(campaign, [Outcome(claim, Failed(ErrorFamily.RETRY, "130429", ""))])
    assert states(opened, campaign) == {"suppressed: campaign cancelled": 2}


def test_every_send_is_a_line_in_the_audit(start: Start, turn: Take, opened: Ledger) -> None:
    campaign = start("spring", [customer(1)])
    (claim,) = turn(campaign).claims
    turn(campaign, [Outcome(claim, Accepted("wamid.1"))])
    lines = [(line["action"], line["actor"], line["detail"]) for line in opened.audit_lines(campaign.campaign_id)]
    assert lines[-1] == ("send accepted", "sender", "wamid.1")
    assert ("approved", "maria", None) in lines


def test_the_snapshot_has_the_warehouses_columns(shop: Settings, start: Start, turn: Take, home: Path) -> None:
    empty = snapshot.copy(set_up(home / "elsewhere")) if (home / "elsewhere").mkdir() is None else {}
    turn(start("spring", [customer(1), customer(2, consent="opted_out")]))
    tables = snapshot.copy(shop)
    raw = (Path(__file__).parents[2] / "ingest" / "raw.sql").read_text(encoding="utf-8")
    for name, table in tables.items():
        definition = raw.split(f"raw.{name} (")[1].split(");")[0]
        columns = [line.split()[0] for line in definition.strip().splitlines()]
        assert table.column_names == columns == empty[name].column_names
        assert table.schema == empty[name].schema
    assert tables["sends"]["state"].to_pylist() == [SendState.CLAIMED, SendState.SUPPRESSED]
