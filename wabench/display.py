"""Figures as people of each language read them: each share with what it is a share of, each time with its zone."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta, get_day_names
from babel.numbers import format_compact_decimal, format_decimal, format_percent

Amount: TypeAlias = int | float | Decimal

NONE = "–"
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")
_DAY, _MOMENT = "d MMM y", "d MMM y, HH:mm"


def number(value: Amount | None, locale: str = "en", digits: int = 0) -> str:
    return NONE if value is None else format_decimal(value, _pattern(digits), locale)


def compact(value: Amount | None, locale: str = "en") -> str:
    """Write a number in as few characters as tell its size: 7.5, 740, 1.2K, 3.4M."""
    if value is None:
        return NONE
    size = abs(float(value))
    if size < 1000:
        return str(format_decimal(value, "#,##0" if size >= 100 else "#,##0.#", locale))
    return str(format_compact_decimal(value, locale=locale, fraction_digits=1))


def money(amount: Amount | None, currency: str, locale: str = "en") -> str:
    """Write an amount with its currency; cents only where they can matter."""
    if amount is None:
        return NONE
    return _with_currency(number(amount, locale, 2 if abs(float(amount)) < 1000 else 0), currency, locale)


def fine(amount: Amount | None, currency: str, locale: str = "en") -> str:
    """Write what one message costs, to hundredths of a cent."""
    return NONE if amount is None else _with_currency(number(amount, locale, 4), currency, locale)


def percent(part: Amount | None, whole: Amount | None, locale: str = "en") -> str:
    """Write a share; a dash where there is nothing to divide by."""
    return NONE if not whole or part is None else share(float(part) / float(whole), locale)


def share(value: Amount | None, locale: str = "en", digits: int = 1) -> str:
    """Write a number between 0 and 1 as a percentage."""
    return NONE if value is None else format_percent(value, _percent_pattern(locale, digits), locale)


def change(now: Amount | None, before: Amount | None, locale: str = "en") -> str | None:
    """Write how much more or less it is than before; None where there was nothing before."""
    if now is None or before is None or float(before) <= 0:
        return None
    risen = float(now) / float(before) - 1
    return f"{'+' if risen >= 0 else ''}{share(risen, locale)}"


def moment(at: datetime | None, zone: ZoneInfo, locale: str = "en") -> str:
    """Write a naive UTC time in the shop's zone, named."""
    if at is None:
        return NONE
    local = at.replace(tzinfo=UTC).astimezone(zone)
    return f"{format_datetime(local, _MOMENT, locale=locale)} {_zone(local)}"


def day(at: datetime | None, zone: ZoneInfo, locale: str = "en") -> str:
    """Write the day of a naive UTC time in the shop's zone."""
    if at is None:
        return NONE
    return format_datetime(at.replace(tzinfo=UTC).astimezone(zone), _DAY, locale=locale)


def date_of(of: date, locale: str = "en") -> str:
    """Write a date that is the shop's own already."""
    return format_date(of, _DAY, locale=locale)


def month(of: date, locale: str = "en") -> str:
    """Name a month and its year, shortly."""
    return format_date(of, "LLL y", locale=locale)


def weekday(number: int, locale: str = "en") -> str:
    """Name a day of the week, Monday is 1, shortly."""
    return str(get_day_names("abbreviated", "stand-alone", locale)[number - 1])


def ago(at: datetime | None, now: datetime, locale: str = "en") -> str:
    """Write how long ago a naive UTC time was, in its largest unit; a dash for never."""
    if at is None:
        return NONE
    passed = max(now - at, timedelta(minutes=1))
    return format_timedelta(
        -passed, granularity="minute", threshold=1.5, add_direction=True, format="short", locale=locale
    )


def lasting(seconds: Amount | None, locale: str = "en") -> str:
    """Write a length of time in its largest unit."""
    if seconds is None:
        return NONE
    return format_timedelta(timedelta(seconds=float(seconds)), threshold=1.5, format="short", locale=locale)


def verbatim(text: str) -> str:
    """Escape what a page would read as Markdown: a name is shown as it is written, and loads no picture."""
    return _MARKUP.sub(r"\\\1", text)


def _with_currency(written: str, currency: str, locale: str) -> str:
    return f"{currency} {written}" if locale == "en" else f"{written} {currency}"


def _pattern(digits: int) -> str:
    return f"#,##0.{'0' * digits}" if digits else "#,##0"


def _percent_pattern(locale: str, digits: int) -> str:
    """Give the language's own pattern, whose sign may stand apart, with so many decimals."""
    plain: str = Locale.parse(locale).percent_formats[None].pattern
    return plain.replace("#,##0", _pattern(digits))


def _zone(local: datetime) -> str:
    """Name the zone as people call it; many zones have no name but their offset."""
    name = local.tzname() or ""
    if name.isalpha():
        return name
    sign, hours, minutes = name[0].replace("-", "−"), int(name[1:3]), name[3:]
    return f"UTC{sign}{hours}" + (f":{minutes}" if minutes else "")
