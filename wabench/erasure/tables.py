"""DuckDB files made anew without a person: one that had them keeps them in free blocks, whatever is deleted in it."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb

from wabench.erasure.traces import Person

_KEPT_ROWS = frozenset(("fct_orders",))
"""Tables whose rows stay, without whom they are of: the shop's accounts."""

_TABLES = "select schema_name, table_name, sql from duckdb_tables() where database_name = 'old' order by all"
_COLUMNS = (
    "select column_name from duckdb_columns() where database_name = 'old' and data_type = 'VARCHAR'"
    " and schema_name = $schema and table_name = $table"
)


def copy(old: Path, new: Path, person: Person, tables: Iterable[str] | None = None) -> int:
    """Copy a file's tables (`schema.table`; default all) without the person; gives how many rows named them.

    Rows that have one of their identities go, texts that mention one keep the rest; what is counted of many stays.
    """
    wanted = set(tables) if tables is not None else None
    with closing(duckdb.connect(str(new))) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set timezone = 'UTC'")
        connection.create_function("mentions", person.traces.mentions, [duckdb.sqltypes.VARCHAR], "BOOLEAN")
        connection.create_function("masked", person.traces.masked, [duckdb.sqltypes.VARCHAR], "VARCHAR")
        connection.execute(f"attach {_literal(old)} as old (read_only)")
        found = connection.execute(_TABLES).fetchall()
        named = [each for each in found if wanted is None or f"{each[0]}.{each[1]}" in wanted]
        rows = sum(_copy_table(connection, schema, table, ddl, person) for schema, table, ddl in named)
        connection.execute("detach old")
        connection.execute("checkpoint")
    return rows


def count(path: Path, person: Person) -> int:
    """Tell how many rows of a file name the person."""
    with closing(duckdb.connect()) as connection:
        connection.execute(f"attach {_literal(path)} as old (read_only)")
        tables = connection.execute(_TABLES).fetchall()
        return sum(_named(connection, schema, table, person) for schema, table, _ in tables)


def _copy_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str, ddl: str, person: Person) -> int:
    connection.execute(f'create schema if not exists "{schema}"')
    connection.execute(ddl)
    columns = _texts(connection, schema, table)
    values = {"ids": person.traces.ids, "loose": f"(?i){person.traces.loose}"}
    cells = ", ".join(f"{_cell(column, table in _KEPT_ROWS)} as {_quoted(column)}" for column in columns)
    where = "" if table in _KEPT_ROWS or not columns else f" where not ({_is_named(columns)})"
    changed = f" replace ({cells})" if columns else ""
    sql = f'insert into "{schema}"."{table}" select *{changed} from old."{schema}"."{table}"{where}'  # noqa: S608
    connection.execute(sql, {name: value for name, value in values.items() if f"${name}" in sql})
    return _named(connection, schema, table, person)


def _named(connection: duckdb.DuckDBPyConnection, schema: str, table: str, person: Person) -> int:
    columns = _texts(connection, schema, table)
    if not columns:
        return 0
    sql = f'select count(*) from old."{schema}"."{table}" where {_is_named(columns)}'  # noqa: S608 - its own columns
    return int(connection.execute(sql, {"ids": person.traces.ids}).fetchall()[0][0])


def _texts(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    found = connection.execute(_COLUMNS, {"schema": schema, "table": table}).fetchall()
    return [column for (column,) in found]


def _is_named(columns: Iterable[str]) -> str:
    return " or ".join(f"coalesce(list_contains($ids, lower({_quoted(column)})), false)" for column in columns)


def _cell(column: str, is_kept: bool) -> str:
    """Give a cell without mentions; the engine looks first, for most cells have none."""
    name = _quoted(column)
    is_id = f"when list_contains($ids, lower({name})) then null " if is_kept else ""
    return f"case {is_id}when regexp_matches({name}, $loose) and mentions({name}) then masked({name}) else {name} end"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
