"""Landing -> `raw.*`, exactly once: rows and the offsets they came from are committed together."""

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from itertools import islice

import duckdb
import pyarrow as pa

from ingest import erase, landing, readings, returned
from ingest.landing import LandingFile
from ingest.parse import Parsed, Span, parse_span
from wabench.erasure import suppressed
from wabench.erasure.suppressed import Erased
from wabench.errors import Busy
from wabench.settings import Settings

SPAN_BYTES = 16 * 1024 * 1024
"""What one process parses at a time: a few hundred MB of rows at most, whatever the files' size."""

SPANS_A_COMMIT = 8
"""Spans loaded in one transaction: so many rows fill DuckDB's row groups, which then go straight to the file. With a
commit a span the same load took 2.5 times as long."""

ALONE_BYTES = 8 * 1024 * 1024
"""Below this a second process costs more to start than it saves."""

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


@dataclass(slots=True)
class LoadOutcome:
    """What a load did; `rows` counts new rows a raw table, `returned` rows a source that named an erased person."""

    bytes: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    seconds: float = 0.0
    returned: dict[str, int] = field(default_factory=dict)


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the warehouse for writing, its raw tables made; the caller holds the warehouse lock."""
    settings.paths.data.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(settings.paths.warehouse))
    except duckdb.IOException as error:
        raise Busy(f"{settings.paths.warehouse} can't be opened for writing: {str(error).splitlines()[0]}") from None
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    connection.execute("set checkpoint_threshold = '1GB'")  # once at the end, not at every commit
    connection.execute(_sql("raw.sql"))
    return connection


def load(
    settings: Settings,
    progress: Progress | None = None,
    workers: int | None = None,
    *,
    clock: Callable[[], datetime] = landing.utc_now,
) -> LoadOutcome:
    """Load every landed line that is not loaded yet; the caller holds the warehouse lock.

    A source that is read in another way than it was (its map, its statuses, its name) is loaded again, whole.

    May be killed at any moment: the next call goes on after the last committed span, and what is loaded twice is
    the same row. `workers` parse (default: one a core); this process alone writes.
    """
    began = time.monotonic()
    outcome = LoadOutcome()
    erase.finish(settings)
    connection = connect(settings)
    try:
        _tell_time(connection, clock)
        files = landing.files(settings.paths.landing)
        readings.keep_up(settings, connection, files)
        spans = list(_waiting(settings, connection, files))
        total = sum(s.end - s.start for s in spans)
        parsed = _parse_all(spans, total, workers or os.cpu_count() or 1)
        erased = suppressed.read(settings)
        while group := list(islice(parsed, SPANS_A_COMMIT)):
            _commit(connection, [_without_erased(settings, each, erased, outcome) for each in group], outcome)
            if progress:
                progress(outcome.bytes, total)
    finally:
        connection.close()
    outcome.seconds = time.monotonic() - began
    return outcome


def _tell_time(connection: duckdb.DuckDBPyConnection, clock: Callable[[], datetime]) -> None:
    """Let statements know which times are still to come."""
    now = clock().astimezone(UTC).replace(tzinfo=None)
    connection.execute(f"set variable now = timestamp '{now}'")
    connection.execute(_sql("clock.sql"))


def _waiting(settings: Settings, connection: duckdb.DuckDBPyConnection, files: list[LandingFile]) -> Iterator[Span]:
    """Cut what is landed and not loaded into spans; streams nobody can read are left where they are."""
    rows = connection.execute("select file, max(offset_to) from raw.loads group by file").fetchall()
    loaded = {str(file): int(until) for file, until in rows}
    for file in files:
        read = readings.reader(settings, file)
        if read is None:
            continue
        for start, end in landing.spans(file.path, loaded.get(file.name, 0), SPAN_BYTES):
            yield read(start, end)


def _parse_all(spans: list[Span], total: int, workers: int) -> Iterator[Parsed]:
    """Parse spans, in processes where that pays, and give them in their order."""
    if total <= ALONE_BYTES or workers < 2:
        yield from map(parse_span, spans)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        ahead: deque[Future[Parsed]] = deque()
        for span in spans:
            ahead.append(pool.submit(parse_span, span))
            if len(ahead) > workers:  # so many results at most wait in memory
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _without_erased(settings: Settings, parsed: Parsed, erased: Erased, outcome: LoadOutcome) -> Parsed:
    """Keep out who was erased, in landing too: before the offsets are committed, so a kill leaves it to be done."""
    if not erased.hashes:
        return parsed
    kept, found = returned.kept_out(settings, parsed, erased)
    if found.rows:
        erase.erase(settings, found.person, {parsed.span.name})
        outcome.returned[parsed.span.source] = outcome.returned.get(parsed.span.source, 0) + found.rows
    return kept


def _commit(connection: duckdb.DuckDBPyConnection, group: list[Parsed], outcome: LoadOutcome) -> None:
    """Put parsed spans and the offsets they came from into the warehouse, all of them or none."""
    connection.execute("begin")
    try:
        stored = [(parsed, *_store(connection, parsed)) for parsed in group]
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    for parsed, rows, rejected in stored:
        outcome.bytes += parsed.span.end - parsed.span.start
        outcome.rejected += rejected
        for table, count in rows.items():
            outcome.rows[table] = outcome.rows.get(table, 0) + count


def _store(connection: duckdb.DuckDBPyConnection, parsed: Parsed) -> tuple[dict[str, int], int]:
    """Insert one span inside the caller's transaction; gives the counts of new rows by table, and of rejected ones."""
    span = parsed.span
    connection.register("incoming_rejected", parsed.rejected)
    load_id = _one(connection, _sql("next_load_id.sql"))
    rows = {table: _fill(connection, table, found, load_id) for table, found in parsed.tables.items()}
    rows.pop("pulls", None)
    if {"orders", "order_lines"} <= parsed.tables.keys():
        connection.register("incoming", parsed.tables["orders"])
        _one(connection, _sql("load_order_lines_gone.sql"))
    rejected = _one(connection, _sql("load_rejected.sql"), {"load_id": load_id})
    connection.execute(
        "insert into raw.loads values (?, ?, ?, ?, ?, ?, now() at time zone 'UTC')",
        [load_id, span.name, span.start, span.end, sum(rows.values()), rejected],
    )
    return rows, rejected


def _fill(connection: duckdb.DuckDBPyConnection, table: str, found: pa.Table, load_id: int) -> int:
    """Put rows into one raw table; gives how many of them are new."""
    connection.register("incoming", found)
    rows = _each(connection, f"load_{table}.sql", load_id)
    if table == "message_events" and rows < len(found):
        _each(connection, "load_message_events_again.sql", load_id)
    return rows


def _each(connection: duckdb.DuckDBPyConnection, name: str, load_id: int) -> int:
    """Run a file's statements; gives what the last one answers."""
    answered = 0
    for statement in _sql(name).split(";\n"):
        answered = _one(connection, statement, {"load_id": load_id} if "$load_id" in statement else None)
    return answered


def _one(connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, int] | None = None) -> int:
    """Run a statement and give the first number it answers: a count for an insert or delete."""
    rows = connection.execute(sql, values).fetchall()
    return int(rows[0][0]) if rows else 0


def _sql(name: str) -> str:
    return resources.files("ingest").joinpath(name).read_text(encoding="utf-8")
