"""Business hours as a shop writes them: `mon-fri 09:00-18:00, sat 10:00-14:00`, each day in the shop's own zone."""

import re
from dataclasses import dataclass
from datetime import datetime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES = 24 * 60
_PART = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? ([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
_EXAMPLE = "write them like mon-fri 09:00-18:00, sat 10:00-14:00, or always"


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When somebody is at work: half-open spans of minutes, counted from midnight of their day of the week."""

    spans: frozenset[tuple[int, int, int]]
    """(day, from, to); Monday is 0. A span over midnight is two."""

    def is_open(self, local: datetime) -> bool:
        """Tell whether a local time is within them; the minute they end is out."""
        day, minute = local.weekday(), local.hour * 60 + local.minute
        return any(d == day and start <= minute < end for d, start, end in self.spans)


def parse(text: str) -> BusinessHours:
    """Read business hours; `always` is around the clock. Raises ValueError with how to write them."""
    words = " ".join(text.casefold().split())
    if words == "always":
        return BusinessHours(frozenset((day, 0, MINUTES) for day in range(7)))
    spans: set[tuple[int, int, int]] = set()
    for part in filter(None, (each.strip() for each in words.split(","))):
        spans |= _spans(part)
    if not spans:
        raise ValueError(f"no hours in {text!r}; {_EXAMPLE}")
    return BusinessHours(frozenset(spans))


def _spans(part: str) -> set[tuple[int, int, int]]:
    found = _PART.fullmatch(part)
    if not found or found[1] not in DAYS or (found[2] or found[1]) not in DAYS:
        raise ValueError(f"{part!r} is no business hours; {_EXAMPLE}")
    start, end = int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])
    if start >= MINUTES or end > MINUTES or start == end or max(int(found[4]), int(found[6])) > 59:
        raise ValueError(f"{part!r}: hours go from 00:00 to 24:00 and end after they begin; {_EXAMPLE}")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    days = [day % 7 for day in range(first, last + 1 if first <= last else last + 8)]
    if start < end:
        return {(day, start, end) for day in days}
    return {span for day in days for span in ((day, start, MINUTES), ((day + 1) % 7, 0, end)) if span[1] < span[2]}
