from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from wabench import display

MOMENT = datetime.fromisoformat("2026-11-22 18:00")


def test_a_share_of_nothing_is_a_dash_and_not_zero() -> None:
    assert display.percent(0, 0) == display.percent(None, 5) == display.NONE
    assert display.percent(1, 3) == "33.3%"


def test_money_keeps_its_currency_and_its_cents_where_they_matter() -> None:
    assert display.money(Decimal("12.5"), "BRL") == "BRL 12.50"
    assert display.money(Decimal("-8300065.81"), "GBP") == "GBP -8,300,066"
    assert display.money(None, "USD") == display.NONE


def test_a_change_from_nothing_is_not_a_percentage() -> None:
    assert display.change(5, 0) is None
    assert display.change(5, None) is None
    assert display.change(Decimal(11), Decimal(10)) == "+10.0%"


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        ("UTC", "22 Nov 2026, 18:00 UTC"),
        ("America/Sao_Paulo", "22 Nov 2026, 15:00 UTC−3"),
        ("Asia/Kolkata", "22 Nov 2026, 23:30 IST"),
        ("Asia/Kathmandu", "22 Nov 2026, 23:45 UTC+5:45"),
    ],
)
def test_a_moment_is_written_in_the_shops_zone_and_names_it(zone: str, written: str) -> None:
    assert display.moment(MOMENT, ZoneInfo(zone)) == written


@pytest.mark.parametrize(
    ("passed", "english", "russian"),
    [
        (timedelta(seconds=-5), "1 min. ago", "1 мин. назад"),
        (timedelta(minutes=59), "59 min. ago", "59 мин. назад"),
        (timedelta(hours=47), "2 days ago", "2 дн. назад"),
        (timedelta(days=5000), "14 yr. ago", "14 л. назад"),
    ],
)
def test_an_age_is_written_in_its_largest_unit(passed: timedelta, english: str, russian: str) -> None:
    assert display.ago(MOMENT - passed, MOMENT) == english
    assert display.ago(MOMENT - passed, MOMENT, "ru") == russian
    assert display.ago(None, MOMENT) == display.NONE


def test_figures_are_written_as_russian_readers_write_them() -> None:
    assert display.number(1234567, "ru") == "1\xa0234\xa0567"
    assert display.percent(1, 3, "ru") == "33,3\xa0%"
    assert display.change(9, 10, "ru") == "-10,0\xa0%"
    assert display.money(Decimal("12.5"), "RUB", "ru") == "12,50 RUB"
    assert display.moment(MOMENT, ZoneInfo("America/Sao_Paulo"), "ru") == "22 нояб. 2026, 15:00 UTC−3"
    assert display.compact(1234567, "ru") == "1,2\xa0млн"


def test_a_name_is_shown_as_it_is_written() -> None:
    assert display.verbatim("*a* ![x](http://e)") == r"\*a\* \!\[x\]\(http\://e\)"


def test_small_numbers_are_short_without_a_letter() -> None:
    assert [display.compact(value) for value in (0, 7.46, 99.96, 442.83, 999.4, 1234)] == [
        "0", "7.5", "100", "443", "999", "1.2K",
    ]  # fmt: skip
    assert display.compact(None) == display.NONE


def test_what_one_message_costs_keeps_the_parts_of_a_cent() -> None:
    assert display.fine(0.06251, "USD") == "USD 0.0625"
    assert display.fine(Decimal("0.0077"), "EUR", "ru") == "0,0077 EUR"
    assert display.fine(None, "USD") == display.NONE


def test_months_and_weekdays_are_named_shortly() -> None:
    assert display.month(date(2026, 11, 1)) == "Nov 2026"
    assert display.date_of(MOMENT) == "22 Nov 2026"
    assert display.month(date(2026, 11, 1), "ru").startswith("нояб")
    assert [display.weekday(day) for day in (1, 7)] == ["Mon", "Sun"]
    assert display.weekday(1, "ru") == "пн"
