"""From landed bytes to rows: what a loading process does with one span of one landing file; it writes nothing."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from ingest import landing, records
from ingest.paths import expand
from ingest.records import FIELDS, SURPLUS, Reading, RecordMap, compile_mapping, convert
from ingest.sources.base import Table
from ingest.stated import statements
from wabench import providers
from wabench.errors import WabenchError
from wabench.events import MessageEvent
from wabench.providers.base import Provider
from wabench.providers.errors import Unparsable

BODY_KEPT = 2000
"""Characters of a rejected body that `raw.rejected` shows; landing has the whole."""

EVENT_STREAMS = ("webhooks", "history")
"""Streams whose lines a provider's module reads: what it posted, and what was read back from it."""

_TIME = pa.timestamp("us", tz="UTC")
_MONEY = pa.decimal128(18, 4)
_TYPES: dict[records.Converter, pa.DataType] = {
    records.to_time: _TIME,
    records.to_decimal: _MONEY,
    records.to_bool: pa.bool_(),
}
_EVENT_FIELDS = MessageEvent.__struct_fields__
_EVENT_TYPES = {"occurred_at": _TIME, "price": pa.float64()}
_FEW_VALUES = ("event_type", "channel_id", "direction", "content_type", "category", "pricing_type", "error_code")
"""Columns that go to DuckDB as a dictionary: a fifth less to insert."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole lines [start, end) of a landing file, and how to read the records in it."""

    source: str
    stream: str
    name: str
    path: Path
    start: int
    end: int
    reading: Reading
    tables: tuple[Table, ...] = ()
    """What a pulled page's records become; empty for webhooks, and for batches, whose header says."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of a span: rows of raw tables by their names, and what could not be understood."""

    span: Span
    tables: dict[str, pa.Table]
    rejected: pa.Table


class _Rejects:
    """Collects what a span's lines could not be turned into."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.rows: list[dict[str, Any]] = []

    def add(self, offset: int, received_at: str | None, reason: str, body: bytes) -> None:
        text = body[: 4 * BODY_KEPT].decode(errors="replace")[:BODY_KEPT]
        ref = f"{self._span.name}:{offset}"
        self.rows.append(
            {"landing_ref": ref, "received_at": received_at, "reason": reason, "body": text.replace("\0", "�")}
        )

    def table(self) -> pa.Table:
        schema = pa.schema([(name, pa.string()) for name in ("landing_ref", "received_at", "reason", "body")])
        return _with_source(_received(pa.Table.from_pylist(self.rows, schema)), self._span)


def parse_span(span: Span) -> Parsed:
    """Read and normalise one span. Runs in a process of its own where there is much to load."""
    with span.path.open("rb") as file:
        file.seek(span.start)
        data = file.read(span.end - span.start)
    with _no_garbage_collection():
        if span.stream in EVENT_STREAMS:
            return _parse_events(span, data)
        return _parse_pages(span, data) if span.tables else _parse_batch(span, data)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Spare the collector the walk over a span's rows, none of which is in a cycle: a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def reads(provider: Provider, stream: str) -> Callable[[bytes, str], list[MessageEvent]]:
    """Give what turns a stream's bodies into events."""
    if stream == "webhooks" or provider.history is None:
        return provider.parse
    read = provider.history.read
    return lambda body, query: read(body)[0]


def _parse_events(span: Span, data: bytes) -> Parsed:
    parse = reads(providers.get(span.source), span.stream)
    events: list[MessageEvent] = []
    received: list[str] = []
    refs: list[str] = []
    rejects = _Rejects(span)
    seen: dict[str, int] = {}
    for offset, line in _lines(data, span.start):
        try:
            received_at, body, query = landing.open_envelope(line)
            found = parse(body, query)
        except msgspec.DecodeError as error:
            rejects.add(offset, None, f"damaged landing line: {error}", line)
            continue
        except Unparsable as error:
            rejects.add(offset, received_at, str(error), body)
            continue
        for event in (*found, *statements(found)):
            if (known := seen.get(event.event_id)) is not None:
                events[known] = _with_callback(events[known], event.callback_data)
            else:
                seen[event.event_id] = len(events)
                events.append(event)
                received.append(received_at)
                refs.append(f"{span.name}:{offset}")
    columns: dict[str, Any] = {
        name: pa.array([getattr(e, name) for e in events], _EVENT_TYPES.get(name, pa.string()))
        for name in _EVENT_FIELDS
    }
    columns |= {name: columns[name].dictionary_encode() for name in _FEW_VALUES}
    columns |= {"received_at": pa.array(received, pa.string()), "landing_ref": pa.array(refs, pa.string())}
    columns["provider"] = pa.repeat(span.source, len(events)).cast(pa.string())
    return Parsed(span, {"message_events": _received(pa.table(columns))}, rejects.table())


