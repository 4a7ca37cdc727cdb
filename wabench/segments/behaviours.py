"""A leaf about what customers did or got, read against the published file and compiled to the set of who it is."""

from collections.abc import Callable, Mapping
from datetime import datetime

from wabench.segments import deeds
from wabench.segments.deeds import DEEDS, Amount, Ask, Deed, Question
from wabench.segments.fields import RELATIVE, Catalog, Scalar, moment
from wabench.segments.rules import Did
from wabench.spelling import hint

Bind = Callable[[Scalar], str]
"""Binds a value and gives the name it stands under in the statement."""


def read(leaf: Did, against: Catalog) -> Question:
    """Read what a leaf asks; raises ValueError that says what is wrong."""
    deed = DEEDS[leaf.deed]
    _require(leaf.deed, deed, against)
    asked = dict(leaf.asks)
    one = {key: _one(key, texts) for key, texts in leaf.asks if deed.asks[key] is not Ask.TEXT}
    try:
        least, most = _counts(one)
        since, until = _window(one, against)
        return Question(
            deed,
            _moment(deed, one),
            least,
            most,
            since,
            until,
            net=_amount("net", one),
            spent=_amount("spent", one),
            texts={key: _named(key, asked[key], deed, against) for key in deed.columns if key in asked},
        )
    except ValueError as error:
        raise ValueError(f"{leaf.deed}: {error}") from None


def customers(question: Question, bind: Bind, is_of_one: bool = False) -> str:
    """Give the SELECT of the keys of who is met: who did it so, or where `is_met_by_none` holds, who did not.

    Whoever never did it has no row, so a question they are met by is asked the other way round. A key is the hash of
    the id: a million ids join three times as fast by it as by their text, and they are 64-bit digests themselves.
    With `is_of_one` only `$customer` is looked for.
    """
    deed = question.deed
    of_one = " and customer_id = $customer" if is_of_one else ""
    ids = f"select hash(customer_id) as key from {deed.table} where {_rows(question, bind)}{of_one}"  # noqa: S608 - words of DEEDS
    having = "" if question.most == 0 and question.spent is None else _having(question, bind)
    if not having:
        return ids
    negated = "not " if question.is_met_by_none else ""
    return f"{ids} group by key having {negated}({having})"


def facts(question: Question, bind: Bind) -> str:
    """Give the SELECT of one customer's (`$customer`) rows that count: their moments and amounts, newest first."""
    amount = question.deed.amount or "null"
    return (
        f"select {question.moment} as moment, {amount} as amount from {question.deed.table}"  # noqa: S608
        f" where {_rows(question, bind)} and customer_id = $customer order by 1 desc"
    )


def _rows(question: Question, bind: Bind) -> str:
    deed = question.deed
    parts = ["customer_id is not null", deed.holds, f"{question.moment} < {bind(question.until)}"]
    if question.since is not None:
        parts.append(f"{question.moment} >= {bind(question.since)}")
    if question.net is not None:
        parts.append(f"{deed.amount} {question.net.operator} {bind(question.net.than)}")
    for key, texts in question.texts.items():
        parts.append(f"{deed.columns[key]} in ({', '.join(bind(text) for text in texts)})")
    return " and ".join(parts)


def _having(question: Question, bind: Bind) -> str:
    parts = []
    if question.least > 1:
        parts.append(f"count(*) >= {bind(question.least)}")
    if question.most is not None:
        parts.append(f"count(*) <= {bind(question.most)}")
    if question.spent is not None:
        parts.append(f"sum({question.deed.amount}) {question.spent.operator} {bind(question.spent.than)}")
    return " and ".join(parts)


def _require(word: str, deed: Deed, against: Catalog) -> None:
    if deed.table not in against.tables:
        raise ValueError(f"{word}: the published file has no {deed.table} yet; run `wabench refresh`")


def _one(key: str, texts: tuple[str, ...]) -> str:
    if len(texts) != 1:
        raise ValueError(f"{key} takes one value, not a list")
    return texts[0].strip()


def _counts(one: Mapping[str, str]) -> tuple[int, int | None]:
    if "exactly" in one:
        if "at_least" in one or "at_most" in one:
            raise ValueError("exactly stands alone, without at_least and at_most")
        times = deeds.whole(one["exactly"])
        return times, times
    most = deeds.whole(one["at_most"]) if "at_most" in one else None
    least = deeds.whole(one["at_least"]) if "at_least" in one else 0 if most is not None else 1
    if most is not None and least > most:
        raise ValueError("at_least is more than at_most")
    if least == 0 and most is None:
        raise ValueError("at_least 0 asks nothing; who never did it is `exactly: 0`")
    return least, most


def _window(one: Mapping[str, str], against: Catalog) -> tuple[datetime | None, datetime]:
    if "within" in one and "since" in one:
        raise ValueError("within and since are two ways to say one thing; keep one")
    if "within" in one and not RELATIVE.fullmatch(one["within"]):
        raise ValueError(f"within is {Ask.SPAN}, not {one['within']!r}; a date goes with since")
    begins = one.get("within") or one.get("since")
    since = moment(begins, against) if begins else None
    until = min(moment(one["before"], against), against.as_of) if "before" in one else against.as_of
    if since is not None and since >= until:
        raise ValueError("the window is empty: it begins when it has ended")
    return since, until


def _moment(deed: Deed, one: Mapping[str, str]) -> str:
    chosen = one.get(deed.chooses) if deed.chooses else None
    if chosen is None:
        return next(iter(deed.moments.values()))
    if chosen not in deed.moments:
        raise ValueError(f"{deed.chooses} is one of {', '.join(deed.moments)}, never {chosen!r}"
                         f"{hint(chosen, deed.moments)}")  # fmt: skip
    return deed.moments[chosen]


def _amount(key: str, one: Mapping[str, str]) -> Amount | None:
    return deeds.amount(one[key]) if key in one else None


def _named(key: str, texts: tuple[str, ...], deed: Deed, against: Catalog) -> tuple[str, ...]:
    """Check texts against the words there are, where they are known."""
    known = against.campaigns if key == "name" else deed.closed.get(key)
    for text in texts:
        if known is not None and text not in known:
            what = "campaign is called" if key == "name" else f"{key} is"
            raise ValueError(f"no {what} {text!r}{hint(text, known)}")
    return texts
