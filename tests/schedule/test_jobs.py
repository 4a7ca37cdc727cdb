"""When jobs are due, by a clock that is turned by hand: daylight saving, downtime, failures, never twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wabench.errors import UsageError
from wabench.schedule import cron, jobs
from wabench.schedule.jobs import Outcome, Past
from wabench.settings import load

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("line", "after", "first", "second"),
    [
        ("0 3 * * *", "2026-03-28 03:00", "2026-03-29 03:00", "2026-03-30 03:00"),
        ("30 2 * * *", "2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"),  # the clock skips 2:30
        ("30 2 * * *", "2026-10-24 02:30", "2026-10-25 02:30", "2026-10-26 02:30"),  # and has it twice here
        ("*/30 * * * *", "2026-03-29 01:30", "2026-03-29 03:00", "2026-03-29 03:30"),
        ("0 9 * * 1-5", "2026-11-27 09:00", "2026-11-30 09:00", "2026-12-01 09:00"),
    ],
)
def test_a_line_is_read_by_the_shops_clock_and_its_changes(line: str, after: str, first: str, second: str) -> None:
    found = cron.next_after(line, berlin(after), BERLIN)
    assert found == berlin(first)
    assert cron.next_after(line, found, BERLIN) == berlin(second)


def test_a_line_of_every_hour_comes_in_both_hours_that_the_clock_has_twice() -> None:
    moment, found = berlin("2026-10-25 01:30"), []
    for _ in range(4):
        moment = cron.next_after("*/30 * * * *", moment, BERLIN)
        found.append(moment)
    assert found == [berlin("2026-10-25 02:00", fold) + wait for fold in (0, 1) for wait in (0 * MINUTE, 30 * MINUTE)]


@given(
    st.sampled_from([berlin("2026-03-27 00:00"), berlin("2026-10-23 00:00")]),
    st.timedeltas(timedelta(0), timedelta(days=4)),
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from(["{m} {h} * * *", "{m} * * * *", "*/7 {h} * * *", "{m} */2 * * *"]),
)
def test_what_comes_next_is_always_later_and_by_the_clock_of_the_line(
    day: datetime, later: timedelta, minute: int, hour: int, form: str
) -> None:
    line, before = form.format(m=minute, h=hour), day + later
    found = cron.next_after(line, before, BERLIN)
    assert before < found <= before + timedelta(days=1, hours=2)
    assert found.second == found.microsecond == 0
    is_after_a_gap = found.astimezone(BERLIN).isoformat().startswith("2026-03-29T03:")
    if "{h} *" in form and not is_after_a_gap:
        assert found.astimezone(BERLIN).hour == hour


def plain_firings(every: int, start: datetime, end: datetime) -> list[datetime]:
    """Count `*/every * * * *` without the library: in UTC its minutes are those of the clock."""
    minutes = (start + n * MINUTE for n in range(1, int((end - start) / MINUTE) + 1))
    return [each for each in minutes if each.minute % every == 0]


@settings(max_examples=60)
@given(
    every=st.sampled_from([5, 10, 30]),
    downs=st.lists(st.tuples(st.integers(0, 480), st.integers(1, 90)), max_size=4),
    durations=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    outcomes=st.lists(st.sampled_from([Outcome.DONE, Outcome.DONE, Outcome.FAILED]), min_size=1, max_size=6),
)
def test_what_is_named_is_run_once_however_long_runs_last_and_whenever_nobody_was_there(
    every: int, downs: list[tuple[int, int]], durations: list[int], outcomes: list[Outcome]
) -> None:
    """A day of minutes: the scheduler is off now and then, a kill cuts off what runs, runs fail."""
    start = datetime(2026, 11, 26, tzinfo=UTC)
    line, past, left, runs, retries, idle_since = f"*/{every} * * * *", Past(start), 0, [], 0, start
    for n in range(1, 600):
        now = start + n * MINUTE
        if any(first <= n < first + long for first, long in downs):
            if left:
                past, left = jobs.ended(past, Outcome.INTERRUPTED, now, FIRST), 0
            continue
        if left:
            left -= 1
            if not left:
                past = jobs.ended(past, outcomes[len(runs) % len(outcomes)], now, FIRST)
            continue
        due = jobs.due_at(line, past, now, BERLIN)
        named = plain_firings(every, past.since, now)
        assert (due is not None) == bool(named or (past.retry_at and past.retry_at <= now))
        if due is None:
            continue
        assert due <= now
        retries += not named
        past, left = jobs.begun(past, now), durations[len(runs) % len(durations)]
        assert jobs.due_at(line, past, now, BERLIN) is None  # made up once, however much was missed
        runs.append(now)
        idle_since = now
    assert len(runs) - retries <= len(plain_firings(every, start, start + 600 * MINUTE))
    assert len(set(runs)) == len(runs)
    assert idle_since > start


def test_a_failure_is_tried_again_after_waits_that_double_and_a_success_ends_that() -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    past, waits = Past(now), []
    for _ in range(9):
        past = jobs.ended(jobs.begun(past, now), Outcome.FAILED, now, FIRST)
        assert past.retry_at is not None
        waits.append((past.retry_at - now) / MINUTE)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 360, 360]
    assert jobs.ended(past, Outcome.DONE, now, FIRST) == Past(now)


def test_what_was_cut_off_is_made_up_at_once_but_not_for_ever() -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    first = jobs.ended(Past(now), Outcome.INTERRUPTED, now, FIRST)
    assert jobs.due_at("0 3 * * *", first, now, BERLIN) == now
    again = jobs.ended(jobs.begun(first, now), Outcome.INTERRUPTED, now, FIRST)
    assert again.retry_at == now + 2 * FIRST
    assert jobs.ended(Past(now), Outcome.STOPPED, now, FIRST) == Past(now, 0, now)


def test_a_clock_that_is_put_back_makes_nothing_wait_for_the_time_that_was() -> None:
    ahead = datetime(2027, 11, 26, tzinfo=UTC)
    now = datetime(2026, 11, 26, 12, 10, tzinfo=UTC)
    assert jobs.next_at("*/30 * * * *", Past(ahead), now, BERLIN) == datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("* * * *", "it has not 5 fields"),
        ("* * * * * *", "it has not 5 fields"),
        ("61 * * * *", "Bad minute"),
        ("0 0 31 2 *", "Bad day-of-month"),
        ("daily", "it has not 5 fields"),
    ],
)
def test_a_line_that_is_none_is_one_clear_error(home: Path, line: str, why: str) -> None:
    (home / "wabench.toml").write_text(f'[schedule]\nrefresh = "{line}"\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load({"WABENCH_HOME": str(home)})
    told = str(caught.value)
    assert "schedule.refresh" in told
    assert why in told
    assert "\n" not in told
