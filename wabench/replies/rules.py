"""Keyword rules: what a customer may write and what they are answered, a line each, read strictly.

A rule's kinds from the narrowest to the widest: `exact` the whole message, `word` its words one after another anywhere
in it, `contains` its letters anywhere, `regex` an expression. In all but the last `|` parts alternatives; in the first
two the forms of a word are one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from wabench.replies import texts
from wabench.replies.answers import placeholders
from wabench.replies.spoken import command
from wabench.spelling import hint


class Kind(StrEnum):
    """How a pattern is compared, the narrowest first."""

    EXACT = "exact"
    WORD = "word"
    CONTAINS = "contains"
    REGEX = "regex"


class Does(StrEnum):
    """What a rule does; its `answer` is a text, a template's name, a text with {code}, a tag, or a text or nothing."""

    TEXT = "text"
    TEMPLATE = "template"
    PROMO_CODE = "promo_code"
    TAG = "tag"
    HAND_OVER = "hand_over"


class When(StrEnum):
    """When a rule answers, by the shop's business hours."""

    ANY = "any"
    BUSINESS = "business"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Rule:
    """One keyword rule; of several that match, the one with the least `priority` answers."""

    rule: str
    priority: int
    language: str
    kind: Kind
    pattern: str
    action: Does
    answer: str
    hours: When = When.ANY
    cooldown_minutes: int = 0
    new_customers_only: bool = False

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Give what `|` parts; an expression is one."""
        if self.kind is Kind.REGEX:
            return (self.pattern,)
        return tuple(filter(None, (each.strip() for each in self.pattern.split("|"))))

    @property
    def says(self) -> str:
        """Give the text the customer reads; empty where there is none or only the provider has it."""
        return self.answer if self.action in (Does.TEXT, Does.PROMO_CODE, Does.HAND_OVER) else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one cell; rows are counted from 1, 0 is the head."""

    row: int
    column: str
    what: str

    def __str__(self) -> str:
        where = f"row {self.row}, " if self.row else ""
        return f"{where}{self.column}: {self.what}"


COLUMNS = (
    "rule", "priority", "language", "kind", "pattern", "action", "answer", "hours", "cooldown_minutes",
    "new_customers_only",
)  # fmt: skip
LONGEST_ANSWER = 1600
"""Characters of a free text that every provider takes; Twilio's are the fewest."""
_NEEDED = ("rule", "kind", "pattern", "action")
_LONGEST_NAME, _LONGEST_PATTERN, _LONGEST_COOLDOWN = 60, 500, 60 * 24 * 366
_YES, _NO = frozenset({"yes", "true", "1", "да"}), frozenset({"", "no", "false", "0", "нет"})
_USUAL_PRIORITY = 50
_Closed = TypeVar("_Closed", bound=StrEnum)


def check(records: Sequence[Mapping[str, Any]]) -> tuple[list[Rule], list[Problem]]:
    """Read rules from rows by column name; gives those that are right and everything that is wrong with the others."""
    problems = list(_of_columns(records))
    found: list[Rule] = []
    names: dict[str, int] = {}
    for row, record in enumerate(records, 1):
        wrong: list[Problem] = []
        rule = _read(row, {name: cell(record.get(name)) for name in COLUMNS}, wrong)
        if first := names.get(rule.rule.casefold()):
            wrong.append(Problem(row, "rule", f"{rule.rule!r} is row {first}'s name already"))
        names.setdefault(rule.rule.casefold(), row)
        problems += wrong
        found += [] if wrong else [rule]
    return found, problems


def to_records(rules: Sequence[Rule]) -> list[dict[str, str]]:
    """Write rules as rows of text by column name, as `check` reads them."""
    return [
        {name: _written(getattr(rule, name)) for name in COLUMNS}
        for rule in rules
    ]  # fmt: skip


def regex_problem(pattern: str) -> str | None:
    """Say what is wrong with an expression, or None.

    Expressions are RE2's, which looks at each letter of a text once: with none can a message take minutes.
    """
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        said = str(error).removeprefix("Invalid regular expression: ")
        return f"{said}; look-around and backreferences are not known here"
    return None


