"""Why a customer is in a segment or not: each leaf with its value and its answer, and what would turn it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wabench import published
from wabench.errors import UsageError
from wabench.published import Published
from wabench.segments import behaviours, files, flips, history, moments, sets
from wabench.segments.compiler import UNTOLD, Compiled, compile_rules, inner
from wabench.segments.fields import Catalog
from wabench.segments.files import Segment
from wabench.segments.flips import Done, Flip
from wabench.segments.queries import catalog
from wabench.segments.rules import AllOf, AnyLeaf, AnyOf, Did, InSegment, Leaf, Not, Rule, to_data
from wabench.settings import Settings


@dataclass(slots=True)
class Node:
    """A rule of the tree with its answer for one customer; None where nobody can tell it for the moment asked about.

    Of a leaf, `value` is what the answer stands on, `is_unset` says that `unset` gave it, `flips` what would turn it,
    and `decides` that it alone would turn the whole.
    """

    at: str
    kind: str
    rule: dict[str, object]
    answer: bool | None = None
    value: Any = None
    is_known: bool = True
    is_unset: bool = False
    flips: tuple[Flip, ...] = ()
    decides: bool = False
    children: list["Node"] = field(default_factory=list)
    leaf: AnyLeaf | None = None

    def walk(self) -> Iterator["Node"]:
        """Give this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a customer is in a saved segment; None where its rule can't be asked."""

    segment: str
    is_in: bool | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a customer is in a segment at a moment, None where it can't be told, and why."""

    segment: str
    customer_id: str
    name: str | None
    is_in: bool | None
    as_of: datetime
    is_now: bool
    rule_since: str | None
    why: Node


def explain(
    settings: Settings, segment: Segment, customer_id: str, as_of: str | None = None, of: Published | None = None
) -> Explanation:
    """Explain a customer's membership now, or at a moment that has passed with the rule the segment had then.

    Raises UsageError for a customer that is not known.
    """
    version = of or published.current(settings)
    known = version.query("select name from dim_customers where customer_id = $id", {"id": customer_id}).to_pylist()
    if not known:
        raise UsageError(f"no customer has the id {customer_id!r}; the Customers page finds them by name or phone")
    against, rule, since = _asked(settings, segment, as_of, version)
    tree = outline(rule, against)
    compiled = compile_leaves(tree, against, customer_id)
    rows = answers(version, tree, compiled)
    if not rows:
        raise UsageError(f"{customer_id} was not seen yet at {against.as_of:%Y-%m-%d %H:%M} UTC")
    fill(tree, rows[0])
    for node in _leaf_nodes(tree):
        _detail(node, version, against, rows[0], customer_id)
    _mark_deciding(tree)
    is_now = against.kept is None
    return Explanation(segment.name, customer_id, known[0]["name"], tree.answer, against.as_of, is_now, since, tree)


def memberships(settings: Settings, customer_id: str, of: Published | None = None) -> list[Membership]:
    """Tell of every saved segment whether a customer is in it; None of one that can't be asked."""
    version = of or published.current(settings)
    against = catalog(settings, version)
    rules: dict[str, Rule | None] = {name: _asked_well(settings, name, against) for name in files.names(settings)}
    whole = {name: rule for name, rule in rules.items() if rule is not None}
    if not whole:
        return [Membership(name, None) for name in rules]
    compiled = compile_rules(list(whole.values()), against, of_one=customer_id)
    cells = ", ".join(f"{pair.decided} as r{n}" for n, pair in enumerate(compiled.rules))
    sql = f"{compiled.people} select {cells} from people"  # noqa: S608 - the compiler's words
    rows = version.query(sql, compiled.params, sets.tables(version, compiled)).to_pylist()
    answered = dict(zip(whole, rows[0].values(), strict=True)) if rows else {}
    return [Membership(name, answered.get(name)) for name in rules]


def outline(rule: Rule, against: Catalog, at: str = "where", inside: tuple[str, ...] = ()) -> Node:
    """Lay out a rule as nodes without answers; a segment in it is opened."""
    match rule:
        case AllOf(rules) | AnyOf(rules):
            word = "all" if isinstance(rule, AllOf) else "any"
            children = [outline(each, against, f"{at}.{word}[{n}]", inside) for n, each in enumerate(rules)]
            return Node(at, word, {}, children=children)
        case Not(negated):
            return Node(at, "not", {}, children=[outline(negated, against, f"{at}.not", inside)])
        case InSegment(name):
            held = outline(inner(rule, against, inside), against, f"{at}.{name}", (*inside, name))
            return Node(at, "in_segment", to_data(rule), children=[held])
        case Leaf() | Did():
            return Node(at, "leaf", to_data(rule), leaf=rule)
        case _:
            return Node(at, "sql", to_data(rule), leaf=rule)


