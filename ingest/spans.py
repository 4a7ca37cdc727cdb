"""JSON with the place of each value in its bytes, so that some can be taken out and the rest stays where it was."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ingest.landing import read_json

_TOKEN = re.compile(rb'\s*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}\[\],:"]+))', re.DOTALL)


@dataclass(eq=False, slots=True)
class Node:
    """A value of a document: bytes [start, end), what it is, what it stands in and what stands in it."""

    start: int
    end: int
    value: Any
    parent: "Node | None" = None
    key: str | None = None
    items: list["Node"] = field(default_factory=list)

    @property
    def is_leaf(self) -> bool:
        return not isinstance(self.value, dict | list)

    @property
    def is_listed(self) -> bool:
        """Whether it is a record of a list."""
        return self.parent is not None and isinstance(self.parent.value, list)

    def leaves(self) -> Iterator["Node"]:
        """Give the single values in it."""
        if self.is_leaf:
            yield self
        for item in self.items:
            yield from item.leaves()

    def nodes(self) -> Iterator["Node"]:
        """Give it and all that is in it."""
        yield self
        for item in self.items:
            yield from item.nodes()

    def record(self) -> "Node":
        """Give the innermost record of a list that it is in, or the document."""
        node = self
        while node.parent is not None and not (node.is_listed and not node.is_leaf):
            node = node.parent
        return node

    def is_within(self, others: Iterable["Node"]) -> bool:
        return any(other.start <= self.start and self.end <= other.end for other in others)


def read(body: bytes) -> Node:
    """Read a document; raises msgspec.DecodeError where it is none."""
    tokens = _tokens(body)
    try:
        kind, start, end = next(tokens)
        return _value(body, tokens, kind, start, end)
    except (StopIteration, RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from None


def blanked(body: bytes, leaves: Iterable[Node]) -> bytes:
    """Take single values out: null where there is room for it, else what says as little; nothing moves."""
    changed = bytearray(body)
    for leaf in leaves:
        size = leaf.end - leaf.start
        empty = b"null" if size >= 4 else b'""' if body[leaf.start : leaf.start + 1] == b'"' else b"0"
        changed[leaf.start : leaf.end] = empty.ljust(size)
    return bytes(changed)


def masked(body: bytes, leaves: Iterable[Node]) -> bytes:
    """Take single values out that must stay what they are, text or number: x for each byte of a text."""
    changed = bytearray(body)
    for leaf in leaves:
        size = leaf.end - leaf.start
        is_text = isinstance(leaf.value, str)
        changed[leaf.start : leaf.end] = b'"' + b"x" * (size - 2) + b'"' if is_text else b"0".ljust(size)
    return bytes(changed)


def written(body: bytes, leaf: Node, text: str) -> bytes:
    """Write another text, which takes no more room, in place of one."""
    size = leaf.end - leaf.start
    encoded = msgspec.json.encode(text)
    return body[: leaf.start] + encoded[:size].ljust(size) + body[leaf.end :] if len(encoded) <= size else body


def removed(body: bytes, records: Iterable[Node], emptied: Iterable[Node] = ()) -> bytes:
    """Take records out of their lists, spaces in their place; those `emptied` stay, with nothing in them."""
    changed = bytearray(body)
    gone = list(records)
    for node in emptied:
        changed[node.start : node.end] = b"{}".ljust(node.end - node.start)
    for parent in {id(node.parent): node.parent for node in gone}.values():
        if parent is not None:
            _thin_out(changed, body, parent, [item for item in parent.items if item in gone])
    return bytes(changed)


def _thin_out(changed: bytearray, body: bytes, parent: Node, gone: list[Node]) -> None:
    """Space out some items of a list; of the commas stay those before a kept item with a kept one before it."""
    has_kept, before = False, None
    for item in parent.items:
        if before is not None and (item in gone or not has_kept):
            comma = body.index(b",", before.end, item.start)
            changed[comma : comma + 1] = b" "
        if item in gone:
            changed[item.start : item.end] = b" " * (item.end - item.start)
        else:
            has_kept = True
        before = item


Tokens = Iterator[tuple[bytes, int, int]]


def _tokens(body: bytes) -> Tokens:
    for found in _TOKEN.finditer(body):
        index = found.lastindex or 1
        yield found[index][:1], found.start(index), found.end(index)


def _value(body: bytes, tokens: Tokens, kind: bytes, start: int, end: int) -> Node:
    if kind == b"{":
        return _object(body, tokens, start)
    if kind == b"[":
        return _list(body, tokens, start)
    return Node(start, end, read_json(body[start:end]))


def _object(body: bytes, tokens: Tokens, start: int) -> Node:
    node = Node(start, start, {})
    kind, at, end = next(tokens)
    while kind != b"}":
        if kind == b",":
            kind, at, end = next(tokens)
        key = read_json(body[at:end])
        next(tokens)  # the colon
        child = _value(body, tokens, *next(tokens))
        child.parent, child.key = node, key
        node.value[key] = child.value
        node.items.append(child)
        kind, at, end = next(tokens)
    node.end = end
    return node


def _list(body: bytes, tokens: Tokens, start: int) -> Node:
    node = Node(start, start, [])
    kind, at, end = next(tokens)
    while kind != b"]":
        if kind == b",":
            kind, at, end = next(tokens)
        child = _value(body, tokens, kind, at, end)
        child.parent = node
        node.value.append(child.value)
        node.items.append(child)
        kind, at, end = next(tokens)
    node.end = end
    return node
