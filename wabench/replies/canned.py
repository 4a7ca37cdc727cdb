"""Canned replies: texts a person picks, edits and sends, read as strictly as rules are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wabench.replies import texts
from wabench.replies.rules import LONGEST_ANSWER, Problem, cell, placeholder_problems
from wabench.spelling import hint

COLUMNS = ("name", "language", "text")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Canned:
    """One canned reply; {name} in its text is the customer's first name."""

    name: str
    language: str
    text: str


def check(records: Sequence[Mapping[str, Any]]) -> tuple[list[Canned], list[Problem]]:
    """Read canned replies from rows by column name; gives those that are right and what is wrong with the rest."""
    unknown = dict.fromkeys(name for record in records for name in record if name not in COLUMNS)
    problems = [Problem(0, str(name), f"is no column here{hint(str(name), COLUMNS)}") for name in unknown]
    found: list[Canned] = []
    names: dict[tuple[str, str], int] = {}
    for row, record in enumerate(records, 1):
        canned = Canned(*(cell(record.get(name)) for name in COLUMNS))
        wrong = [Problem(row, *each) for each in _wrong(canned)]
        key = (canned.name.casefold(), canned.language.casefold())
        if first := names.get(key):
            wrong.append(Problem(row, "name", f"{canned.name!r} is row {first} already, in the same language"))
        names.setdefault(key, row)
        problems += wrong
        found += [] if wrong else [canned]
    return found, problems


def to_records(canned: Sequence[Canned]) -> list[dict[str, str]]:
    """Write canned replies as rows of text by column name, as `check` reads them."""
    return [{name: getattr(each, name) for name in COLUMNS} for each in canned]


def _wrong(canned: Canned) -> list[tuple[str, str]]:
    found = [("text", what) for what in placeholder_problems(canned.text, ("name",))]
    if not canned.name or len(canned.name) > _LONGEST_NAME or "\n" in canned.name:
        found.append(("name", f"a canned reply needs a name of one line, at most {_LONGEST_NAME} characters"))
    if canned.language and canned.language.casefold() not in texts.LANGUAGES:
        found.append(("language", f"{canned.language!r} is none of {', '.join(texts.LANGUAGES)}"))
    if not canned.text or len(canned.text) > LONGEST_ANSWER:
        found.append(("text", f"a canned reply has a text of 1 to {LONGEST_ANSWER} characters"))
    return found
