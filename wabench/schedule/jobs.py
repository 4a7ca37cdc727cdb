"""Which job is due, decided from its line, what is past of it, and the time; no I/O.

What was due several times while nobody could run it is made up once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from wabench.schedule import cron

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "refresh": ("refresh",),
    "ingest": ("ingest",),
    "templates": ("template", "sync"),
}
"""The jobs that may be begun anew at any time, and the words after `wabench` that do them."""

LONGEST_WAIT = timedelta(hours=6)


class Outcome(StrEnum):
    """How a run ended; `interrupted` is one whose end nobody saw, `stopped` one that ended with the scheduler."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    OVERTIME = "overtime"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Past:
    """What is past of a job: what its line named up to `since` is done with; `failures` are those in a row."""

    since: datetime
    failures: int = 0
    retry_at: datetime | None = None


def due_at(line: str, past: Past, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Give the moment since which a job is due, None where it is not."""
    moment = next_at(line, past, now, zone)
    return moment if moment <= now else None


def next_at(line: str, past: Past, now: datetime, zone: ZoneInfo) -> datetime:
    """Give the moment at which a job is next due; a clock that was put back does not make it wait for what was."""
    named = cron.next_after(line, min(past.since, now), zone)
    return min(named, past.retry_at) if past.retry_at else named


def begun(past: Past, now: datetime) -> Past:
    """Give the past of a job that begins now."""
    return replace(past, since=now, retry_at=None)


def ended(past: Past, outcome: Outcome, now: datetime, first_wait: timedelta) -> Past:
    """Give the past of a job that ended; what failed is tried again after waits that grow.

    What was cut off through no fault of its own is made up at once, but for one that is cut off again and again.
    """
    if outcome is Outcome.DONE:
        return Past(past.since)
    if outcome is Outcome.STOPPED:
        return replace(past, retry_at=now)
    is_first_cut = outcome is Outcome.INTERRUPTED and not past.failures
    wait = timedelta(0) if is_first_cut else waiting(past.failures + 1, first_wait)
    return replace(past, failures=past.failures + 1, retry_at=now + wait)


def waiting(failures: int, first: timedelta) -> timedelta:
    """Give how long to wait after so many failures in a row."""
    doubled = min(failures - 1, 20)  # further on it is the longest in any case
    return min(first * float(2**doubled), max(LONGEST_WAIT, first))
