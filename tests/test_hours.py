from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench import hours

MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001  # local times are naive


def test_hours_are_half_open_and_of_their_days() -> None:
    shop = hours.parse("mon-fri 09:00-18:00, Sat 10:00-14:00")
    assert not shop.is_open(MONDAY.replace(hour=8, minute=59))
    assert shop.is_open(MONDAY.replace(hour=9))
    assert shop.is_open(MONDAY.replace(hour=17, minute=59))
    assert not shop.is_open(MONDAY.replace(hour=18))
    assert shop.is_open(MONDAY.replace(day=28, hour=10))
    assert not shop.is_open(MONDAY.replace(day=29, hour=10))


def test_a_night_shift_goes_on_after_midnight_of_its_last_day() -> None:
    shop = hours.parse("fri-mon 20:00-02:00")
    assert shop.is_open(MONDAY.replace(day=24, hour=1, minute=59))
    assert not shop.is_open(MONDAY.replace(day=24, hour=2))
    assert not shop.is_open(MONDAY.replace(day=24, hour=20))
    assert shop.is_open(MONDAY.replace(day=28, hour=0))


@pytest.mark.parametrize(
    "text", ["", "9-18", "mon 9:00-9:00", "mon 09:00-25:00", "mon 09:61-10:00", "mo-fr 09:00-18:00", "mon 24:00-25:00"]
)
def test_what_is_no_hours_is_refused_with_how_to_write_them(text: str) -> None:
    with pytest.raises(ValueError, match="mon-fri 09:00-18:00, sat 10:00-14:00"):
        hours.parse(text)


@given(st.text())
def test_any_text_is_hours_or_is_refused_in_one_line(text: str) -> None:
    try:
        hours.parse(text)
    except ValueError as error:
        assert "\n" not in str(error)


def test_always_is_every_minute_of_the_week() -> None:
    assert all(hours.parse("always").is_open(MONDAY.replace(day=d, hour=h)) for d in range(23, 30) for h in range(24))
