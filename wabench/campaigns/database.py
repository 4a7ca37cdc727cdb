"""Opening the ledger's database: a SQLite file, or PostgreSQL where several machines send.

On both a transaction that writes has the ledger to itself from its first statement to its commit, so that what it read
of caps, claims and limits still holds when it writes. SQLite's own write lock sees to it; on PostgreSQL it is an
advisory lock, taken before the first statement whose result counts.
"""

import sqlite3
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Column, Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from wabench.campaigns.schema import metadata
from wabench.errors import Refused, UsageError, WabenchError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_WRITE_LOCK = 0x7761_6265
_PATIENCE_SECONDS = 30
_RETRY_SECONDS = 0.002
_BUSY = f"busy_timeout={1000 * _PATIENCE_SECONDS}"
_DRIVER = "a ledger in PostgreSQL needs its driver: pip install 'wabench[postgres]'"


def engine(url: str) -> Engine:
    """Make an engine that nothing has been asked of yet; raises UsageError with what to correct or install."""
    try:
        backend = make_url(url).get_backend_name()
        if backend == SQLITE:
            return create_engine(url)
        if backend != POSTGRESQL:
            raise Refused(f"a ledger in {backend} can't say who sends; use SQLite or PostgreSQL")
        # A snapshot of the whole transaction would be taken before the lock is, and miss what was claimed meanwhile.
        return create_engine(url, isolation_level="READ COMMITTED", pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise UsageError(_DRIVER if error.name and error.name.startswith("psycopg") else str(error)) from None
    except (ArgumentError, NoSuchModuleError, ValueError):  # what they say may hold the password
        raise UsageError("ledger_url is no database's address; write postgresql://USER@HOST/DATABASE") from None


def connect(url: str) -> Engine:
    """Open a ledger and create what is missing of it; raises WabenchError where its database does not answer."""
    opened = engine(url)
    prepare, begin = _BY_BACKEND[opened.dialect.name]
    event.listen(opened, "connect", prepare)
    event.listen(opened, "begin", begin)
    try:
        _complete(opened)
    except OperationalError as error:
        opened.dispose()
        raise WabenchError(f"the ledger can't be opened: {' '.join(str(error.orig).split())}") from None
    return opened


def _complete(opened: Engine) -> None:
    with opened.connect().execution_options(reads_only=True) as connection:  # who only reads waits for no writer
        is_whole = not set(metadata.tables) - set(_known(connection)) and not _lacking(connection)
    if not is_whole:
        with opened.begin() as connection:  # looked at again: another process may have made it meanwhile
            lacking = _lacking(connection)
            metadata.create_all(connection)
            for column in lacking:
                _add(connection, column)
            for index in (index for column in lacking for index in column.table.indexes):
                index.create(connection, checkfirst=True)  # such a ledger lacks the newer ones of these too


def _known(connection: Connection) -> dict[str, set[str]]:
    found = inspect(connection).get_multi_columns()
    return {name: {column["name"] for column in columns} for (_, name), columns in found.items()}


def _lacking(connection: Connection) -> list[Column[Any]]:
    """List the columns that tables which are there lack."""
    tables = [(metadata.tables[name], has) for name, has in _known(connection).items() if name in metadata.tables]
    return [column for table, has in tables for column in table.columns if column.name not in has]


def _add(connection: Connection, column: Column[Any]) -> None:
    """Add a column that a newer version knows to a ledger that an older one made; it is empty there."""
    kind = column.type.compile(connection.dialect)
    connection.exec_driver_sql(f"alter table {column.table.name} add column {column.name} {kind}")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin deferred, and a claim must not read before it locks
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", _BUSY):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    if _reads_only(connection):
        connection.exec_driver_sql("BEGIN")
    elif not _begins_soon(connection.connection.dbapi_connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # fails as any statement does


def _begins_soon(connection: Any) -> bool:
    """Begin to write as soon as nobody else does; False where somebody does for too long.

    SQLite itself tries again after up to 100 ms. Beside senders that are back each 25 ms it lost every time, and a
    STOP waited 0.7 s, on a busy machine 3 s, to be written down.
    """
    deadline = monotonic() + _PATIENCE_SECONDS
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while monotonic() < deadline:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                sleep(_RETRY_SECONDS)
            else:
                return True
        return False
    finally:
        connection.execute(f"PRAGMA {_BUSY}")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.autocommit = True  # a setting made in a transaction is gone with its rollback
    connection.execute(f"set lock_timeout = '{_PATIENCE_SECONDS}s'")
    connection.execute("set synchronous_commit = on")
    connection.execute("set client_encoding = 'UTF8'")
    connection.autocommit = False


def _begin_postgresql(connection: Connection) -> None:
    if not _reads_only(connection):
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({_WRITE_LOCK})")


def _reads_only(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reads_only", False))


_BY_BACKEND = {SQLITE: (_prepare_sqlite, _begin_sqlite), POSTGRESQL: (_prepare_postgresql, _begin_postgresql)}
