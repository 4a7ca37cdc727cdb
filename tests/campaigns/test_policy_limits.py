"""Pressure, closed countries, cold customers, quiet and best hours: each reason, and where it begins or ends."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabench.campaigns.clock import Quiet
from wabench.campaigns.policy import Consent, Facts, Hold, Pressure, Rules, Send, Skip, decide

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY, SECOND = timedelta(hours=24), timedelta(seconds=1)
WEEK, MONTH = 7 * DAY, 30 * DAY
RULES = Rules(
    "marketing", "explicit", DAY, timedelta(seconds=6), pressure=(Pressure(3, WEEK), Pressure(8, MONTH)),
    closed_countries=frozenset({"US"}), quiet=Quiet(time(21), time(9)),
)  # fmt: skip
UTILITY = replace(RULES, category="utility")
ANA = Facts("+5511980000001", None, Consent("opted_in", NOW - DAY), {"1": "Ana"}, country="BR")


def test_the_fourth_promotion_in_7_days_is_one_too_many_until_the_first_is_exactly_7_days_old() -> None:
    three = (NOW - 2 * DAY, NOW - 3 * DAY)
    pressed = replace(ANA, promoted_at=(*three, NOW - WEEK + SECOND))
    assert decide(pressed, RULES, NOW) == Skip("contact pressure")
    assert decide(pressed, UTILITY, NOW) == Send()
    assert decide(replace(ANA, promoted_at=(*three, NOW - WEEK)), RULES, NOW) == Send()


def test_the_ninth_in_30_days_is_one_too_many_until_the_first_is_exactly_30_days_old() -> None:
    seven = tuple(NOW - n * DAY for n in (8, 10, 12, 14, 16, 18, 20))
    assert decide(replace(ANA, promoted_at=(*seven, NOW - MONTH + SECOND)), RULES, NOW) == Skip("contact pressure")
    assert decide(replace(ANA, promoted_at=(*seven, NOW - MONTH)), RULES, NOW) == Send()


@settings(deadline=None)
@given(st.lists(st.integers(0, 40 * 24 * 3600), max_size=12))
def test_nobody_ever_gets_more_than_the_limits_say(seconds_ago: list[int]) -> None:
    """Sent at each of these moments if the policy lets it, no window of any limit holds more than it allows."""
    sent: list[datetime] = []
    for ago in sorted(seconds_ago, reverse=True):
        now = NOW - timedelta(seconds=ago)
        if not isinstance(decide(replace(ANA, promoted_at=sent), replace(RULES, quiet=None), now), Skip):
            sent.append(now)
    for most, window in ((1, DAY), (3, WEEK), (8, MONTH)):
        assert all(sum(at <= other < at + window for other in sent) <= most for at in sent)


def test_no_promotion_goes_to_a_country_where_none_is_delivered() -> None:
    american = replace(ANA, country="US")
    assert decide(american, RULES, NOW) == Skip("marketing not delivered in their country")
    assert decide(american, UTILITY, NOW) == Send()
    assert decide(american, replace(RULES, closed_countries=frozenset()), NOW) == Send()
    assert decide(replace(ANA, country="CA"), RULES, NOW) == decide(replace(ANA, country=None), RULES, NOW) == Send()


def test_who_gave_no_sign_of_life_for_over_90_days_is_cold_if_the_campaign_says_so() -> None:
    rules = replace(RULES, cold_after=90 * DAY)
    seen = replace(ANA, last_interaction_at=NOW - 90 * DAY)
    assert decide(seen, rules, NOW) == Send()
    assert decide(seen, rules, NOW + SECOND) == Skip("cold")
    assert decide(ANA, rules, NOW) == Skip("cold")
    assert decide(ANA, RULES, NOW) == Send()


@pytest.mark.parametrize(
    ("zone", "decision"),
    [
        ("America/Sao_Paulo", Send()),  # 20:59:59
        ("Europe/Berlin", Hold(datetime(2026, 11, 23, 8, tzinfo=UTC), "quiet hours")),  # 00:59:59
    ],
)
def test_of_a_customer_with_phones_in_two_zones_their_own_rows_zone_counts(zone: str, decision: Send | Hold) -> None:
    now = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    assert decide(replace(ANA, zone=ZoneInfo(zone)), RULES, now) == decision
    assert decide(replace(ANA, zone=ZoneInfo(zone)), UTILITY, now) == Send()


def test_the_second_after_midnight_is_as_quiet_as_the_one_before() -> None:
    late = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    until = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert decide(ANA, RULES, late) == decide(ANA, RULES, late + SECOND) == Hold(until, "quiet hours")
    assert decide(ANA, RULES, until - SECOND) == Hold(until, "quiet hours")
    assert decide(ANA, RULES, until) == Send()


def test_who_is_left_out_anyway_is_not_held_and_who_is_held_out_neither() -> None:
    night = datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert decide(replace(ANA, country="US"), RULES, night) == Skip("marketing not delivered in their country")
    assert decide(replace(ANA, is_held_out=True), RULES, night) == Skip("holdout")


def test_each_waits_for_their_best_hour_as_long_as_the_campaign_allows() -> None:
    rules = replace(RULES, best_hour_until=NOW + DAY)
    at = NOW.replace(hour=15)
    ana = replace(ANA, best_hour=15)
    assert decide(ana, rules, NOW) == Hold(at, "waits for their best hour")
    assert decide(ana, rules, at - SECOND) == Hold(at, "waits for their best hour")
    assert decide(ana, rules, at) == decide(ana, rules, at + timedelta(minutes=59)) == Send()
    assert decide(ANA, rules, NOW) == Hold(NOW.replace(hour=20), "waits for their best hour")
    assert decide(ana, RULES, NOW) == Send()
    assert decide(ana, replace(rules, best_hour_until=at + SECOND), NOW) == Hold(at, "waits for their best hour")
    assert decide(ana, replace(rules, best_hour_until=at), NOW) == Send()
