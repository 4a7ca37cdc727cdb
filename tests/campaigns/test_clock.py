"""Quiet hours and best hours on the customer's own clock, on the days it is changed too."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabench.campaigns.clock import Quiet, best_hours, next_of, zone

NIGHT = Quiet(time(21), time(9))
BERLIN, SAO_PAULO, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Sao_Paulo"), ZoneInfo("America/New_York")
ZONES = st.sampled_from(
    [ZoneInfo(name) for name in (
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo",
        "America/Santiago", "Pacific/Apia",
    )]
)  # fmt: skip
MOMENTS = st.integers(1_704_000_000, 1_830_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
CLOCKS = st.times()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # mypy takes parts for the zone


@pytest.mark.parametrize(
    ("local", "until"),
    [
        ("2026-11-22 20:59:59", None),
        ("2026-11-22 21:00:00", "2026-11-23 09:00:00"),
        ("2026-11-22 23:59:59", "2026-11-23 09:00:00"),
        ("2026-11-23 00:00:00", "2026-11-23 09:00:00"),
        ("2026-11-23 08:59:59", "2026-11-23 09:00:00"),
        ("2026-11-23 09:00:00", None),
    ],
)
def test_the_night_is_from_9_to_9_and_its_end_is_out(local: str, until: str | None) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=SAO_PAULO)
    expected = datetime.fromisoformat(until).replace(tzinfo=SAO_PAULO) if until else None
    assert NIGHT.ends(now, SAO_PAULO) == expected


def test_a_span_within_a_day_is_quiet_in_it_alone() -> None:
    lunch = Quiet(time(12), time(14))
    assert lunch.ends(utc(2026, 6, 1, 11, 59, 59), ZoneInfo("UTC")) is None
    assert lunch.ends(utc(2026, 6, 1, 12), ZoneInfo("UTC")) == utc(2026, 6, 1, 14)
    assert lunch.ends(utc(2026, 6, 1, 14), ZoneInfo("UTC")) is None


def test_equal_ends_are_no_quiet_hours() -> None:
    assert not Quiet(time(9), time(9)).has(time(9))


def test_a_night_on_which_the_clock_changes_ends_at_9_of_the_new_time() -> None:
    assert NIGHT.ends(utc(2026, 3, 28, 22), BERLIN) == utc(2026, 3, 29, 7)  # 9:00 CEST, 8:00 in winter time
    assert NIGHT.ends(utc(2026, 10, 24, 22), BERLIN) == utc(2026, 10, 25, 8)  # 9:00 CET


def test_an_end_that_the_clock_skips_comes_after_the_gap_and_one_that_comes_twice_ends_twice() -> None:
    short = Quiet(time(23), time(2, 30))
    assert short.ends(utc(2026, 3, 8, 5), NEW_YORK) == utc(2026, 3, 8, 7, 30)  # 2:30 EST is 3:30 EDT
    assert short.ends(utc(2026, 11, 1, 5), ZoneInfo("America/New_York")) == utc(2026, 11, 1, 7, 30)
    early = Quiet(time(23), time(1, 30))
    assert early.ends(utc(2026, 11, 1, 5), NEW_YORK) == utc(2026, 11, 1, 5, 30)  # 1:30 EDT
    assert early.ends(utc(2026, 11, 1, 5, 30), NEW_YORK) is None
    assert early.ends(utc(2026, 11, 1, 6), NEW_YORK) == utc(2026, 11, 1, 6, 30)  # 1:30 EST


@settings(deadline=None)
@given(MOMENTS, ZONES, CLOCKS, CLOCKS)
def test_it_is_quiet_exactly_when_the_clock_says_so_and_always_ends_later_within_a_day(
    now: datetime, local: ZoneInfo, start: time, end: time
) -> None:
    quiet = Quiet(start, end)
    until = quiet.ends(now, local)
    assert (until is not None) == quiet.has(now.astimezone(local).time())
    if until is not None:
        assert now < until <= now + timedelta(hours=26)


@settings(deadline=None)
@given(MOMENTS, ZONES, st.sets(st.integers(0, 23), max_size=3))
def test_the_next_best_hour_is_one_of_them_and_none_is_passed_over(
    now: datetime, local: ZoneInfo, hours: set[int]
) -> None:
    at = next_of(hours, now, local)
    if at is None:
        assert not hours or now.astimezone(local).hour in hours
        return
    assert now < at and at.astimezone(local).hour in hours
    between = (now + timedelta(minutes=15 * n) for n in range(300))
    assert all(t.astimezone(local).hour not in hours for t in between if t < at)


def test_a_customers_hour_is_theirs_unless_it_is_quiet_and_the_peaks_are_cut_by_the_night() -> None:
    assert best_hours(13, NIGHT) == (13,)
    assert best_hours(None, None) == (10, 11, 20, 21)
    assert best_hours(None, NIGHT) == best_hours(22, NIGHT) == (10, 11, 20)
    assert best_hours(3, Quiet(time(0, 30), time(0))) == ()


def test_an_hour_that_lasts_still_is_now_and_one_that_is_over_is_tomorrow() -> None:
    assert next_of((10,), utc(2026, 6, 1, 10, 59, 59), ZoneInfo("UTC")) is None
    assert next_of((10,), utc(2026, 6, 1, 11), ZoneInfo("UTC")) == utc(2026, 6, 2, 10)
    assert next_of((2,), utc(2026, 3, 29, 0), BERLIN) == utc(2026, 3, 30, 0)  # skipped on that day


@pytest.mark.parametrize("name", [None, "", "Mars/Olympus", "../etc/passwd", "Europe"])
def test_a_zone_nobody_knows_is_the_shops(name: str | None) -> None:
    assert zone(name, BERLIN) is BERLIN
    assert zone("America/Sao_Paulo", BERLIN) == SAO_PAULO
