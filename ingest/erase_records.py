"""A person taken out of what a CRM gave: their records go, their orders stay as a guest's.

Of an order is kept what its row needs and no more, whichever CRM it is: each value is taken out that can be without the
row changing. So addresses, notes and fields nobody maps go too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ingest import landing, spans
from ingest.paths import expand
from ingest.records import SURPLUS, Reading, compile_mapping, convert
from ingest.sources.base import Table
from ingest.spans import Node
from wabench.erasure.traces import Person

_PERSONAL = ("customer_ref", "phone", "email", "name")
Row = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a page's records are read: the tables they fill, and what their source leaves unsaid."""

    source: str
    tables: tuple[Table, ...]
    reading: Reading


@dataclass(frozen=True, slots=True)
class _Found:
    """A row a page gives, and the record it is of; `row` is None of one that can't be understood."""

    table: str
    row: dict[str, Any] | None
    record: Any


def without(body: bytes, layout: Layout, person: Person) -> bytes | None:
    """Give the body as long as it was, without the person; None where it is a record of theirs and nothing else.

    Raises msgspec.DecodeError for what is no JSON.
    """
    document = spans.read(body)
    found = list(_found(document.value, layout))
    orders = person.orders_of(layout.source) | _orders(found, layout, person)
    theirs = [each for each in found if _is_theirs(each, layout, person, orders)]
    records = _nodes(document, (each for each in theirs if _is_person(each)))
    gone = [*records, *_nodes(document, (e for e in found if e.row is None and _mentions(e, person)))]
    if document in gone:
        return None
    kept = _nodes(document, (each for each in theirs if not _is_person(each)))
    aim = _Aim(layout, _expected(found, theirs), orders)
    without = spans.removed(body, [node for node in gone if node.is_listed])
    without = spans.blanked(without, (leaf for node in gone if not node.is_listed for leaf in node.leaves()))
    if not aim.is_met(without):  # a page that does not hold together without them
        without = spans.blanked(body, (leaf for node in gone for leaf in node.leaves()))
    bare = spans.blanked(without, _needless(body, kept, layout, orders))
    return _swept(bare if aim.is_met(bare) else without, aim, person)


@dataclass(frozen=True, slots=True)
class _Aim:
    """What a page shall give once the person is out of it."""

    layout: Layout
    rows: list[Row]
    orders: frozenset[str]

    def is_met(self, body: bytes) -> bool:
        """Tell whether it gives these rows; whom an order is of does not matter where it is theirs."""
        return _rows(body, self.layout, self.orders) == self.rows


def _found(document: Any, layout: Layout) -> Iterable[_Found]:
    for table in layout.tables:
        mapping = compile_mapping(table.name, table.map, layout.reading, table.words)
        try:
            shaped = table.shape(document) if table.shape else document
            for record, parents in expand(shaped, table.records):
                row = None
                try:
                    if not (isinstance(record, dict) and SURPLUS in record):
                        row = convert(record, parents, mapping, layout.reading)
                except ValueError:
                    pass
                yield _Found(table.name, row, record)
        except (LookupError, TypeError, ValueError, AttributeError):  # as the loader, which rejects such a page
            continue


def _rows(body: bytes, layout: Layout, orders: frozenset[str]) -> list[Row]:
    try:
        found = list(_found(landing.read_json(body), layout))
    except (msgspec.DecodeError, RecursionError):
        return []
    return [(e.table, _impersonal(e.row) if _is_of(e, orders) else e.row) for e in found if e.row is not None]


def _expected(found: Sequence[_Found], theirs: Sequence[_Found]) -> list[Row]:
    kept = [e for e in found if e.row is not None and not (e in theirs and _is_person(e))]
    return [(e.table, _impersonal(e.row) if e in theirs else e.row) for e in kept if e.row is not None]


def _impersonal(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _PERSONAL}


def _is_of(found: _Found, orders: frozenset[str]) -> bool:
    return found.table != "customers" and found.row is not None and found.row.get("order_id") in orders


def _is_person(found: _Found) -> bool:
    return found.table == "customers"


