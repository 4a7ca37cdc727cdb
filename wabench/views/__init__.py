"""What the app's pages show: one aggregated SELECT a view, in the `.sql` file of its name, on one published version."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from wabench import ltv_tables
from wabench.published import Published

WINDOWS = {"7d": 7, "30d": 30, "90d": 90, "365d": 365, "all": 36_500}
"""Trailing windows by their names, in days up to as-of."""


INTERVAL_Z = 1.96
"""How many standard errors an interval spans each way: 95 %, as `interval_z` in `dbt_project.yml`."""


def rows(version: Published, view: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Give a view's rows."""
    found: list[dict[str, Any]] = version.query(sql(view), params).to_pylist()
    return found


def window(version: Published, days: int) -> dict[str, datetime]:
    """Give the half-open window of `days` that ends at as-of, as views name it."""
    return {"since": version.as_of - timedelta(days=days), "until": version.as_of}


def windowed(version: Published, view: str, days: int, **params: Any) -> list[dict[str, Any]]:
    """Give the rows of a view over the window of `days` that ends at as-of."""
    return rows(version, view, {**window(version, days), **params})


def with_ranges(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add to rows of summed values the 80 % range, `low` to `high`, of what each set of customers will bring."""
    ranged = []
    for row in found:
        low, high = ltv_tables.range_of_sum(float(row["expected"]), row["variance"], row["shared_sd"])
        ranged.append({**row, "low": low, "high": high})
    return ranged


def headline_window(version: Published, days: int) -> dict[str, datetime | None]:
    """Give a window and where the one before it begins; None where the shop is too young to have one."""
    before = version.as_of - timedelta(days=2 * days) if days <= WINDOWS["365d"] else None
    return {**window(version, days), "before": before}


def grain(days: int) -> str:
    """Tell by what a chart over so many days counts: day, week or month, whichever it can show."""
    return "day" if days <= 30 else "week" if days <= 120 else "month"


def period(version: Published, begun: datetime, grain: str, zone: ZoneInfo, days: int) -> dict[str, datetime]:
    """Give the part of a window that one of its days, weeks or months covers; `begun` is in the shop's zone."""
    ended = _NEXT[grain](begun)
    limits = window(version, days)
    since, until = (_utc(moment, zone) for moment in (begun, ended))
    return {"since": max(since, limits["since"]), "until": min(until, limits["until"])}


def next_month(day: date) -> datetime:
    """Give the beginning of the month after a day's."""
    return datetime(day.year + day.month // 12, day.month % 12 + 1, 1)  # noqa: DTZ001  # in the zone of the day


_NEXT: Mapping[str, Callable[[datetime], datetime]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": next_month,
}


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


@cache
def sql(view: str) -> str:
    """Give a view's statement."""
    return (Path(__file__).parent / f"{view}.sql").read_text(encoding="utf-8")
