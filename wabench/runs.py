"""The outcome rows: one in `raw.refreshes` for every refresh, however it ended, and its tests in `raw.test_results`.

A refresh that is killed leaves its row `running`; the next one marks it `interrupted`, or `published` where it was
killed after the pointer had moved.
"""

from collections.abc import Iterable
from datetime import datetime

import duckdb

from wabench.dbt import DataTest
from wabench.publish import Run

KEPT_TESTS = 30
"""So many refreshes' test results are kept; their outcome rows stay for ever."""

_COLUMNS = frozenset(
    (
        "finished_at",
        "status",
        "step",
        "version",
        "events",
        "orders",
        "customers",
        "tests_passed",
        "tests_failed",
        "error",
    )
)


def start(connection: duckdb.DuckDBPyConnection, run: Run, pointed: str | None) -> None:
    """Write the run's row and settle those that were killed; `pointed` is the version that is published now."""
    connection.execute("begin")
    connection.execute(
        "update raw.refreshes set status = 'published', version = run_id"
        " where status = 'running' and run_id = $pointed",
        {"pointed": pointed},
    )
    connection.execute("update raw.refreshes set status = 'interrupted' where status = 'running'")
    connection.execute(
        "insert into raw.refreshes (run_id, started_at, as_of, status) values ($run, $at, $as_of, 'running')",
        {"run": run.run_id, "at": run.started_at, "as_of": run.as_of},
    )
    connection.execute("commit")


def note(connection: duckdb.DuckDBPyConnection, run: Run, **facts: datetime | str | int | None) -> None:
    """Write down what is known of the run by now; the names are the columns of `raw.refreshes`."""
    if unknown := set(facts) - _COLUMNS:
        raise TypeError(f"raw.refreshes has no {min(unknown)}")
    assignments = ", ".join(f"{column} = ${column}" for column in facts)
    connection.execute(f"update raw.refreshes set {assignments} where run_id = $run", {**facts, "run": run.run_id})  # noqa: S608


def keep_tests(connection: duckdb.DuckDBPyConnection, run: Run, tests: Iterable[DataTest]) -> None:
    """Store the run's test results in place of the oldest ones."""
    rows = [[run.run_id, t.test, t.model, t.status, t.failures, t.seconds, t.message] for t in tests]
    connection.execute("begin")
    connection.execute(
        "delete from raw.test_results where run_id not in"
        " (select run_id from raw.refreshes order by started_at desc limit $kept)",
        {"kept": KEPT_TESTS},
    )
    if rows:
        connection.executemany("insert into raw.test_results values (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.execute("commit")


def new_id(connection: duckdb.DuckDBPyConnection, started_at: datetime) -> str:
    """Name a run by its start, like 20261122T185000Z; a second one within the second gets a number."""
    stem = started_at.strftime("%Y%m%dT%H%M%SZ")
    taken = {
        run
        for (run,) in connection.execute(
            "select run_id from raw.refreshes where run_id like ? || '%'", [stem]
        ).fetchall()
    }
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)