def _with_callback(event: MessageEvent, callback: str | None) -> MessageEvent:
    """Give an event the word for its send that a repetition carries, as `load_message_events_again.sql` does."""
    if not callback or (event.callback_data and event.callback_data <= callback):
        return event
    return msgspec.structs.replace(event, callback_data=callback)


class _Rows:
    """Collects the rows of one raw table."""

    def __init__(self, table: Table, span: Span, reading: Reading) -> None:
        if table.zone:
            reading = replace(reading, zone=ZoneInfo(table.zone))
        self._table, self._span, self._reading = table, span, reading
        self._mapping = compile_mapping(table.name, table.map, reading, table.words)
        self._found: list[dict[str, Any]] = []
        self._where = f"{table.name}: " if len(span.tables) > 1 else ""

    def add(self, record: Any, parents: tuple[Any, ...], received_at: str, shown_at: str, offset: int) -> None:
        """Take a record; raises ValueError saying what in it can't be understood."""
        row = convert(record, parents, self._mapping, self._reading)
        row["received_at"], row["shown_at"], row["landing_ref"] = received_at, shown_at, f"{self._span.name}:{offset}"
        self._found.append(row)

    def add_page(self, document: Any, opened: landing.Envelope, offset: int, rejects: "_Rejects") -> None:
        """Take all records of a page; what can't be understood is rejected, the rest is taken."""
        table = self._table
        received_at = _received_at(opened, table.records)
        try:
            for record, parents in expand(table.shape(document) if table.shape else document, table.records):
                try:
                    self.add(record, parents, received_at, opened.received_at, offset)
                except ValueError as error:
                    rejects.add(offset, opened.received_at, f"{self._where}{error}", msgspec.json.encode(record))
        except (LookupError, TypeError, ValueError, AttributeError) as error:  # a shape met what it did not expect
            rejects.add(offset, opened.received_at, f"{self._where}not as documented ({error!r})", opened.raw())

    def table(self) -> pa.Table:
        schema = _record_schema(self._mapping)
        rows = pa.Table.from_pylist(self._found, schema) if self._found else schema.empty_table()
        return _with_source(_received(rows), self._span)


def _parse_pages(span: Span, data: bytes) -> Parsed:
    """Read pulled pages: the records of each become rows of one or several tables."""
    rejects = _Rejects(span)
    found = [(table.name, _Rows(table, span, span.reading)) for table in span.tables]
    ended: list[dict[str, Any]] = []
    for offset, line in _lines(data, span.start):
        received_at = None
        try:
            opened = landing.decode_envelope(line)
            received_at = opened.received_at
            document = landing.read_json(opened.raw())
        except (msgspec.DecodeError, RecursionError) as error:
            rejects.add(offset, received_at, f"not JSON: {error}", line)
            continue
        for _, rows in found:
            rows.add_page(document, opened, offset, rejects)
        if (run := opened.pull) and "started_at" in run and run.get("next") is None:
            ended.append({**_pull_row(run, opened.received_at), "landing_ref": f"{span.name}:{offset}"})
    tables: dict[str, pa.Table] = {}
    for name, rows in found:  # two parts of a page may fill one table
        tables[name] = pa.concat_tables([tables[name], rows.table()]) if name in tables else rows.table()
    tables = {name: _numbered(rows) for name, rows in tables.items()}
    if ended:
        tables["pulls"] = _with_source(pa.Table.from_pylist(ended, _PULLS), span)
    return Parsed(span, tables, rejects.table())