def compile_leaves(tree: Node, against: Catalog, of_one: str | None = None) -> Compiled:
    """Compile each leaf of an outline on its own, in its order, of all customers or of one."""
    rules = [node.leaf for node in _leaf_nodes(tree) if node.leaf is not None]
    if against.kept is not None:
        return moments.compile_at(rules, against, of_one)
    return compile_rules(rules, against, of_one=of_one)


def answers(version: Published, tree: Node, compiled: Compiled) -> list[dict[str, Any]]:
    """Ask every leaf of each customer: `a<n>` its answer, `k<n>` the one without unset, `v<n>` the value."""
    cells = ["customer_id"]
    for n, (node, pair) in enumerate(zip(_leaf_nodes(tree), compiled.rules, strict=True)):
        cells += [f"{pair.decided} as a{n}", f"{pair.known} as k{n}"]
        is_shown = isinstance(node.leaf, Leaf) and pair.decided != UNTOLD
        cells.append(f'"{node.leaf.field}" as v{n}' if is_shown else f"null as v{n}")  # type: ignore[union-attr]
    sql = f"{compiled.people} select {', '.join(cells)} from people"  # noqa: S608 - the compiler's words
    found: list[dict[str, Any]] = version.query(sql, compiled.params, sets.tables(version, compiled)).to_pylist()
    return found


def fill(tree: Node, row: dict[str, Any]) -> bool | None:
    """Fill an outline with one customer's answers, and give the whole's."""
    for n, node in enumerate(_leaf_nodes(tree)):
        node.answer, node.value = row[f"a{n}"], row[f"v{n}"]
        node.is_known, node.is_unset = node.answer is not None, node.answer is not None and row[f"k{n}"] is None
    return _combine(tree)


def _combine(node: Node) -> bool | None:
    """Answer groups by what is in them, in logic of three values: what can't be told may still not matter."""
    if not node.children:
        return node.answer
    below = [_combine(child) for child in node.children]
    match node.kind:
        case "not":
            node.answer = None if below[0] is None else not below[0]
        case "all":
            node.answer = False if False in below else None if None in below else True
        case "any":
            node.answer = True if True in below else None if None in below else False
        case _:
            node.answer = below[0]
    node.is_known = node.answer is not None
    return node.answer


def _mark_deciding(tree: Node) -> None:
    whole = tree.answer
    for node in _leaf_nodes(tree):
        if node.answer is None:
            continue
        node.answer = not node.answer
        node.decides = _combine(tree) is not whole
        node.answer = not node.answer
        _combine(tree)


def _detail(node: Node, version: Published, against: Catalog, row: dict[str, Any], customer_id: str) -> None:
    match node.leaf:
        case Leaf() if node.is_known:
            node.flips = flips.of_field(node.leaf, node.answer is True, node.value, against)
        case Did():
            params: dict[str, Any] = {"customer": customer_id}
            question = behaviours.read(node.leaf, against)
            sql = behaviours.facts(question, lambda value: _bound(params, value))
            facts = version.query(sql, params).to_pylist()
            done = Done(tuple(fact["moment"] for fact in facts), tuple(fact["amount"] for fact in facts))
            node.value = done.value
            node.flips = flips.of_deed(node.leaf, question, node.answer is True, done, against)


def _asked_well(settings: Settings, name: str, against: Catalog) -> Rule | None:
    try:
        rule = files.load(settings, name).where
        compile_rules([rule], against)
    except UsageError:
        return None
    return rule


def _bound(params: dict[str, Any], value: Any) -> str:
    name = f"p{len(params)}"
    params[name] = value
    return f"${name}"


def _asked(
    settings: Settings, segment: Segment, as_of: str | None, version: Published
) -> tuple[Catalog, Rule, str | None]:
    now = catalog(settings, version)
    if as_of is None:
        return now, segment.where, None
    at = moments.parse(as_of, now)
    if segment.name in files.names(settings):
        rule, since = history.rule_at(settings, segment.name, at)
    else:
        rule, since = segment.where, ""  # not saved: there is no other rule it could have had
    return moments.catalog_at(settings, at, version, lambda name: history.rule_at(settings, name, at)[0]), rule, since


def _leaf_nodes(tree: Node) -> list[Node]:
    return [node for node in tree.walk() if node.leaf is not None]
