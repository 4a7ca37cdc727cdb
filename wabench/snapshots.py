"""The one mart that landing can't rebuild: `snap_customer_tags`, to which each refresh adds what it saw.

It goes only forward in time, keeps only what was published, and comes back from there where the warehouse has lost it.
"""

from datetime import datetime
from pathlib import Path

import duckdb

from wabench.published import POINTER
from wabench.settings import Settings

TABLE = "snap_customer_tags"
_EXISTS = "select 1 from information_schema.tables where table_schema = 'marts' and table_name = $table"
_PUBLISHED = "select 1 from duckdb_tables() where database_name = 'version' and table_name = $table"
_RESTORE = f"create table marts.{TABLE} as select * exclude (refreshed_at) from version.main.{TABLE}"  # noqa: S608
_REFUSED = (
    "select as_of from raw.refreshes where as_of is not null group by as_of having not bool_or(status = 'published')"
)
_TAKE_BACK = (
    f"delete from marts.{TABLE} where dbt_valid_from in ({_REFUSED})",  # noqa: S608 - our own words
    f"update marts.{TABLE} set dbt_valid_to = null where dbt_valid_to in ({_REFUSED})",  # noqa: S608
)
_NEWEST = f"""
    select max(moment) from (
        select greatest(max(dbt_valid_from), max(dbt_valid_to)) as moment from marts.{TABLE}
        union all
        select max(as_of) from raw.refreshes where status = 'published' and as_of <= $now
    )
"""  # noqa: S608


def prepare(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Make the snapshot what was last published: restored where it is gone, without what a refresh saw that failed."""
    if exists(connection):
        connection.execute("begin")
        for statement in _TAKE_BACK:
            connection.execute(statement)
        connection.execute("commit")
        return
    versions = (path for path in settings.paths.published.glob("*.duckdb") if path.name != POINTER)
    any(_restored(connection, path) for path in sorted(versions, reverse=True))  # up to the first that has one


def is_next(connection: duckdb.DuckDBPyConnection, as_of: datetime, now: datetime) -> bool:
    """Tell whether it may be taken at `as_of` (both naive UTC): not before what it knows, and not in the future."""
    newest: datetime | None = None
    if exists(connection):
        newest = connection.execute(_NEWEST, {"now": now}).fetchall()[0][0]
    return as_of <= now and (newest is None or newest <= as_of)


def exists(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether the warehouse has it."""
    return bool(connection.execute(_EXISTS, {"table": TABLE}).fetchall())


def _restored(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Copy it in one statement, so that a kill leaves nothing; False where this version has none."""
    literal = str(path).replace("'", "''")
    connection.execute(f"attach '{literal}' as version (read_only)")
    try:
        is_there = bool(connection.execute(_PUBLISHED, {"table": TABLE}).fetchall())
        if is_there:
            connection.execute("create schema if not exists marts")
            connection.execute(_RESTORE)
        return is_there
    finally:
        connection.execute("detach version")
