"""What is advised about failed messages is of codes that providers have; advice on texts is said in every language."""

import re
from pathlib import Path

import pytest

from wabench import words
from wabench.campaigns import effects, lint, passing
from wabench.providers import _meta_errors, _twilio_errors, _zenvia_errors
from wabench.providers.base import TemplateDraft
from wabench.providers.errors import ErrorFamily

VALUE = re.compile(r"{(\w+)}")

TEXT = (Path(__file__).parents[2] / "app" / "parts" / "failures.py").read_text(encoding="utf-8")
BIRDS_WORDS = {"undeliverable", "recipient_suppressed", "service_window_expired", "insufficient_balance"}


def test_every_code_that_is_advised_about_is_a_providers() -> None:
    tables = (_meta_errors.ERRORS, _twilio_errors.ERRORS, _zenvia_errors.ERRORS)
    known = {str(code) for table in tables for code in table} | BIRDS_WORDS
    advised = re.findall(r'"(\w+)"', TEXT.partition("CODES = {")[2].partition("}")[0])
    assert len(advised) > 40
    assert [code for code in advised if code not in known] == []
    assert len(advised) == len(set(advised))


def test_every_family_has_its_name_and_its_advice() -> None:
    families = set(re.findall(r'^    "(\w+)":', TEXT, re.MULTILINE))
    assert {*ErrorFamily, "unknown"} <= families


ADVICE = sorted({
    *(text for each in lint.TEXTS.values() for text in (each.what, each.do)), *effects.SAYS.values(), effects.TOO_FEW,
    *(word.meaning for word in lint.read_words()),
})  # fmt: skip


@pytest.mark.parametrize("language", words.languages()[1:])
def test_every_piece_of_advice_on_a_text_is_said_in_every_language_with_the_same_values(language: str) -> None:
    catalog = words.catalog(language)
    assert [text for text in ADVICE if catalog.gettext(text) == text] == []
    wrong = [text for text in ADVICE if set(VALUE.findall(text)) != set(VALUE.findall(catalog.gettext(text)))]
    assert wrong == []


def test_every_finding_fills_its_text_in_every_language() -> None:
    bodies = [
        "",
        "x" * 2000,
        "{{1}} {{3}} a{{A}}",
        "{{1}}",
        "Hi {{1}}, discount {{2}} bit.ly https://a.example/b.pdf {",
    ]
    drafts = [
        TemplateDraft(name, language, category, body, {"9": "a"})
        for name, language in (("A b", "english"), ("a", "en"))
        for category in ("marketing", "utility", "authentication")
        for body in (*bodies, *(f"Hi {{{{1}}}} {word.words} there" for word in lint.read_words()[:3]))
    ]
    found = [finding for draft in drafts for finding in lint.lint(draft, lint.read_words(), takes_names=False)]
    assert len({finding.rule for finding in found}) > 15
    for finding in found:
        for text in (lint.TEXTS[finding.rule].what, lint.TEXTS[finding.rule].do):
            assert lint.said(words.catalog("ru").gettext(text), finding.values)


def test_every_reason_of_the_failures_table_has_its_words_on_screen() -> None:
    table = (Path(__file__).parents[2] / "app" / "parts" / "campaign_retry.py").read_text(encoding="utf-8")
    named = set(re.findall(r'^    "([^"]+)": N_', table, re.MULTILINE))
    reasons = passing.read()
    assert {each.name for each in (*reasons.codes.values(), *reasons.families.values())} | {"not known"} == named
