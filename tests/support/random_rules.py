"""Random rule trees of every kind of leaf, and a plain evaluator of them to hold the compiled SQL against.

The evaluator reads rows, not SQL: what a deed is, when it was and what narrows it is written here a second time.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from hypothesis import strategies as st
from published_shop import AS_OF, COUNTRIES, NAMES

from wabench.segments import fields
from wabench.segments.rules import AllOf, AnyOf, Did, InSegment, Leaf, Not, Operator, Rule

COMPARE: dict[Operator, Callable[..., bool]] = {
    Operator.IS: lambda value, a: value == a,
    Operator.IS_NOT: lambda value, a: value != a,
    Operator.IN: lambda value, *many: value in many,
    Operator.NOT_IN: lambda value, *many: value not in many,
    Operator.BELOW: lambda value, a: value < a,
    Operator.AT_MOST: lambda value, a: value <= a,
    Operator.ABOVE: lambda value, a: value > a,
    Operator.AT_LEAST: lambda value, a: value >= a,
    Operator.BETWEEN: lambda value, a, b: a <= value <= b,
    Operator.CONTAINS: lambda value, a: a.lower() in value.lower(),
}


def leaf(field: str, operator: str, *values: str, unset: bool = False) -> Leaf:
    return Leaf(field, Operator(operator), values, unset)


def numbers(field: str, low: int, high: int) -> st.SearchStrategy[Leaf]:
    value = st.integers(low, high).map(str)
    one = st.sampled_from(["is", "is_not", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds(lambda o, v, u: leaf(field, o, v, unset=u), one, value, st.booleans()),
        st.builds(
            lambda a, b, u: leaf(field, "between", *sorted((a, b), key=int), unset=u), value, value, st.booleans()
        ),
        st.builds(lambda o, v, u: leaf(field, o, *v, unset=u), many, st.lists(value, min_size=1), st.booleans()),
    )


def texts(field: str, known: list[str]) -> st.SearchStrategy[Leaf]:
    value = st.sampled_from(known)
    one = st.sampled_from(["is", "is_not"])
    return st.one_of(
        st.builds(lambda o, v, u: leaf(field, o, v, unset=u), one, value, st.booleans()),
        st.builds(lambda o, v, u: leaf(field, o, *v, unset=u), many, st.lists(value, min_size=1), st.booleans()),
        st.builds(lambda v, u: leaf(field, "contains", v[1:3], unset=u), value, st.booleans()),
    )


def times(field: str) -> st.SearchStrategy[Leaf]:
    days = st.integers(0, 320)
    relative = days.map(lambda n: f"{n}d")
    dates = days.map(lambda n: f"{AS_OF - timedelta(days=n):%Y-%m-%d}")
    one = st.sampled_from(["<", "<=", ">", ">="])
    return st.builds(lambda o, v, u: leaf(field, o, v, unset=u), one, st.one_of(relative, dates), st.booleans())


many = st.sampled_from(["in", "not_in"])
any_field = st.sampled_from(["name", "country", "orders", "last_order_at", "is_reachable", "read_rate"])
leaves = st.one_of(
    texts("name", [name for name in NAMES if name]),
    texts("country", [country for country in COUNTRIES if country]),
    texts("engagement_tag", list(fields.CLOSED["engagement_tag"])),
    numbers("orders", 0, 5),
    numbers("average_order_value", -5, 320),
    numbers("days_since_interaction", -2, 130),
    numbers("read_rate", 0, 2),
    times("last_order_at"),
    times("last_interaction_at"),
    st.builds(lambda v, u: leaf("is_reachable", "is", v, unset=u), st.sampled_from(["yes", "no"]), st.booleans()),
    st.builds(lambda f, v: leaf(f, "is_set", v), any_field, st.sampled_from(["yes", "no"])),
)


def spans() -> st.SearchStrategy[dict[str, str]]:
    days = st.integers(31, 400).map(lambda n: {"within": f"{n}d"})
    hours = st.integers(721, 3000).map(lambda n: {"within": f"{n}h"})
    since = st.integers(31, 400).map(lambda n: {"since": f"{AS_OF - timedelta(days=n):%Y-%m-%d}"})
    before = st.one_of(st.just({}), st.integers(0, 29).map(lambda n: {"before": f"{n}d"}))
    return st.builds(lambda a, b: a | b, st.one_of(st.just({}), days, hours, since), before)


def counts() -> st.SearchStrategy[dict[str, str]]:
    number = st.integers(1, 20).map(str)
    return st.one_of(
        st.just({}),
        number.map(lambda n: {"at_least": n}),
        st.integers(0, 20).map(lambda n: {"at_most": str(n)}),
        st.integers(0, 6).map(lambda n: {"exactly": str(n)}),
        st.tuples(st.integers(0, 9), st.integers(9, 20)).map(lambda n: {"at_least": str(n[0]), "at_most": str(n[1])}),
    )


def amounts(key: str, most: int) -> st.SearchStrategy[dict[str, str]]:
    operator, than = st.sampled_from([">=", "<=", ">", "<"]), st.integers(-5, most)
    return st.one_of(st.just({}), st.builds(lambda o, n: {key: f"{o} {n}"}, operator, than))


def chosen(key: str, words: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(st.sampled_from(words), min_size=1, max_size=2, unique=True)
    return st.one_of(st.just({}), lists.map(lambda each: {key: tuple(each)}))


def did(deed: str, *parts: Mapping[str, Any]) -> Did:
    """Put what is asked into the order a file is read in."""
    asked = {key: value for part in parts for key, value in part.items()}
    order = ["name", "status", "outcome", "at_least", "at_most", "exactly", "within", "since", "before", "net", "spent"]
    order += ["source", "template", "category", "provider"]
    texts = {key: value if isinstance(value, tuple) else (value,) for key, value in asked.items()}
    return Did(deed, tuple((key, texts[key]) for key in order if key in texts))


def one_of(key: str, words: list[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.one_of(st.just({}), st.sampled_from(words).map(lambda word: {key: word}))


messages = [
    chosen("template", ["autumn", "winter"]),
    chosen("category", ["marketing", "utility"]),
    chosen("provider", ["meta", "twilio"]),
]
statuses = one_of("status", ["sent", "delivered", "read", "clicked", "failed"])
outcomes = one_of(
    "outcome",
    [
        "planned",
        "accepted",
        "delivered",
        "read",
        "replied",
        "converted",
        "failed",
        "opted_out",
        "suppressed",
        "held_out",
    ],
)
campaigns = chosen("name", ["Осень: возвращение", "Зимняя *акция*", "newcomers_week"])
deeds = st.one_of(
    st.builds(
        lambda *parts: did("ordered", *parts),
        counts(), spans(), amounts("net", 230), amounts("spent", 2500), chosen("source", ["магазин", "shopify"]),
    ),
    st.builds(lambda *parts: did("messaged", *parts), counts(), spans(), statuses, *messages),
    st.builds(lambda *parts: did("replied", *parts), counts(), spans(), *messages),
    st.builds(lambda *parts: did("in_campaign", *parts), spans(), outcomes, campaigns),
)  # fmt: skip
SAVED: dict[str, Rule] = {
    "cold": leaf("engagement_tag", "is", "cold"),
    "not_brazil": Not(leaf("country", "is", "BR", unset=True)),
    "nested": AnyOf((AllOf((InSegment("cold"), did("ordered", {"within": "90d"}))), InSegment("not_brazil"))),
}
"""Segments that random rules stand on."""
every_leaf = st.one_of(leaves, deeds, st.sampled_from(list(SAVED)).map(InSegment))
rules = st.recursive(
    every_leaf,
    lambda inner: st.one_of(
        st.builds(lambda each: AllOf(tuple(each)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(lambda each: AnyOf(tuple(each)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)

_TABLE = {"ordered": "fct_orders", "messaged": "fct_messages", "replied": "fct_messages", "in_campaign": "fct_sends"}
_COLUMN = {"template": "template_name", "name": "campaign_name"}
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt}
_STATES = {"accepted": "accepted", "suppressed": "suppressed", "held_out": "holdout"}


class Facts:
    """Rows of the fact tables by customer, each a mapping; no dataclass, for a failing example would show them all."""

    def __init__(self, rows: Mapping[str, Mapping[str, list[dict[str, Any]]]]) -> None:
        self.rows = rows

    def of(self, deed: str, customer: str) -> list[dict[str, Any]]:
        return self.rows[_TABLE[deed]].get(customer, [])


def happened_at(deed: str, asked: Mapping[str, Any], row: dict[str, Any]) -> datetime | None:
    if deed == "ordered":
        return row["ordered_at"] if row["is_paid"] else None
    if deed == "in_campaign":
        outcome = asked.get("outcome", ("planned",))[0]
        if outcome in _STATES:
            return row["made_at"] if row["state"] == _STATES[outcome] else None
        return row["made_at"] if outcome == "planned" else row[f"{outcome}_at"]
    if row["direction"] != "out":
        return None
    status = asked.get("status", ("replied" if deed == "replied" else "sent",))[0]
    if status == "sent":
        return next((row[at] for at in ("sent_at", "accepted_at", "delivered_at", "failed_at") if row[at]), None)
    return None if status == "failed" and row["delivered_at"] else row[f"{status}_at"]


def days_before(text: str, as_of: datetime) -> datetime:
    if text[-1] in "dh":
        return as_of - (timedelta(days=int(text[:-1])) if text[-1] == "d" else timedelta(hours=int(text[:-1])))
    return datetime.fromisoformat(text)


def compares(text: str, value: Decimal) -> bool:
    operator, than = text.split()
    return _COMPARE[operator](value, Decimal(than))


def did_it(rule: Did, customer: str, facts: Facts, as_of: datetime) -> bool:
    asked = dict(rule.asks)
    begins = asked.get("within", asked.get("since"))
    since = days_before(begins[0], as_of) if begins else as_of - timedelta(days=9999)
    until = days_before(asked["before"][0], as_of) if "before" in asked else as_of
    counted = []
    for row in facts.of(rule.deed, customer):
        at = happened_at(rule.deed, asked, row)
        if at is None or not since <= at < until:
            continue
        narrowing = [key for key in ("source", "template", "category", "provider", "name") if key in asked]
        if all(row[_COLUMN.get(key, key)] in asked[key] for key in narrowing) and (
            "net" not in asked or compares(asked["net"][0], row["net"])
        ):
            counted.append(row)
    if "exactly" in asked:
        is_enough = len(counted) == int(asked["exactly"][0])
    else:
        least = int(asked.get("at_least", ("0" if "at_most" in asked else "1",))[0])
        is_enough = least <= len(counted) <= int(asked.get("at_most", ("999999",))[0])
    return is_enough and (
        "spent" not in asked or compares(asked["spent"][0], sum((row["net"] for row in counted), Decimal(0)))
    )


def answer(rule: Rule, person: dict[str, Any], against: fields.Catalog, facts: Facts) -> bool:
    match rule:
        case AllOf(inner):
            return all(answer(each, person, against, facts) for each in inner)
        case AnyOf(inner):
            return any(answer(each, person, against, facts) for each in inner)
        case Not(inner):
            return not answer(inner, person, against, facts)
        case InSegment(name):
            return answer(SAVED[name], person, against, facts)
        case Did():
            return did_it(rule, person["customer_id"], facts, against.as_of)
        case Leaf():
            value = person.get(rule.field)
            if rule.operator is Operator.IS_SET:
                return (value is not None) == (rule.values[0] == "yes")
            return rule.unset if value is None else COMPARE[rule.operator](value, *fields.values(rule, against))
    raise AssertionError(rule)


def three_valued(rule: Rule, person: dict[str, Any], against: fields.Catalog, facts: Facts) -> bool | None:
    match rule:
        case AllOf(inner) | AnyOf(inner):
            answers = [three_valued(each, person, against, facts) for each in inner]
            settles = isinstance(rule, AnyOf)
            return settles if settles in answers else None if None in answers else not settles
        case Not(inner):
            inverted = three_valued(inner, person, against, facts)
            return None if inverted is None else not inverted
        case InSegment(name):
            return three_valued(SAVED[name], person, against, facts)
        case Leaf(field, operator) if operator is not Operator.IS_SET and person.get(field) is None:
            return None
    return answer(rule, person, against, facts)
