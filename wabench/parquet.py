"""The way to an engine that can't open the warehouse, and back: raw tables out, marts in, as Parquet files.

They are there only while such an engine builds, so nobody's data is left in a second place.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb

from wabench.settings import Settings

_TAKEN = ("marts", "tests")
_OF_THE_RUN = {"meta_refreshes": "refreshes", "meta_tests": "test_results"}
"""Marts that show raw tables as they are: what a refresh did is written there only once the build is over."""


def folder(settings: Settings) -> Path:
    """Tell where the files are: `raw/<table>.parquet`, and `warehouse/<schema>.db/<table>/` of what was built."""
    return settings.paths.data / "spark"


@contextlib.contextmanager
def lent(settings: Settings) -> Iterator[Path]:
    """Have the raw tables in files for the time of a build; the caller holds the warehouse lock."""
    try:
        yield write(settings)
    finally:
        shutil.rmtree(folder(settings), ignore_errors=True)


def write(settings: Settings) -> Path:
    """Write every raw table anew; gives the folder. Timestamps have no zone and are UTC: a reader leaves them alone."""
    shutil.rmtree(folder(settings), ignore_errors=True)
    files = folder(settings) / "raw"
    files.mkdir(parents=True)
    with contextlib.closing(duckdb.connect(str(settings.paths.warehouse), read_only=True)) as connection:
        connection.execute("set enable_progress_bar = false")
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        for (table,) in tables:
            connection.table(f"raw.{table}").write_parquet(str(files / f"{table}.parquet"), compression="zstd")
    return folder(settings)


def take(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Put the marts that were built, and the rows that failing tests found, where a build on DuckDB puts them."""
    for path in sorted((folder(settings) / "warehouse").glob("*.db/*")):
        if path.parent.stem in _TAKEN:
            _replace(connection, path.parent.stem, path.name, str(path / "*.parquet"))


def _replace(connection: duckdb.DuckDBPyConnection, schema: str, table: str, files: str) -> None:
    connection.execute(f"create schema if not exists {schema}")
    sql = "select table_type from information_schema.tables where table_schema = ? and table_name = ?"
    for (kind,) in connection.execute(sql, [schema, table]).fetchall():
        connection.execute(f'drop {"view" if kind == "VIEW" else "table"} {schema}."{table}"')
    built = connection.read_parquet(files)
    if raw := _OF_THE_RUN.get(table):
        columns = ", ".join(f'"{column}"' for column in built.columns)
        connection.execute(f'create view {schema}."{table}" as select {columns} from raw.{raw}')  # noqa: S608
    else:
        connection.execute(f'create table {schema}."{table}" as from built')
