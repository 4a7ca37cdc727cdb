"""Figures as people read them: each share with what it is a share of, each time with its zone."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

Amount: TypeAlias = int | float | Decimal

NONE = "–"
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


def number(value: Amount | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def money(amount: Amount | None, currency: str) -> str:
    """Write an amount with its currency; cents only where they can matter."""
    if amount is None:
        return NONE
    return f"{currency} {amount:,.2f}" if abs(float(amount)) < 1000 else f"{currency} {amount:,.0f}"


def percent(part: Amount | None, whole: Amount | None) -> str:
    """Write a share; a dash where there is nothing to divide by."""
    return NONE if not whole or part is None else f"{float(part) / float(whole):.1%}"


def change(now: Amount | None, before: Amount | None) -> str | None:
    """Write how much more or less it is than before; None where there was nothing before."""
    if now is None or before is None or float(before) <= 0:
        return None
    return f"{float(now) / float(before) - 1:+.1%}"


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """Write a naive UTC time in the shop's zone, named."""
    if at is None:
        return NONE
    local = at.replace(tzinfo=UTC).astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M} {_zone(local)}"


def day(at: datetime | None, zone: ZoneInfo) -> str:
    """Write the day of a naive UTC time in the shop's zone."""
    if at is None:
        return NONE
    local = at.replace(tzinfo=UTC).astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def ago(at: datetime | None, now: datetime) -> str:
    """Write how long ago a naive UTC time was, in its largest unit."""
    if at is None:
        return "never"
    passed = max(now - at, timedelta(0))
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{passed.seconds // 60} min ago"
    if passed < timedelta(days=2):
        return f"{passed // timedelta(hours=1)} h ago"
    return f"{passed.days} days ago"


def verbatim(text: str) -> str:
    """Escape what a page would read as Markdown: a name is shown as it is written, and loads no picture."""
    return _MARKUP.sub(r"\\\1", text)


def _zone(local: datetime) -> str:
    """Name the zone as people call it; many zones have no name but their offset."""
    name = local.tzname() or ""
    if name.isalpha():
        return name
    sign, hours, minutes = name[0].replace("-", "−"), int(name[1:3]), name[3:]
    return f"UTC{sign}{hours}" + (f":{minutes}" if minutes else "")