def _of_columns(records: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    given = list(dict.fromkeys(name for record in records for name in record))
    for name in given:
        if name not in COLUMNS:
            yield Problem(0, str(name), f"is no column of rules{hint(str(name), COLUMNS)}")
    for name in _NEEDED if records else ():
        if name not in given:
            yield Problem(0, name, "this column is missing")


def cell(value: Any) -> str:
    """Read a cell: whole numbers as such, nothing as an empty text."""
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).replace("\r\n", "\n").strip()


def _written(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _read(row: int, cells: Mapping[str, str], problems: list[Problem]) -> Rule:
    """Read one rule, whatever is wrong with it written to `problems`."""

    def wrong(column: str, what: str) -> None:
        problems.append(Problem(row, column, what))

    rule = Rule(
        rule=cells["rule"],
        priority=_whole(cells["priority"], 1, 999, _USUAL_PRIORITY, lambda what: wrong("priority", what)),
        language=cells["language"].casefold(),
        kind=_word(Kind, cells["kind"], Kind.EXACT, lambda what: wrong("kind", what)),
        pattern=cells["pattern"],
        action=_word(Does, cells["action"], Does.TEXT, lambda what: wrong("action", what)),
        answer=cells["answer"],
        hours=_word(When, cells["hours"] or "any", When.ANY, lambda what: wrong("hours", what)),
        cooldown_minutes=_whole(
            cells["cooldown_minutes"], 0, _LONGEST_COOLDOWN, 0, lambda what: wrong("cooldown_minutes", what)
        ),
        new_customers_only=cells["new_customers_only"].casefold() in _YES,
    )
    if cells["new_customers_only"].casefold() not in _YES | _NO:
        wrong("new_customers_only", f"expected yes or no, not {cells['new_customers_only']!r}")
    problems += [Problem(row, *found) for found in (*_about_name(rule), *_about_pattern(rule), *_about_answer(rule))]
    return rule


def _about_name(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.rule or len(rule.rule) > _LONGEST_NAME or "\n" in rule.rule:
        yield "rule", f"a rule needs a name of one line, at most {_LONGEST_NAME} characters"
    if rule.language and rule.language not in texts.LANGUAGES:
        yield "language", f"{rule.language!r} is none of {', '.join(texts.LANGUAGES)}; empty goes by the letters"


def _about_pattern(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.alternatives:
        yield "pattern", "it is empty; write what the customer may say"
    elif len(rule.pattern) > _LONGEST_PATTERN:
        yield "pattern", f"it is longer than {_LONGEST_PATTERN} characters; make two rules of it"
    elif rule.kind is Kind.REGEX:
        if found := regex_problem(rule.pattern):
            yield "pattern", found
    elif spoken := next((each for each in rule.alternatives if rule.kind is not Kind.CONTAINS and command(each)), None):
        yield "pattern", f"{spoken!r} is answered before any rule, as {command(spoken)}"


def _about_answer(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.answer and rule.action is not Does.HAND_OVER:
        yield "answer", f"{rule.action} needs one: {_ANSWERS[rule.action]}"
    if len(rule.answer) > LONGEST_ANSWER:
        yield "answer", f"it is longer than {LONGEST_ANSWER} characters, which not every provider takes"
    if rule.says:
        known = ("name", "code") if rule.action is Does.PROMO_CODE else ("name",)
        yield from (("answer", what) for what in placeholder_problems(rule.says, known))
    if rule.action is Does.PROMO_CODE and rule.answer and "{code}" not in rule.answer:
        yield "answer", "the text of promo_code says where the code goes: {code}"


_ANSWERS = {
    Does.TEXT: "the text the customer reads",
    Does.TEMPLATE: "the template's name",
    Does.PROMO_CODE: "the text the customer reads, with {code} in it",
    Does.TAG: "the tag the customer gets",
}


def placeholder_problems(text: str, known: Sequence[str]) -> list[str]:
    """List what in a text's braces is none of the known words."""
    return [f"{{{each}}} is none of {', '.join(f'{{{k}}}' for k in known)}" for each in placeholders(text)
            if each not in known]  # fmt: skip


def _whole(text: str, least: int, most: int, usual: int, wrong: Callable[[str], None]) -> int:
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        wrong(f"expected a whole number from {least} to {most}, not {text!r}")
        return usual
    return int(text)


def _word(words: type[_Closed], text: str, otherwise: _Closed, wrong: Callable[[str], None]) -> _Closed:
    try:
        return words(text.casefold())
    except ValueError:
        wrong(f"{text!r} is none of {', '.join(words)}")
        return otherwise
