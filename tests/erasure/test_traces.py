"""A person in data: their phone in every usual writing, and nobody else's."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench.erasure.traces import Person, every_spelling

BRAZIL = Person(phones=every_spelling(["+5511987654321"]), emails=frozenset({"ana@example.com"}), region="BR")
WRITTEN = (
    "+5511987654321", "5511987654321", "551187654321", "11987654321", "(11) 98765-4321", "+55 11 98765-4321",
    "+55 (11) 8765-4321", "011 98765 4321", "0055 11 98765-4321", "whatsapp:+5511987654321", "55.11.98765.4321",
)  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_a_phone_is_known_however_written(text: str) -> None:
    around = f"ligue {text}, por favor"
    assert BRAZIL.traces.mentions(around)
    for coded in (around, json.dumps({"a": around}), f"Body={quote(around)}", f"Body={quote_plus(around)}&From=x"):
        assert BRAZIL.traces.is_in(coded.encode())
        assert not BRAZIL.traces.is_in(BRAZIL.traces.masked_bytes(coded.encode()))
        assert len(BRAZIL.traces.masked_bytes(coded.encode())) == len(coded)


@pytest.mark.parametrize(
    "text", ["+5511987654322", "119876543210", "911987654321", "98765", "2026-07-01", "+551198765432"]
)
def test_another_number_is_not_taken_for_it(text: str) -> None:
    assert not BRAZIL.traces.mentions(text)
    assert not BRAZIL.traces.is_theirs(text)


@pytest.mark.parametrize(
    "text", ["+5511987654321", "(11) 98765-4321", "551187654321", "whatsapp:+5511987654321", 5511987654321]
)
def test_a_value_that_is_their_phone_is_theirs(text: str | int) -> None:
    assert BRAZIL.traces.is_theirs(text)


@pytest.mark.parametrize(
    ("phone", "other"),
    [("+5511987654321", "+551187654321"), ("+525512345678", "+5215512345678"), ("+541112345678", "+5491112345678")],
)
def test_spellings_of_one_mobile_are_one_person(phone: str, other: str) -> None:
    assert other in every_spelling([phone])
    assert phone in every_spelling([other])


def test_a_brazilian_landline_has_no_second_spelling() -> None:
    assert every_spelling(["+551123456789"]) == {"+551123456789"}


@pytest.mark.parametrize("text", ["ana@example.com", "ANA@Example.com", "ana%40example.com", "ana\\u0040example.com"])
def test_an_email_is_known_in_any_case_and_coding(text: str) -> None:
    assert BRAZIL.traces.is_in(f'"{text}"'.encode())


@pytest.mark.parametrize("text", ["joana@example.com", "ana@example.com.br", "ana.b@example.com"])
def test_a_longer_email_is_somebody_elses(text: str) -> None:
    assert not BRAZIL.traces.mentions(text)


@given(st.text(max_size=60))
def test_masking_keeps_the_length_and_leaves_no_trace(around: str) -> None:
    text = f"{around} +55 11 98765-4321 {around}"
    masked = BRAZIL.traces.masked(text)
    assert len(masked) == len(text)
    assert not BRAZIL.traces.mentions(masked)
