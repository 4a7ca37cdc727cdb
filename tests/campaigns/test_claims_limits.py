"""What the claim itself keeps to, by the ledger: pressure, countries, the cold, the night, the best hour."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import published_shop
import pytest
from campaign_shop import audience, customer, set_up

from wabench.campaigns import claims, ledger, plan, runner
from wabench.campaigns.claims import Outcome, Turn
from wabench.campaigns.clock import Quiet
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.policy import Rules, within_budget, within_limit
from wabench.campaigns.schema import CampaignState
from wabench.errors import Refused, UsageError
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily
from wabench.replies import claims as replying
from wabench.replies.claims import Draft
from wabench.replies.policy import Limits
from wabench.settings import Settings

NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=2)
DAY, SECOND = timedelta(hours=24), timedelta(seconds=1)
SALE = ["1=name", "2=literal:SALE"]


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home, promo_per_7_days="2")


@pytest.fixture
def opened(shop: Settings) -> Iterator[Ledger]:
    with ledger.opened(shop) as opened:
        yield opened


@pytest.fixture
def start(shop: Settings, opened: Ledger, home: Path) -> Callable[..., Campaign]:
    def started(name: str, customers: list[dict[str, Any]], **options: float) -> Campaign:
        plan.plan(shop, name, audience(home, customers, name), "sale", SALE, **options)  # type: ignore[arg-type]
        runner.test(shop, name, "tester")
        runner.approve(shop, name, "maria")
        opened.move(opened.campaign(name).campaign_id, CampaignState.RUNNING, "tester", NOW, started_at=NOW)
        return opened.campaign(name)

    return started


@pytest.fixture
def turn(shop: Settings, opened: Ledger) -> Callable[..., Turn]:
    def take(campaign: Campaign, at: datetime = NOW, want: int = 10, **rules: Any) -> Turn:
        held_to: Rules = replace(plan.rules_of(shop, campaign), **rules)
        taken = claims.take_turn(opened, campaign, held_to, lambda _: {}, [], want, at)
        told = [Outcome(claim, Accepted(f"wamid.{claim.send_id}")) for claim in taken.claims]
        claims.take_turn(opened, campaign, held_to, lambda _: {}, told, 0, at)
        return taken

    return take


Start, Take = Callable[..., Campaign], Callable[..., Turn]


def states(opened: Ledger, campaign: Campaign) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for t in opened.tally(campaign.campaign_id):
        counted[f"{t.state}: {t.reason}" if t.reason else str(t.state)] += t.sends
    return dict(counted)


@pytest.mark.parametrize(("after", "claimed"), [(7 * DAY - SECOND, 0), (7 * DAY, 1)])
def test_the_third_promotion_in_7_days_is_too_many_whichever_identity_got_the_others(
    start: Start, turn: Take, opened: Ledger, after: timedelta, claimed: int
) -> None:
    ana = customer(1, user_id="BR.1")
    turn(start("one", [ana]))
    turn(start("two", [customer(1, customer_id="merged", phone="+5511980000099", user_id="BR.1")]), NOW + 2 * DAY)
    third = start("three", [ana])
    assert len(turn(third, NOW + after).claims) == claimed
    assert claimed or states(opened, third) == {"suppressed: contact pressure": 1}


def test_campaigns_at_once_keep_to_the_pressure_together(start: Start, turn: Take) -> None:
    customers = [customer(number) for number in range(12)]
    turn(start("before", customers), want=12)
    running = [start(f"campaign {number}", customers) for number in range(3)]
    with ThreadPoolExecutor(3) as threads:
        at = NOW + 2 * DAY
        turns = list(threads.map(lambda n: turn(running[n % 3], at, 4, promo_cap=SECOND), range(30)))
    phones = [claim.message.phone for each in turns for claim in each.claims]
    assert len(phones) == len(set(phones)) == 12


@pytest.mark.parametrize("same", ["customer_id", "phone", "user_id"])
def test_a_reply_that_was_just_sent_holds_a_campaign_as_another_message_does(
    start: Start, turn: Take, opened: Ledger, same: str
) -> None:
    ana = customer(1, user_id="BR.1")
    campaign = start("spring", [ana])
    other = {"customer_id": "c9", "phone": "+5511980000099", "user_id": "BR.9"}
    draft = Draft(
        key="one", provider="meta", channel_id="1", written_by="person", author="maria", text="Yes",
        last_inbound_at=NOW, **other | {same: ana[same]},
    )  # fmt: skip
    assert replying.claim(opened, draft, Limits(timedelta(seconds=6)), NOW).is_ours
    assert not turn(campaign, NOW + 6 * SECOND - timedelta(microseconds=1)).claims
    assert states(opened, campaign) == {"held: too soon after another message": 1}
    assert len(turn(campaign, NOW + 6 * SECOND).claims) == 1


def test_an_american_phone_gets_no_marketing_and_a_canadian_does(start: Start, opened: Ledger) -> None:
    people = [customer(1, phone="+12125550100"), customer(2, phone="+14165550100"),
              customer(3, phone="", user_id="US.7")]  # fmt: skip
    campaign = start("spring", people)
    assert states(opened, campaign) == {"planned": 1, "suppressed: marketing not delivered in their country": 2}


def test_the_cold_are_left_out_where_the_plan_says_so_and_who_grew_cold_since_at_the_claim(
    start: Start, turn: Take, opened: Ledger
) -> None:
    warm, old = NOW - 90 * DAY, datetime.now(UTC) - 91 * DAY
    people = [customer(n, last_interaction_at=at) for n, at in ((1, warm.isoformat()), (2, old.isoformat()), (3, ""))]
    all_of_them, campaign = start("all", people), start("spring", people, skips_cold=True)
    assert states(opened, all_of_them) == {"planned": 3}
    assert states(opened, campaign) == {"planned": 1, "suppressed: cold": 2}
    assert turn(campaign, NOW + SECOND).claims == []
    assert states(opened, campaign) == {"suppressed: cold": 3}


def test_who_is_cold_can_only_be_told_of_customers_whose_life_is_known(start: Start) -> None:
    with pytest.raises(UsageError, match="last_interaction_at"):
        start("spring", [customer(1)], skips_cold=True)


def test_at_night_each_is_held_until_their_own_morning_and_then_sent(start: Start, turn: Take, opened: Ledger) -> None:
    zones = {1: "America/Sao_Paulo", 2: "Asia/Tokyo", 3: "Mars/Olympus"}
    campaign = start("spring", [customer(n, local_timezone=zone) for n, zone in zones.items()])
    night = {"quiet": Quiet(time(21), time(9))}
    noon = turn(campaign, **night)  # 9:00 in São Paulo, 21:00 in Tokyo
    assert [claim.message.phone for claim in noon.claims] == [customer(1)["phone"], customer(3)["phone"]]
    assert states(opened, campaign) == {"accepted": 2, "held: quiet hours": 1}
    morning = NOW + timedelta(hours=12)
    assert not turn(campaign, morning - SECOND, **night).claims
    assert len(turn(campaign, morning, **night).claims) == 1


def test_a_turn_looks_past_those_whose_night_it_is(start: Start, turn: Take, opened: Ledger) -> None:
    asleep = [customer(n, local_timezone="Asia/Tokyo") for n in range(70)]
    campaign = start("spring", [*asleep, customer(99)])
    taken = turn(campaign, want=1, quiet=Quiet(time(21), time(9)))
    assert [claim.message.phone for claim in taken.claims] == [customer(99)["phone"]]
    assert states(opened, campaign) == {"accepted": 1, "held: quiet hours": 70}


def test_each_gets_it_at_their_own_best_hour_where_enough_is_known_of_them(
    start: Start, turn: Take, opened: Ledger
) -> None:
    people = [customer(1, best_hour=15, best_hour_messages=5), customer(2, best_hour=15, best_hour_messages=4)]
    campaign = start("spring", people, at_best_hour=True)
    waits = {"best_hour_until": NOW + DAY}
    assert turn(campaign, **waits).claims == []
    assert states(opened, campaign) == {"held: waits for their best hour": 2}
    sent = {hour: turn(campaign, NOW.replace(hour=hour), **waits).claims for hour in (14, 15, 16, 19, 20)}
    assert {hour: len(found) for hour, found in sent.items()} == {14: 0, 15: 1, 16: 0, 19: 0, 20: 1}
    assert sent[15][0].message.phone == people[0]["phone"]


def test_a_rehearsal_wakes_nobody_and_waits_for_nobody(shop: Settings, start: Start) -> None:
    campaign = start("spring", [customer(1)], at_best_hour=True)
    assert (plan.rules_of(shop, campaign).quiet, plan.rules_of(shop, campaign).best_hour_until) == (None, None)


def test_a_real_provider_keeps_the_night_and_the_best_hour(shop: Settings, start: Start, home: Path) -> None:
    campaign = start("spring", [customer(1)], at_best_hour=True)
    live = plan.rules_of(set_up(home, "https://graph.facebook.com/v26.0"), campaign)
    assert (live.quiet, live.best_hour_until) == (Quiet(time(21), time(9)), NOW + DAY)
    none = plan.rules_of(set_up(home, "https://graph.facebook.com", quiet_from="09:00"), campaign)
    assert none.quiet is None


def test_a_budget_pauses_the_campaign_before_it_costs_more_and_more_money_goes_on(
    start: Start, turn: Take, opened: Ledger
) -> None:
    campaign = start("spring", [customer(number) for number in range(5)], budget=0.19)  # three to Brazil are 0.1875
    assert len(turn(campaign, want=2).claims) == 2
    last = turn(campaign, want=2)
    assert (len(last.claims), last.status) == (1, CampaignState.RUNNING)
    ended = turn(campaign)
    assert (len(ended.claims), ended.status) == (0, CampaignState.PAUSED)
    paused = opened.campaign("spring")
    assert paused.reason == "the budget of 0.19 is used up: its messages cost 0.19 by the price book"
    opened.set_budget(paused, 0.3125, "maria", NOW)
    opened.move(paused.campaign_id, CampaignState.RUNNING, "maria", NOW)
    assert len(turn(opened.campaign("spring")).claims) == 2
    assert states(opened, paused) == {"accepted": 5}


def test_what_was_refused_costs_nothing(start: Start, shop: Settings, opened: Ledger) -> None:
    campaign = start("spring", [customer(1), customer(2)], budget=0.0625)
    rules = plan.rules_of(shop, campaign)
    (claim,) = claims.take_turn(opened, campaign, rules, lambda _: {}, [], 1, NOW).claims
    refused = Outcome(claim, Failed(ErrorFamily.NEVER, "131026", ""))
    assert len(claims.take_turn(opened, campaign, rules, lambda _: {}, [refused], 1, NOW).claims) == 1


def test_campaigns_senders_at_once_keep_to_one_budget(start: Start, turn: Take) -> None:
    campaign = start("spring", [customer(number) for number in range(20)], budget=10 * 0.0625)
    with ThreadPoolExecutor(4) as threads:
        turns = list(threads.map(lambda _: turn(campaign, want=3), range(16)))
    assert sum(len(each.claims) for each in turns) == 10


def test_a_budget_needs_a_price_for_everybody_and_one_can_only_be_raised_where_there_is_one(
    start: Start, opened: Ledger, shop: Settings, home: Path
) -> None:
    free = start("free", [customer(1)])
    with pytest.raises(Refused, match="without a budget"):
        opened.set_budget(free, 1, "maria", NOW)
    old = audience(home, [customer(1)], "old")
    with pytest.raises(UsageError, match=r"no price of meta for marketing to BR"):
        plan.plan(shop, "old", old, "sale", SALE, now=datetime(2020, 1, 1, tzinfo=UTC), budget=1)


@pytest.mark.parametrize(("left", "count"), [(0.0624, 0), (0.0625, 1), (0.1874, 2), (0.1875, 3), (9, 3), (-1, 0)])
def test_a_budget_is_used_to_the_cent(left: float, count: int) -> None:
    assert within_budget([0.0625] * 3, left) == count


def test_whom_the_providers_tier_has_no_place_for_is_held_until_exactly_24_hours_after_the_first(
    start: Start, turn: Take, opened: Ledger
) -> None:
    turn(start("before", [customer(1), customer(2)]), NOW, people_a_day=3)
    campaign = start("spring", [customer(2), customer(3), customer(4)])
    later = NOW + timedelta(hours=12)
    limited = {"people_a_day": 3, "promo_cap": SECOND}
    sent = turn(campaign, later, **limited).claims
    assert [claim.message.phone for claim in sent] == [customer(2)["phone"], customer(3)["phone"]]
    assert states(opened, campaign) == {"accepted": 2, "held: the provider's limit of people a day": 1}
    assert not turn(campaign, NOW + DAY - SECOND, **limited).claims
    assert len(turn(campaign, NOW + DAY, **limited).claims) == 1


def test_campaigns_at_once_keep_to_the_tier_together(start: Start, turn: Take) -> None:
    running = [start(f"campaign {n}", [customer(10 * n + k) for k in range(10)]) for n in range(3)]
    with ThreadPoolExecutor(3) as threads:
        turns = list(threads.map(lambda n: turn(running[n % 3], want=3, people_a_day=17), range(24)))
    assert sum(len(each.claims) for each in turns) == 17


def test_who_was_written_to_today_takes_no_second_place() -> None:
    assert within_limit(["a", "b", "a", "c"], ["z", "a"], 3) == [True, True, True, False]
    assert within_limit(["a"], [], 0) == [False]


def test_the_tier_is_what_the_last_refresh_knows_and_holds_nobody_in_a_rehearsal(
    shop: Settings, start: Start, home: Path
) -> None:
    campaign, live = start("spring", [customer(1)]), set_up(home, "https://graph.facebook.com")
    assert plan.rules_of(live, campaign).people_a_day is None
    published_shop.publish_shop(home, "20261122T120000Z", [published_shop.customer(1)])
    assert plan.rules_of(live, campaign).people_a_day == 2000
    assert plan.rules_of(shop, campaign).people_a_day is None


def test_a_ledger_of_an_older_version_gets_the_columns_and_the_index(shop: Settings, start: Start) -> None:
    start("spring", [customer(1)])
    with closing(sqlite3.connect(shop.paths.ledger, isolation_level=None)) as old:
        old.execute("drop index sends_by_claim")
        for column in ("price", "timezone", "best_hour", "last_interaction_at"):
            old.execute(f"alter table sends drop column {column}")
        old.execute("alter table campaigns drop column budget")
    with ledger.opened(shop) as reopened, reopened.reading() as connection:
        found = connection.exec_driver_sql(
            "select count(*) from pragma_index_list('sends') where name='sends_by_claim'"
        )
        assert found.scalar() == 1
        assert reopened.campaign("spring").budget is None
