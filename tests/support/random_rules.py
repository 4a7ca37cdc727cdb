"""Random rule trees, and a plain evaluator of them to hold the compiled SQL against."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from published_shop import AS_OF, COUNTRIES, NAMES

from wabench.segments import fields
from wabench.segments.rules import AllOf, AnyOf, Leaf, Not, Operator, Rule

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
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda each: AllOf(tuple(each)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(lambda each: AnyOf(tuple(each)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)


def answer(rule: Rule, person: dict[str, Any], against: fields.Catalog) -> bool:
    match rule:
        case AllOf(inner):
            return all(answer(each, person, against) for each in inner)
        case AnyOf(inner):
            return any(answer(each, person, against) for each in inner)
        case Not(inner):
            return not answer(inner, person, against)
    value = person.get(rule.field)
    if rule.operator is Operator.IS_SET:
        return (value is not None) == (rule.values[0] == "yes")
    return rule.unset if value is None else COMPARE[rule.operator](value, *fields.values(rule, against))


def three_valued(rule: Rule, person: dict[str, Any], against: fields.Catalog) -> bool | None:
    match rule:
        case AllOf(inner) | AnyOf(inner):
            answers = [three_valued(each, person, against) for each in inner]
            settles = isinstance(rule, AnyOf)
            return settles if settles in answers else None if None in answers else not settles
        case Not(inner):
            inverted = three_valued(inner, person, against)
            return None if inverted is None else not inverted
    unknown = rule.operator is not Operator.IS_SET and person.get(rule.field) is None
    return None if unknown else answer(rule, person, against)
