"""The published file, for readers: found through its pointer at every call, opened read-only, in no writer's way."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import pyarrow as pa

from wabench.errors import WabenchError
from wabench.settings import Settings

POINTER = "current.duckdb"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "640MB",  # a reader shares the machine with a refresh; with it the app stays below 1 GB
    "lock_configuration": "true",
}
_AS_OF = """
    select coalesce(
        (select max_by(as_of, started_at) from meta_refreshes where as_of is not null),
        (select max(refreshed_at) from dim_customers)
    ) as as_of
"""


@dataclass(frozen=True)
class Published:
    """One published version: whatever is asked of it comes from the same refresh, even while a newer one appears.

    It is open for as long as somebody holds it; each query runs on a cursor of its own, so threads may share it.
    """

    version: str
    path: Path
    _connection: duckdb.DuckDBPyConnection = field(repr=False, compare=False)

    def query(
        self, sql: str, params: Mapping[str, Any] | None = None, tables: Mapping[str, pa.Table] | None = None
    ) -> pa.Table:
        """Run one SELECT with bound parameters (`$name`), and with tables of our own beside the published ones."""
        return self._cursor(tables).sql(sql, params=dict(params or {})).to_arrow_table()

    def stream(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        rows: int = 50_000,
        tables: Mapping[str, pa.Table] | None = None,
    ) -> pa.RecordBatchReader:
        """Run one SELECT and hand its rows out in batches, so that memory does not grow with the answer."""
        return self._cursor(tables).sql(sql, params=dict(params or {})).to_arrow_reader(rows)

    def one(
        self, sql: str, params: Mapping[str, Any] | None = None, tables: Mapping[str, pa.Table] | None = None
    ) -> dict[str, Any]:
        """Run a SELECT that answers with one row."""
        row: dict[str, Any] = self.query(sql, params, tables).to_pylist()[0]
        return row

    def _cursor(self, tables: Mapping[str, pa.Table] | None) -> duckdb.DuckDBPyConnection:
        cursor = self._connection.cursor()
        for name, table in (tables or {}).items():
            cursor.register(name, table)
        return cursor

    def columns(self, table: str) -> dict[str, str]:
        """Name a table's columns and their SQL types, in order; empty when there is no such table."""
        sql = (
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'main' and table_name = $table order by ordinal_position"
        )
        return {row["column_name"]: row["data_type"] for row in self.query(sql, {"table": table}).to_pylist()}

    @cached_property
    def as_of(self) -> datetime:
        """The moment (naive UTC) at which trailing windows end and from which relative times count."""
        moment: datetime | None = self.one(_AS_OF)["as_of"]
        return moment or datetime.fromtimestamp(self.path.stat().st_mtime, UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Kept:
    """A version that still lies in the folder; `size` in bytes."""

    version: str
    size: int
    is_current: bool


def kept(settings: Settings) -> list[Kept]:
    """List the versions that are kept, the newest first."""
    pointer = settings.paths.published / POINTER
    now = pointer.resolve()
    files = (path for path in settings.paths.published.glob("*.duckdb") if path.name != POINTER)
    return [Kept(path.stem, path.stat().st_size, path == now) for path in sorted(files, reverse=True)]


_newest: list[Published] = []  # one at most
_guard = Lock()


def current(settings: Settings) -> Published:
    """Find the version that is published now; raises WabenchError while there is none.

    The version before it is let go here and ends with the last reader that still holds it. It is never opened a second
    time: DuckDB waits, for ever if need be, for an instance of the same file that is only held by an open result.
    """
    pointer = settings.paths.published / POINTER
    with _guard:
        try:
            path = pointer.resolve(strict=True)
        except FileNotFoundError:
            raise WabenchError("nothing is published yet; run `wabench refresh` first") from None
        if not _newest or _newest[0].path != path:
            _newest[:] = [Published(path.stem, path, _open(path))]
        return _newest[0]


@contextmanager
def for_now(settings: Settings) -> Iterator[Published]:
    """Find the version that is published now, and let it go afterwards unless it was open before.

    For who writes next: a process that goes on to work on the warehouse is no reader.
    """
    before = list(_newest)
    version = current(settings)
    try:
        yield version
    finally:
        with _guard:
            if version not in before:
                _newest[:] = [each for each in _newest if each is not version]


def query(settings: Settings, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
    """Run one SELECT on the newest published version."""
    return current(settings).query(sql, params)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    if not os.access(path, os.R_OK):
        raise WabenchError(f"{path} can't be read; check whose file it is")
    try:
        return duckdb.connect(path, read_only=True, config=_CONFIG)
    except duckdb.Error as error:
        raise WabenchError(f"{path} can't be opened ({error}); run `wabench refresh` to publish a new one") from None