_PULLS = pa.schema(
    [
        ("started_at", pa.timestamp("us")),
        ("finished_at", pa.timestamp("us")),
        ("is_full", pa.bool_()),
        ("records", pa.int64()),
        ("is_confirmed", pa.bool_()),
        ("landing_ref", pa.string()),
    ]
)


def _pull_row(run: Mapping[str, Any], received_at: str) -> dict[str, Any]:
    started_at, finished_at = (
        datetime.fromisoformat(text).astimezone(UTC) for text in (run["started_at"], received_at)
    )
    return {
        "started_at": started_at.replace(tzinfo=None),
        "finished_at": finished_at.replace(tzinfo=None),
        "is_full": bool(run.get("is_full")),
        "records": run.get("seen"),
        "is_confirmed": bool(run.get("confirmed")),
    }


def _parse_batch(span: Span, data: bytes) -> Parsed:
    """Read an ingested file: a row a line, by the mapping of its header."""
    header = batch_header(span.path)
    rejects = _Rejects(span)
    rows = _Rows(Table(span.stream, "", header.map), span, header.reading(span.reading))
    for offset, line in _lines(data, span.start):
        if offset == 0:
            continue
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            rejects.add(offset, header.received_at, f"not JSON: {error}", line)
            continue
        try:
            if SURPLUS in record:
                raise ValueError(f"the row has {SURPLUS}")
            rows.add(record, (), header.received_at, header.received_at, offset)
        except ValueError as error:
            rejects.add(offset, header.received_at, str(error), msgspec.json.encode(record))
    return Parsed(span, {span.stream: _numbered(rows.table())}, rejects.table())


class BatchHeader(msgspec.Struct):
    """The first line of a batch: which file it was and how its columns map to our fields."""

    received_at: str
    file: str
    sha256: str
    map: dict[str, str]
    timezone: str
    currency: str
    date_format: str | None = None

    def reading(self, shop: Reading) -> Reading:
        """Give how this file's values are read, whatever the settings have become since."""
        return Reading(ZoneInfo(self.timezone), shop.region, self.currency, self.date_format)


def _received_at(opened: landing.Envelope, records: str) -> str:
    """Tell when a page's records came.

    Where records are flat, those of one order may straddle two pages, so they all came when their pull began; where
    they are nested in their order (`orders[].items[]`), a page has the order whole.
    """
    began = (opened.pull or {}).get("started_at")
    return began if began and "[]" not in records else opened.received_at


@lru_cache(maxsize=8)
def batch_header(path: Path) -> BatchHeader:
    """Read the header of an ingested file; raises WabenchError where there is none."""
    with path.open("rb") as file:
        line = file.readline()
    try:
        return msgspec.json.decode(line, type=BatchHeader)
    except msgspec.DecodeError as error:
        raise WabenchError(f"{path}: its first line is no batch header ({error}); set the file aside") from None


def _lines(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    for line in data.split(b"\n")[:-1]:
        if line and not line.isspace():  # spaces are left of what was erased
            yield offset, line
        offset += len(line) + 1


def _record_schema(mapping: RecordMap) -> pa.Schema:
    typed = [(name, _TYPES.get(f, pa.string())) for name, f in FIELDS[mapping.stream].items()]
    texts = ("received_at", "shown_at", "landing_ref")
    return pa.schema([*typed, *((name, pa.string()) for name in texts)])


def _numbered(table: pa.Table) -> pa.Table:
    """Say which row came before which, for rows of one page."""
    return table.append_column("position", pa.array(range(len(table)), pa.int64()))


def _received(table: pa.Table) -> pa.Table:
    for at, name in enumerate(table.column_names):
        if name in ("received_at", "shown_at"):
            table = table.set_column(at, name, table[name].cast(_TIME))
    for index, column in enumerate(table.schema):
        if column.type == _TIME:  # DuckDB's columns are UTC without saying so
            table = table.set_column(index, column.name, table[column.name].cast(pa.timestamp("us")))
    return table


def _with_source(table: pa.Table, span: Span) -> pa.Table:
    table = table.append_column("source", pa.array([span.source] * len(table), pa.string()))
    return table.append_column("stream", pa.array([span.stream] * len(table), pa.string()))
