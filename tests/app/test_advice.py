"""What is advised about failed messages is of codes that providers have, and of every family."""

import re
from pathlib import Path

from wabench.providers import _meta_errors, _twilio_errors, _zenvia_errors
from wabench.providers.errors import ErrorFamily

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
