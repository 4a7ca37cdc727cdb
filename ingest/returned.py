"""Who was erased and comes again: kept out of what is loaded, unless they came back by their own doing.

That is a message they write, and a consent they give, later than they were erased. What else names them, the status of
something sent before or a CRM that still has them, is dropped, and an order loses whom it is of.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.parse import Parsed
from wabench.erasure import suppressed
from wabench.erasure.suppressed import Erased
from wabench.erasure.traces import Person, every_spelling
from wabench.settings import Settings

_PERSONAL = ("customer_ref", "phone", "email", "name")
_WHOLE = ("message_events", "customers")
"""Tables whose rows are of nobody else."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What was kept out: so many rows, and all that they name, to be erased where it is landed."""

    rows: int
    person: Person


def kept_out(settings: Settings, parsed: Parsed, erased: Erased) -> tuple[Parsed, Returned]:
    """Give what was parsed without who was erased."""
    of, tables, dropped = parsed.span.source, dict(parsed.tables), []
    for name, table in parsed.tables.items():
        found = _erased(table, of, erased)
        if back := [each for row in _rows(table, found) for each in _back(row, of, found, erased)]:
            suppressed.lift(settings, erased, back)
            found = _erased(table, of, erased)
        if not found:
            continue
        theirs = _is_theirs(table, of, found)
        dropped.append(table.filter(theirs))
        tables[name] = table.filter(pc.invert(theirs)) if name in _WHOLE else _impersonal(table, theirs)
    rows = sum(len(table) for table in dropped)
    return replace(parsed, tables=tables), Returned(rows, _person(dropped, of, settings.region))


def _identities(table: pa.Table, of: str) -> Iterator[tuple[str, str]]:
    """Name the columns that identify a person, and what stands before their values in an identity."""
    prefixes = {
        "phone": "phone:",
        "user_id": f"user_id:{of}:",
        "email": "email:",
        "customer_ref": f"customer_ref:{of}:",
    }
    yield from ((column, prefix) for column, prefix in prefixes.items() if column in table.column_names)


def _erased(table: pa.Table, of: str, erased: Erased) -> frozenset[str]:
    """Give the identities in a table that were erased."""
    named = (
        f"{prefix}{value.lower() if column == 'email' else value}"
        for column, prefix in _identities(table, of)
        for value in pc.unique(table[column]).to_pylist()
        if value
    )
    return erased.found(named)


def _is_theirs(table: pa.Table, of: str, found: frozenset[str]) -> pa.ChunkedArray:
    is_theirs = pa.chunked_array([pa.array([False] * len(table))])
    for column, prefix in _identities(table, of):
        values = [each.removeprefix(prefix) for each in found if each.startswith(prefix)]
        told = pc.utf8_lower(table[column]) if column == "email" else table[column]
        is_theirs = pc.or_(is_theirs, pc.fill_null(pc.is_in(told, pa.array(values, pa.string())), False))
    return is_theirs


def _rows(table: pa.Table, found: frozenset[str]) -> list[dict[str, Any]]:
    """Give the rows of a table by which somebody may come back."""
    wanted = {"event_type", "phone", "user_id", "email", "customer_ref", "consent", "consent_at", "occurred_at"}
    chosen = table.select([name for name in table.column_names if name in wanted])
    return list(chosen.to_pylist()) if found and not {"event_type", "consent"}.isdisjoint(table.column_names) else []


def _back(row: dict[str, Any], of: str, found: frozenset[str], erased: Erased) -> Iterator[str]:
    """Give the identities of a row whose person has come back in it."""
    said_at = row.get("occurred_at") if row.get("event_type") in ("received", "opt_in") else None
    moment: datetime | None = row.get("consent_at") if row.get("consent") else said_at
    if moment is None:
        return
    phone, user_id, email, ref = (row.get(name) for name in ("phone", "user_id", "email", "customer_ref"))
    named = {f"phone:{phone}", f"user_id:{of}:{user_id}", f"email:{(email or '').lower()}", f"customer_ref:{of}:{ref}"}
    since = [at for each in named & found if (at := erased.erased_at(each))]
    if since and moment.replace(tzinfo=UTC) > max(since):
        yield from named & found


def _impersonal(table: pa.Table, theirs: pa.ChunkedArray) -> pa.Table:
    for name in _PERSONAL:
        if name in table.column_names:
            nothing = pa.scalar(None, table.schema.field(name).type)
            table = table.set_column(table.column_names.index(name), name, pc.if_else(theirs, nothing, table[name]))
    return table


def _person(dropped: list[pa.Table], of: str, region: str) -> Person:
    def values(name: str) -> frozenset[str]:
        tables = (table for table in dropped if name in table.column_names)
        return frozenset(value for table in tables for value in table[name].to_pylist() if value)

    return Person(
        phones=every_spelling(values("phone")),
        user_ids=frozenset((of, each) for each in values("user_id")),
        emails=frozenset(each.lower() for each in values("email")),
        refs=frozenset((of, each) for each in values("customer_ref")),
        orders=frozenset((of, each) for each in values("order_id")),
        message_ids=values("message_id"),
        region=region,
    )
