"""Never more than asked in any window, and hardly less."""

from bisect import bisect_left
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench.campaigns.pacing import Pace

RATES = st.one_of(st.floats(0.05, 5), st.integers(1, 1000).map(float))


def leave(pace: Pace, messages: int, lateness: list[float]) -> list[float]:
    """Let messages leave as fast as allowed, by a caller that wakes from each sleep late by the next `lateness`."""
    now, times = 1000.0, []
    for number in range(messages):
        if (wakes_at := pace.next_at(now)) > now:
            now = wakes_at + lateness[number % len(lateness)]
        assert pace.next_at(now) <= now
        pace.left(now)
        times.append(now)
    return times


def most_in_any(times: list[float], window: float) -> int:
    # A hair less than the window: the sums of floats must not count a message that left exactly one window later.
    return max(bisect_left(times, start + window - 1e-6) - index for index, start in enumerate(times))


@given(RATES, st.lists(st.floats(0, 0.2), min_size=1, max_size=50))
def test_never_more_than_asked_in_any_second_however_late_the_caller_wakes(rate: float, lateness: list[float]) -> None:
    window = max(1.0, 1 / rate)
    assert most_in_any(leave(Pace(rate), 300, lateness), window) <= ceil(rate * window - 1e-9)


@given(RATES, st.lists(st.floats(0, 0.01), min_size=1, max_size=50))
def test_a_message_that_is_written_late_counts_from_when_it_was(rate: float, delays: list[float]) -> None:
    pace, now, times = Pace(rate), 1000.0, []
    for number in range(300):
        now = max(now, pace.next_at(now))
        departure = pace.left(now)
        departure.at += delays[number % len(delays)]
        times.append(departure.at)
    window = max(1.0, 1 / rate)
    assert most_in_any(sorted(times), window) <= ceil(rate * window - 1e-9)


@given(RATES)
def test_messages_are_evenly_spaced_with_no_burst_when_the_caller_is_in_time(rate: float) -> None:
    times = leave(Pace(rate), 200, [0.0])
    assert all(later - earlier >= 1 / rate - 1e-6 for earlier, later in pairwise(times))


@given(RATES, st.lists(st.floats(0, 0.002), min_size=1, max_size=50))
def test_at_least_99_percent_of_the_rate_leaves_when_the_caller_is_2_ms_late(
    rate: float, lateness: list[float]
) -> None:
    messages = max(100, round(rate * 5))
    times = leave(Pace(rate), messages, lateness)
    assert (messages - 1) / (times[-1] - times[0]) >= 0.99 * rate


def test_a_pause_is_not_made_up_for_with_a_burst() -> None:
    pace = Pace(10)
    leave(pace, 5, [0.0])
    pace.left(2000.0)
    assert pace.next_at(2000.0) >= 2000.0 + 0.08


def test_a_throttle_halves_the_rate_once_a_second_and_it_comes_back_within_a_minute() -> None:
    pace = Pace(80)
    pace.slow_down(100.0)
    pace.slow_down(100.5)
    assert pace.rate(100.5) == pytest.approx(40, rel=0.01)
    assert pace.rate(130.0) == pytest.approx(60)
    assert pace.rate(160.0) == 80
    assert pace.rate(1e6) == 80


def test_throttles_that_go_on_never_stop_the_sending_altogether() -> None:
    pace = Pace(80)
    for second in range(100):
        pace.slow_down(float(second))
    assert pace.rate(99.0) >= 80 / 64