def _orders(found: Sequence[_Found], layout: Layout, person: Person) -> frozenset[str]:
    """Name the orders of a page that say they are theirs."""
    named = (e.row for e in found if e.row is not None and not _is_person(e) and _says(e.row, layout, person))
    return frozenset(str(row["order_id"]) for row in named)


def _says(row: dict[str, Any], layout: Layout, person: Person) -> bool:
    ref = row.get("customer_ref")
    return ref in person.refs_of(layout.source) or person.traces.is_person(row.get("phone"), row.get("email"))


def _is_theirs(found: _Found, layout: Layout, person: Person, orders: frozenset[str]) -> bool:
    if found.row is None:
        return False
    return _says(found.row, layout, person) if _is_person(found) else _is_of(found, orders)


def _mentions(found: _Found, person: Person) -> bool:
    return person.traces.is_in(msgspec.json.encode(found.record, enc_hook=str))


def _nodes(document: Node, found: Iterable[_Found]) -> list[Node]:
    """Find where records stand in a page; one that was laid out anew is found by what is in it."""
    by_id = {id(node.value): node for node in document.nodes() if not node.is_leaf}
    nodes = (_node(by_id, each.record) for each in found)
    return list({id(node): node for node in nodes if node is not None}.values())


def _node(by_id: dict[int, Node], record: Any) -> Node | None:
    if node := by_id.get(id(record)):
        return node
    inside = record.values() if isinstance(record, dict) else ()
    return next((by_id[id(v)].parent for v in inside if id(v) in by_id), None)


def _needless(body: bytes, kept: Sequence[Node], layout: Layout, orders: frozenset[str]) -> list[Node]:
    """Find the values of orders that their rows do without, on a page that has these orders alone."""
    others = [i for n in kept if n.is_listed and n.parent for i in n.parent.items if i not in kept]
    small, whole = spans.removed(body, {id(other): other for other in others}.values()), _rows(body, layout, orders)
    wanted = _rows(small, layout, orders)
    if _theirs(wanted, orders) != _theirs(whole, orders):  # it does not hold together without the others
        small, wanted = body, whole
    needless: list[Node] = []

    def drop(leaves: list[Node]) -> None:
        if not leaves:
            return
        if _rows(spans.blanked(small, [*needless, *leaves]), layout, orders) == wanted:
            needless.extend(leaves)
        elif len(leaves) > 1:
            drop(leaves[: len(leaves) // 2])
            drop(leaves[len(leaves) // 2 :])

    for node in kept:
        drop(list(node.leaves()))
    return needless


def _theirs(rows: Sequence[Row], orders: frozenset[str]) -> list[Row]:
    return [(table, row) for table, row in rows if table != "customers" and row.get("order_id") in orders]


def _swept(body: bytes, aim: _Aim, person: Person) -> bytes:
    """Take out what still names them: a reference beside the records, a phone in somebody else's note."""
    traces, refs = person.traces, person.refs_of(aim.layout.source)
    for leaf in spans.read(body).leaves():
        if isinstance(leaf.value, bool) or not isinstance(leaf.value, str | int):
            continue
        if traces.is_theirs(leaf.value):
            without = spans.blanked(body, [leaf])
            body = without if aim.is_met(without) else spans.masked(body, [leaf])
        elif isinstance(leaf.value, str) and traces.mentions(leaf.value):
            body = spans.written(body, leaf, traces.masked(leaf.value))
        elif str(leaf.value) in refs and aim.is_met(without := spans.blanked(body, [leaf])):
            body = without
    return body


def without_layout(body: bytes, person: Person) -> bytes:
    """Take the records that name them out of a page nobody can read: their values go, all that there are."""
    document = spans.read(body)
    hits = [leaf for leaf in document.leaves() if person.traces.is_theirs(leaf.value)]
    records = {id(leaf.record()): leaf.record() for leaf in hits}.values()
    changed = spans.blanked(body, {id(leaf): leaf for record in records for leaf in record.leaves()}.values())
    return person.traces.masked_bytes(changed)
