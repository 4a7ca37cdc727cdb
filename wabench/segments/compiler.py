"""A rule as SQL: two boolean expressions over `people`, that is `dim_customers` and who did what, and what they need.

`decided` answers every leaf, unset values included, so it is null only where a field is not known at a past moment, and
`not` is plain boolean. `known` is the same tree in SQL's three-valued logic: it is null exactly where the values that
are known do not settle the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from wabench.errors import UsageError
from wabench.segments import behaviours
from wabench.segments.fields import TABLE, TRACKED, Catalog, Scalar, values
from wabench.segments.rules import AllOf, AnyLeaf, AnyOf, Did, InSegment, Leaf, Not, Operator, Rule, Sql, leaves

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

UNTOLD = "null::boolean"
"""What a leaf answers of a field whose past nobody kept."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One rule's two expressions."""

    decided: str
    known: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A SELECT of the keys of a leaf's set, with parameters of its own; `ids` are those it selected already."""

    sql: str
    params: dict[str, Scalar] = field(default_factory=dict)
    ids: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """Expressions to stand after `where`, or inside `filter (where …)`, of a statement that begins with `people`.

    `params` are bound by name; `sets` are registered under theirs. `is_of_one`: of one customer alone, `$customer`.
    """

    rules: tuple[Pair, ...]
    people: str
    params: dict[str, Scalar] = field(default_factory=dict)
    sets: dict[str, Asked] = field(default_factory=dict)
    is_of_one: bool = False

    @property
    def decided(self) -> str:
        return self.rules[0].decided

    @property
    def known(self) -> str:
        return self.rules[0].known


def compile_rule(rule: Rule, against: Catalog) -> Compiled:
    """Compile a rule; raises UsageError with its first unknown field, operator or value."""
    return compile_rules([rule], against)


def compile_rules(rules: Sequence[Rule], against: Catalog, source: str = TABLE, of_one: str | None = None) -> Compiled:
    """Compile several rules over one `people`, of the customers in `source`, or of one customer alone."""
    making = _Making(against, of_one)
    try:
        pairs = tuple(making.pair(rule, ()) for rule in rules)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if of_one is not None:
        making.params["customer"] = of_one
    return Compiled(pairs, making.people(source), making.params, making.asked(), of_one is not None)


def problems(rule: Rule, against: Catalog, at: str = "where") -> list[str]:
    """Say everything that is wrong with a rule's fields, operators and values, one line each."""
    found = []
    for place, leaf in leaves(rule, at):
        try:
            _Making(against).pair(leaf, ())
        except ValueError as error:
            found.append(f"{place}: {error}")
    return found


def inner(leaf: InSegment, against: Catalog, inside: tuple[str, ...]) -> Rule:
    """Give the rule of the segment that a leaf names; raises ValueError where it is missing, broken or holds itself."""
    if leaf.name in inside:
        raise ValueError(f"in_segment: {' holds '.join((*inside, leaf.name))}: a segment can't hold itself")
    if against.segment is None:
        raise ValueError("in_segment: there are no saved segments to ask here")
    try:
        return against.segment(leaf.name)
    except UsageError as error:
        raise ValueError(f"in_segment: {error}") from None


def named(rule: Rule, against: Catalog) -> dict[str, Rule]:
    """Give the rules of all segments that a rule stands on, directly or through another, by their names."""
    found: dict[str, Rule] = {}
    waiting = [rule]
    while waiting:
        for _, leaf in leaves(waiting.pop()):
            if isinstance(leaf, InSegment) and leaf.name not in found:
                found[leaf.name] = inner(leaf, against, ())
                waiting.append(found[leaf.name])
    return found


@dataclass(slots=True)
class _Making:
    """What a statement gathers while its rules are compiled; the same leaf twice is one set."""

    against: Catalog
    of_one: str | None = None
    params: dict[str, Scalar] = field(default_factory=dict)
    sets: dict[AnyLeaf, tuple[Asked, bool]] = field(default_factory=dict)

    def pair(self, rule: Rule, inside: tuple[str, ...]) -> Pair:
        match rule:
            case Leaf():
                return self._leaf(rule)
            case Did() | Sql():
                column = self._column(rule)
                return Pair(column, column)
            case InSegment(name):
                return self.pair(inner(rule, self.against, inside), (*inside, name))
            case Not(negated):
                pair = self.pair(negated, inside)
                return Pair(f"(not {pair.decided})", f"(not {pair.known})")
            case AllOf(rules) | AnyOf(rules):
                word = " and " if isinstance(rule, AllOf) else " or "
                pairs = [self.pair(each, inside) for each in rules]
                return Pair(f"({word.join(p.decided for p in pairs)})", f"({word.join(p.known for p in pairs)})")

    def people(self, source: str) -> str:
        """Give the `with` that a statement begins with: a column for each set beside the customers'."""
        columns = "".join(
            f', hash(customer_id) {"not " if is_negated else ""}in (select key from {name}) as "{name}"'  # noqa: S608
            for name, (_, is_negated) in zip(self._names(), self.sets.values(), strict=True)
        )
        where = " where customer_id = $customer" if self.of_one is not None else ""
        return f"with people as (select *{columns} from {source}{where})"  # noqa: S608 - names of our own

    def asked(self) -> dict[str, Asked]:
        return dict(zip(self._names(), (asked for asked, _ in self.sets.values()), strict=True))

    def _names(self) -> list[str]:
        return [f"set_{n}" for n in range(len(self.sets))]

    def bind(self, value: Scalar) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"${name}"

    def _leaf(self, leaf: Leaf) -> Pair:
        read = values(leaf, self.against)
        if self.against.kept is not None and leaf.field not in self.against.kept:
            return Pair(UNTOLD, UNTOLD)
        bound = [self.bind(value) for value in read]
        # The field stands in the catalog by now: only a column's own name is ever written into the statement.
        known = _SQL[leaf.operator].format(*bound, column=f'"{leaf.field}"', all=", ".join(bound))
        if self.against.kept is not None and leaf.field in TRACKED:  # null is "no refresh saw it", which is no answer
            return Pair(*[f'(case when "{leaf.field}" is not null then {known} end)'] * 2)
        return Pair(f"coalesce({known}, {str(leaf.unset).lower()})", f"({known})")

    def _column(self, leaf: Did | Sql) -> str:
        if leaf not in self.sets:
            self.sets[leaf] = self._ids(leaf) if isinstance(leaf, Sql) else self._did(leaf)
        return f'"set_{list(self.sets).index(leaf)}"'

    def _did(self, leaf: Did) -> tuple[Asked, bool]:
        question = behaviours.read(leaf, self.against)
        params: dict[str, Scalar] = {}

        def bind(value: Scalar) -> str:
            name = f"k{len(params)}"
            params[name] = value
            return f"${name}"

        sql = behaviours.customers(question, bind, self.of_one is not None)
        if self.of_one is not None:
            params["customer"] = self.of_one
        return Asked(sql, params), question.is_met_by_none

    def _ids(self, leaf: Sql) -> tuple[Asked, bool]:
        if self.against.run is None:
            raise ValueError("sql: is of today's data; it can't be told for a moment that has passed")
        return Asked(leaf.text, ids=self.against.run(leaf.text)), False
