"""Cron lines by the shop's clock, its changes included: Debian's cron is what they mean."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = 5
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def checked(line: str) -> str:
    """Give a line back if it is one; raises ValueError that says what is wrong with it."""
    try:
        is_one = len(line.split()) == _FIELDS and next(CronSim(line, _ANY_DAY), None) is not None
        why = "it never comes" if len(line.split()) == _FIELDS else f"it has not {_FIELDS} fields"
    except CronSimError as error:
        is_one, why = False, str(error)
    if not is_one:
        raise ValueError(f"{line!r} is no cron line ({why}); write minute hour day month weekday, like '*/30 * * * *'")
    return line


@lru_cache(maxsize=256)
def next_after(line: str, moment: datetime, zone: ZoneInfo) -> datetime:
    """Give the next moment a line names, in UTC and always later than `moment`.

    An hour that the clock skips comes as soon as it has; one that comes twice counts once for a line that names an
    hour, and both times for one that names every hour.
    """
    found = (each.astimezone(UTC) for each in CronSim(line, moment.astimezone(zone)))
    return next(each for each in found if each > moment)  # an hour named twice may be told as the first, which is over
