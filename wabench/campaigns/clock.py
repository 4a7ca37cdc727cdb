"""The customer's own clock, its changes included: when nobody is written to, at which hours somebody likes it best."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PEAK_HOURS = (10, 11, 20, 21)
"""When the trade is answered most: 10-12 and 20-22; for who has shown no hours of their own."""

_STEP = timedelta(minutes=15)  # the offset of every zone in use is a multiple of it
_LONGEST_DAY = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Quiet:
    """A span of each day, by the customer's clock: from `start` on, and until `end`, which is out; equal: none."""

    start: time
    end: time

    def has(self, local: time) -> bool:
        """Tell whether a local time is in it."""
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def ends(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Give the moment it ends, None where it is not quiet now; an end that the clock skips is as much later."""
        local = now.astimezone(zone)
        if not self.has(local.time()):
            return None
        day = local.date() + timedelta(days=local.time() >= self.end)
        ends = (datetime.combine(day, self.end.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
        return next(end for end in ends if end > now)  # an end that comes twice: after the first one it is quiet again


def best_hours(own: int | None, quiet: Quiet | None) -> tuple[int, ...]:
    """Choose the hours for somebody: their own where they have one that is not quiet, else those peaks that are not."""
    hours = PEAK_HOURS if own is None or (quiet and quiet.has(time(own))) else (own,)
    return tuple(hour for hour in hours if not (quiet and quiet.has(time(hour))))


def next_of(hours: Collection[int], now: datetime, zone: ZoneInfo) -> datetime | None:
    """Give the next moment at which one of some local hours begins; None where it is one of them now, or there is none.

    An hour that the clock skips today comes tomorrow.
    """
    if not hours or now.astimezone(zone).hour in hours:
        return None
    moment = datetime.fromtimestamp(now.timestamp() // _STEP.total_seconds() * _STEP.total_seconds(), UTC)
    until = now + 2 * _LONGEST_DAY
    while (moment := moment + _STEP) < until:
        if moment.astimezone(zone).hour in hours:
            return moment
    return None


@lru_cache(maxsize=1024)
def zone(name: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    """Find a zone by its name, as a customer's row or a file has it; `otherwise` where there is none of that name."""
    try:
        return ZoneInfo(name) if name else otherwise
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return otherwise
