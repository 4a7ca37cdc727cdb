"""How each source's pages are read, and a warehouse that keeps up where that changes."""

import hashlib
from collections.abc import Callable, Iterable

import duckdb
import msgspec

from ingest import landing, sources
from ingest.landing import LandingFile
from ingest.parse import EVENT_STREAMS, Span
from ingest.records import Reading
from ingest.sources.base import COMMON_OPTIONS, Table
from wabench import providers
from wabench.settings import Settings

_TABLES = ("orders", "order_lines", "customers", "customers_told", "pulls")


def reading(settings: Settings, name: str) -> Reading:
    """Give the zone, country and currency of what a source leaves unsaid."""
    source = settings.sources[name]
    return Reading(source.zone or settings.zone, settings.region, source.currency or settings.currency)


def fingerprint(settings: Settings, name: str) -> str | None:
    """Hash all that decides which rows a source's pages become; None for a source that wabench.toml has not."""
    if name not in settings.sources:
        return None
    unsaid, source = reading(settings, name), settings.sources[name]
    tables = [
        (feed, table.name, table.records, table.map, table.words, table.zone)
        for feed, found in sources.feeds(source).items()
        for table in found
    ]
    options = {name: value for name, value in source.options.items() if name not in COMMON_OPTIONS}
    read = (source.kind, options, tables, str(unsaid.zone), unsaid.region, unsaid.currency)
    return hashlib.sha256(msgspec.json.encode(read, order="sorted")).hexdigest()


def keep_up(settings: Settings, connection: duckdb.DuckDBPyConnection, files: Iterable[LandingFile]) -> None:
    """Forget the rows of sources that are now read in another way than they were, so that they are loaded again.

    All of it is one transaction: after a kill the next load goes on with loading.
    """
    known = dict(connection.execute("select source, fingerprint from raw.readings").fetchall())
    pulled = {file.source for file in files if is_pulled(file)}
    now = {name: fingerprint(settings, name) for name in sorted(pulled | known.keys())}
    changed = {name: mark for name, mark in now.items() if name not in known or known[name] != mark}
    if not changed:
        return
    connection.execute("begin")
    try:
        for name, mark in changed.items():
            last = _forget(connection, name)
            connection.execute(_NOTE, {"source": name, "fingerprint": mark, "last": last})
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def is_pulled(file: LandingFile) -> bool:
    """Tell whether a file holds a source's pages, which are read by what wabench.toml says."""
    return file.stream not in EVENT_STREAMS and not file.is_batch


_NOTE = """
insert into raw.readings values ($source, $fingerprint, coalesce($last, 0))
on conflict (source) do update set fingerprint = $fingerprint, load_id = coalesce($last, load_id)
"""
_OF_RECORDS = "split_part(file, '/', 1) = $source and not list_contains($events, split_part(file, '/', 2))"
_LAST = f"""
select greatest((select max(load_id) from raw.loads), (select max(load_id) from raw.readings))
where exists (from raw.loads where {_OF_RECORDS} and not contains(file, '/{landing.BATCH_PREFIX}'))
"""  # noqa: S608 - of constants


def _forget(connection: duckdb.DuckDBPyConnection, name: str) -> int | None:
    """Delete a source's rows and loads, files' and pages' alike, if pages of it were loaded; gives the last load's id.

    A row may stand by what both a file and a page said, so one can't be taken out of it without the other.
    """
    who = {"source": name, "events": list(EVENT_STREAMS)}
    found = connection.execute(_LAST, who).fetchone()
    if found is None:
        return None
    for table in _TABLES:
        connection.execute(f"delete from raw.{table} where source = $source", {"source": name})  # noqa: S608
    connection.execute("delete from raw.rejected where source = $source and not list_contains($events, stream)", who)
    connection.execute(f"delete from raw.loads where {_OF_RECORDS}", who)  # noqa: S608
    return int(found[0])


def reader(settings: Settings, file: LandingFile) -> Callable[[int, int], Span] | None:
    """Tell how a landing file is read; None where nobody can (it loads once somebody can)."""
    unsaid = Reading(settings.zone, settings.region, settings.currency)
    tables: tuple[Table, ...] = ()
    if file.stream in EVENT_STREAMS:
        if file.source not in providers.names():
            return None
    elif not file.is_batch:
        source = settings.sources.get(file.source)
        tables = sources.feeds(source).get(file.stream, ()) if source else ()
        if source is None or not tables:
            return None
        unsaid = reading(settings, file.source)

    def span(start: int, end: int) -> Span:
        return Span(file.source, file.stream, file.name, file.path, start, end, unsaid, tables)

    return span
