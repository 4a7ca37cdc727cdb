"""A rule as SQL: two boolean expressions over `dim_customers` that share their bound parameters.

`decided` answers every leaf, unset values included, so it is never null and `not` is plain boolean. `known` is the
same tree in SQL's three-valued logic: it is null exactly where the values that are known do not settle the answer.
"""

from dataclasses import dataclass, field

from wabench.errors import UsageError
from wabench.segments.fields import Catalog, Scalar, values
from wabench.segments.rules import AllOf, AnyOf, Leaf, Not, Operator, Rule

_SQL = {
    Operator.IS: "{column} = {0}",
    Operator.IS_NOT: "{column} <> {0}",
    Operator.IN: "{column} in ({all})",
    Operator.NOT_IN: "{column} not in ({all})",
    Operator.BELOW: "{column} < {0}",
    Operator.AT_MOST: "{column} <= {0}",
    Operator.ABOVE: "{column} > {0}",
    Operator.AT_LEAST: "{column} >= {0}",
    Operator.BETWEEN: "{column} between {0} and {1}",
    Operator.CONTAINS: "contains(lower({column}), lower({0}))",
    Operator.IS_SET: "({column} is not null) = {0}",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL to stand after `where` or inside `filter (where …)`, and its parameters by name."""

    decided: str
    known: str
    params: dict[str, Scalar] = field(default_factory=dict)


def compile_rule(rule: Rule, against: Catalog) -> Compiled:
    """Compile a rule; raises UsageError with its first unknown field, operator or value."""
    params: dict[str, Scalar] = {}
    try:
        decided, known = _pair(rule, against, params)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return Compiled(decided, known, params)


def _pair(rule: Rule, against: Catalog, params: dict[str, Scalar]) -> tuple[str, str]:
    match rule:
        case Leaf():
            known = _leaf(rule, against, params)
            return f"coalesce({known}, {str(rule.unset).lower()})", f"({known})"
        case Not(inner):
            decided, known = _pair(inner, against, params)
            return f"(not {decided})", f"(not {known})"
        case AllOf(rules) | AnyOf(rules):
            word = " and " if isinstance(rule, AllOf) else " or "
            pairs = [_pair(inner, against, params) for inner in rules]
            return f"({word.join(p[0] for p in pairs)})", f"({word.join(p[1] for p in pairs)})"


def _leaf(leaf: Leaf, against: Catalog, params: dict[str, Scalar]) -> str:
    bound = []
    for value in values(leaf, against):
        name = f"p{len(params)}"
        params[name] = value
        bound.append(f"${name}")
    # The field stands in the catalog by now: only a column's own name is ever written into the statement.
    column = f'"{leaf.field}"'
    return _SQL[leaf.operator].format(*bound, column=column, all=", ".join(bound))
