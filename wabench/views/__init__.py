"""What the app's pages show: one aggregated SELECT a view, in the `.sql` file of its name, on one published version."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from wabench.published import Published

WINDOWS = {"7d": 7, "30d": 30, "90d": 90, "365d": 365, "all": 36_500}
"""Trailing windows by their names, in days up to as-of."""


def rows(version: Published, view: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Give a view's rows."""
    found: list[dict[str, Any]] = version.query(_sql(view), params).to_pylist()
    return found


def windowed(version: Published, view: str, days: int, **params: Any) -> list[dict[str, Any]]:
    """Give the rows of a view over the half-open window of `days` that ends at as-of."""
    until = version.as_of
    return rows(version, view, {"since": until - timedelta(days=days), "until": until, **params})


def headline(version: Published, days: int) -> dict[str, Any]:
    """Give orders and revenue of a window beside those of the window before it."""
    before = version.as_of - timedelta(days=2 * days) if days <= WINDOWS["365d"] else None
    return windowed(version, "headline", days, before=before)[0]


def revenue(version: Published, days: int, zone: str) -> list[dict[str, Any]]:
    """Give net revenue over time, by day, week or month of the shop's zone, whichever the window can show."""
    grain = "day" if days <= 30 else "week" if days <= 120 else "month"
    return windowed(version, "revenue", days, grain=grain, zone=zone)


@cache
def _sql(view: str) -> str:
    return (Path(__file__).parent / f"{view}.sql").read_text(encoding="utf-8")
