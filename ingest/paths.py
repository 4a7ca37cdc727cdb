"""Where a value stands in a record, as mappings write it.

customer.phones[0].number       walks into a record
phones[type=mobile].number      takes the first of a list whose `type` says so
["a.b"]                         is a key with a dot in it
^.id                            looks in the record around this one
phone | shipping.phone | =none  takes the first that is there, else the value itself
first_name & last_name          takes all that is there, with spaces between
+refunds[].total                adds up what a list holds
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Where:
    """A step into a list: its first record whose `key` is `value`."""

    key: str
    value: str


Step = str | int | Where
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: any of several places, each one path, several to join, or a list to add up."""

    alternatives: tuple[tuple[Path, ...], ...]
    total_of: str = ""
    """Not empty: the list whose values are added up, `refunds[].total`."""
    otherwise: str | None = None
    """What it is where none of them is there."""


def values(record: Any, place: Place, parents: tuple[Any, ...]) -> Iterator[Any]:
    """Give what a place holds: each alternative that is there, its parts joined, or a list added up."""
    if place.total_of:
        found = [value for value, _ in expand(record, place.total_of, parents) if value != ""]
        if found:
            yield sum((Decimal(str(value)) for value in found), Decimal(0))
    for parts in place.alternatives:
        values = [v for v in (find(record, path, parents) for path in parts) if v is not None and v != ""]
        if values:
            yield values[0] if len(parts) == 1 else " ".join(str(value).strip() for value in values)
    if place.otherwise is not None:
        yield place.otherwise


def parse_place(text: str) -> Place:
    """Read `a.b | c & d | =e` into the paths it names, or `+a[].b` into the list to add up."""
    if text.startswith("+"):
        return Place((), text[1:])
    *parts, last = _split(text, "|")
    otherwise = last[1:] if parts and last.startswith("=") else None
    paths = parts if otherwise is not None else [*parts, last]
    return Place(tuple(tuple(parse_path(p) for p in _split(part, "&")) for part in paths), otherwise=otherwise)


def _split(text: str, sign: str) -> list[str]:
    """Split at a sign with spaces around it that is not within a quoted key."""
    return re.split(rf' \{sign} (?=(?:[^"]*"[^"]*")*[^"]*$)', text)


def parse_path(path: str) -> Path:
    """Read `a.b[0].c[k=v]` into its steps; a key with a dot in it is written `["a.b"]`."""
    steps: list[Step] = []
    for quoted, index, named, value, key in re.findall(r'\["([^"]+)"\]|\[(\d+)\]|\[(\w+)=([^\]]*)\]|([^.\[\]]+)', path):
        steps.append(Where(named, value) if named else int(index) if index else quoted or key)
    return tuple(steps)


def find(record: Any, path: Path, parents: tuple[Any, ...] = ()) -> Any:
    """Walk into a record; None where the way ends early. `^` steps out to the record around it."""
    for step in path:
        if step == "^":
            if not parents:
                return None
            record, parents = parents[-1], parents[:-1]
        elif isinstance(step, str) and isinstance(record, dict):
            record = record.get(step)
        elif isinstance(step, int) and isinstance(record, list):
            record = record[step] if step < len(record) else None
        elif isinstance(step, Where) and isinstance(record, list):
            record = next((r for r in record if isinstance(r, dict) and str(r.get(step.key)) == step.value), None)
        else:
            return None
    return record


def has_list(document: Any, path: str) -> bool:
    """Tell whether an answer holds the list of records at all; an error that comes as HTTP 200 does not."""
    return isinstance(find(document, parse_path(path.partition("[]")[0])), list)


def expand(record: Any, path: str, parents: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Give each record of a list and the records around it; `orders[].items[]` walks lists within lists."""
    here, _, inside = path.partition("[]")
    items = find(record, parse_path(here))
    for item in items if isinstance(items, list) else [items]:
        if inside:
            yield from expand(item, inside.removeprefix("."), (*parents, record))
        elif item is not None:
            yield item, (*parents, record)
