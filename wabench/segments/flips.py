"""What would turn a leaf's answer for one customer: a value, so much more or less of something, or time alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from wabench.segments.deeds import Question
from wabench.segments.fields import RELATIVE, Catalog, Kind, values
from wabench.segments.rules import Did, Leaf, Operator


class Turn(StrEnum):
    """How an answer turns, as a sentence with its blanks."""

    BECOMES = "if {field} became {value}"
    IS_NOT = "if {field} became anything but {value}"
    COMPARES = "if {field} became {operator} {value}"
    KNOWN = "if {field} became known"
    UNKNOWN = "if {field} were not known"
    AGES = "in {days} days, if nothing newer happens"
    MORE = "with {times} more {what}"
    MORE_BY = "with {times} more {what} in the next {days} days"
    LEAVES = "in {days} days, if no {what} comes"
    SPENDS = "if they came to {operator} {value}, now {now}"
    CAMPAIGN = "if they were in it"


@dataclass(frozen=True, slots=True)
class Flip:
    """One way an answer turns: a sentence of `Turn` and what fills its blanks."""

    turn: Turn
    blanks: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return self.turn.format(**dict(self.blanks))


@dataclass(frozen=True, slots=True)
class Done:
    """One customer's rows that a question counts, newest first."""

    moments: tuple[datetime, ...]
    amounts: tuple[Decimal | None, ...]

    @property
    def sum(self) -> Decimal:
        return sum((amount for amount in self.amounts if amount is not None), Decimal(0))

    @property
    def value(self) -> dict[str, Any]:
        newest = self.moments[0] if self.moments else None
        return {"times": len(self.moments), "newest": newest, "sum": self.sum if any(self.amounts) else None}


_OPPOSITE = {
    Operator.BELOW: Operator.AT_LEAST,
    Operator.AT_MOST: Operator.ABOVE,
    Operator.ABOVE: Operator.AT_MOST,
    Operator.AT_LEAST: Operator.BELOW,
}
_OLDER, _NEWER = (Operator.BELOW, Operator.AT_MOST), (Operator.ABOVE, Operator.AT_LEAST)


def of_field(leaf: Leaf, answer: bool, value: Any, against: Catalog) -> tuple[Flip, ...]:
    """Say what would turn a leaf about a field."""
    if leaf.operator is Operator.IS_SET:
        is_wanted = values(leaf, against) == (True,)
        return (_flip(Turn.UNKNOWN if answer == is_wanted else Turn.KNOWN, field=leaf.field),)
    turned = [_aging(leaf, answer, value, against), _by_value(leaf, answer)]
    return tuple(flip for flip in turned if flip is not None)


def _by_value(leaf: Leaf, answer: bool) -> Flip:
    shown = " / ".join(leaf.values)
    match leaf.operator:
        case Operator.IS | Operator.IN:
            return _flip(Turn.IS_NOT if answer else Turn.BECOMES, field=leaf.field, value=shown)
        case Operator.IS_NOT | Operator.NOT_IN:
            return _flip(Turn.BECOMES if answer else Turn.IS_NOT, field=leaf.field, value=shown)
        case Operator.BETWEEN | Operator.CONTAINS:
            words = f"{'not ' if answer else ''}{leaf.operator}"
            return _flip(Turn.COMPARES, field=leaf.field, operator=words, value=" and ".join(leaf.values))
        case operator:
            wanted = _OPPOSITE[operator] if answer else operator
            return _flip(Turn.COMPARES, field=leaf.field, operator=wanted, value=shown)


def _aging(leaf: Leaf, answer: bool, value: Any, against: Catalog) -> Flip | None:
    """A moment measured back from as-of grows older by itself: the answer turns on the day it passes the bound."""
    field = against.fields[leaf.field]
    if field.kind is not Kind.TIME or value is None or leaf.operator not in (*_OLDER, *_NEWER):
        return None
    if not RELATIVE.fullmatch(leaf.values[0].strip()) or answer != (leaf.operator in _NEWER):
        return None
    bound = values(leaf, against)[0]
    return _flip(Turn.AGES, days=_days(value - bound))


def of_deed(leaf: Did, question: Question, answer: bool, done: Done, against: Catalog) -> tuple[Flip, ...]:
    """Say what would turn a leaf about a deed."""
    if not question.deed.is_counted:
        return _leaving(leaf, question, done, against, 1) if answer else (_flip(Turn.CAMPAIGN),)
    times, what = len(done.moments), question.deed.many
    if answer:
        more = () if question.most is None else (_more(leaf, question, question.most + 1 - times, done, against),)
        fewer = _leaving(leaf, question, done, against, question.least) if question.least else ()
        return (*fewer, *more, *_spending(question, done, not answer))
    if times < question.least:
        return (_more(leaf, question, question.least - times, done, against),)
    if question.most is not None and times > question.most:
        return _leaving(leaf, question, done, against, question.most + 1)
    return _spending(question, done, True) or (_flip(Turn.MORE, times=1, what=what),)


def _more(leaf: Did, question: Question, times: int, done: Done, against: Catalog) -> Flip:
    """So many more of it, and by when, where those that count already are about to leave the window."""
    what = question.deed.one if times == 1 else question.deed.many
    if question.since is None or "within" not in dict(leaf.asks) or not done.moments or times > question.least:
        return _flip(Turn.MORE, times=times, what=what)
    return _flip(Turn.MORE_BY, times=times, what=what, days=_days(done.moments[-1] - question.since))


def _leaving(leaf: Did, question: Question, done: Done, against: Catalog, nth: int) -> tuple[Flip, ...]:
    """The day the nth newest leaves a window that moves, and fewer than n are left in it."""
    if "within" not in dict(leaf.asks) or question.since is None or nth > len(done.moments):
        return ()
    days = _days(done.moments[nth - 1] - question.since)
    return (_flip(Turn.LEAVES, days=days, what=question.deed.one),)


def _spending(question: Question, done: Done, is_wanted: bool) -> tuple[Flip, ...]:
    if question.spent is None:
        return ()
    operator = question.spent.operator if is_wanted else _OPPOSITE[Operator(question.spent.operator)]
    return (_flip(Turn.SPENDS, operator=operator, value=question.spent.than, now=f"{done.sum:.2f}"),)


def _flip(turn: Turn, **blanks: object) -> Flip:
    return Flip(turn, tuple((name, str(value)) for name, value in blanks.items()))


def _days(span: timedelta) -> int:
    """Whole days until a span has passed, at least one."""
    return max(1, -(-int(span.total_seconds()) // 86_400))
