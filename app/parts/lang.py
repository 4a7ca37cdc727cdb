"""The language a person reads: its words, and figures as it writes them. Chosen in the sidebar, kept in the address."""

from datetime import UTC, date, datetime
from typing import Any

import streamlit as st
from parts import shop

from wabench import display, words

NAMES = {"en": "English", "ru": "Русский"}
KEY = "lang"
Amount = display.Amount
NONE = display.NONE


def language() -> str:
    """Give the chosen language, else the browser's, else English."""
    chosen = st.session_state.get(KEY) or st.query_params.get(KEY)
    return chosen if chosen in words.languages() else words.nearest(st.context.locale)


def _(text: str, **values: Any) -> str:
    """Say a text in the reader's language; `{name}` is filled from the values."""
    said = words.catalog(language()).gettext(text)
    return said.format(**values) if values else said


def n_(one: str, many: str, count: Amount, **values: Any) -> str:
    """Say a text that counts; `{n}` is the count as the language writes it."""
    said = words.catalog(language()).ngettext(one, many, int(count))
    return said.format(n=number(count), **values)


def N_(text: str) -> str:  # the name that gettext's tools know
    """Mark a text that `_` says later."""
    return text


def number(value: Amount | None, digits: int = 0) -> str:
    return display.number(value, language(), digits)


def compact(value: Amount | None) -> str:
    return display.compact(value, language())


def money(amount: Amount | None, currency: str) -> str:
    return display.money(amount, currency, language())


def fine(amount: Amount | None, currency: str) -> str:
    return display.fine(amount, currency, language())


def percent(part: Amount | None, whole: Amount | None) -> str:
    return display.percent(part, whole, language())


def share(value: Amount | None, digits: int = 1) -> str:
    return display.share(value, language(), digits)


def change(now: Amount | None, before: Amount | None) -> str | None:
    return display.change(now, before, language())


def moment(at: datetime | None) -> str:
    return display.moment(at, shop.settings().zone, language())


def day(at: datetime | None) -> str:
    return display.day(at, shop.settings().zone, language())


def date_of(of: date) -> str:
    return display.date_of(of, language())


def month(of: date) -> str:
    return display.month(of, language())


def weekday(number: int) -> str:
    return display.weekday(number, language())


def ago(at: datetime | None) -> str:
    return display.ago(at, datetime.now(UTC).replace(tzinfo=None), language())


def lasting(seconds: Amount | None) -> str:
    return display.lasting(seconds, language())
