"""What the app's pages show: one aggregated SELECT a view, in the `.sql` file of its name, on one published version."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from wabench.published import Published

WINDOWS = {"7d": 7, "30d": 30, "90d": 90, "365d": 365, "all": 36_500}
"""Trailing windows by their names, in days up to as-of."""


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


def headline_window(version: Published, days: int) -> dict[str, datetime | None]:
    """Give a window and where the one before it begins; None where the shop is too young to have one."""
    before = version.as_of - timedelta(days=2 * days) if days <= WINDOWS["365d"] else None
    return {**window(version, days), "before": before}


def headline(version: Published, days: int) -> dict[str, Any]:
    """Give orders and revenue of a window beside those of the window before it."""
    return rows(version, "headline", headline_window(version, days))[0]


def grain(days: int) -> str:
    """Tell by what a chart over so many days counts: day, week or month, whichever it can show."""
    return "day" if days <= 30 else "week" if days <= 120 else "month"


def revenue(version: Published, days: int, zone: str) -> list[dict[str, Any]]:
    """Give net revenue over time, by day, week or month of the shop's zone."""
    return windowed(version, "revenue", days, grain=grain(days), zone=zone)


def period(version: Published, begun: datetime, grain: str, zone: ZoneInfo, days: int) -> dict[str, datetime]:
    """Give the part of a window that one of its days, weeks or months covers; `begun` is in the shop's zone."""
    ended = _NEXT[grain](begun)
    limits = window(version, days)
    since, until = (_utc(moment, zone) for moment in (begun, ended))
    return {"since": max(since, limits["since"]), "until": min(until, limits["until"])}


def _next_month(day: datetime) -> datetime:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


_NEXT: Mapping[str, Callable[[datetime], datetime]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": _next_month,
}


def _utc(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


@cache
def sql(view: str) -> str:
    """Give a view's statement."""
    return (Path(__file__).parent / f"{view}.sql").read_text(encoding="utf-8")
