"""SIGKILL at random moments of `ingest` and `refresh`: the next run completes with the tables of a quiet one."""

import json
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import processes
import pytest
import traffic

from ingest import files, loader
from ingest.landing import LandingLog
from wabench import demo
from wabench.locks import held
from wabench.settings import Settings, load

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
AS_OF = ("--as-of", "2026-07-01")
ORDER = {"order_id": "id", "customer_ref": "customer.id", "ordered_at": "created_at", "updated_at": "updated_at",
         "total": "total_price", "phone": "customer.phone", "name": "customer.name"}  # fmt: skip


def fill(settings: Settings, webhooks: list[bytes], orders: list[dict[str, Any]]) -> None:
    """Give a shop webhooks in several landing files and an export of orders."""
    log = LandingLog(settings.paths.landing / "meta" / "webhooks", max_file_bytes=4_000_000)
    for body in webhooks:
        log.append(body)
        if len(log._pending) == 500:
            log.commit()
    log.commit()
    log.close()
    export = settings.paths.home / "orders.ndjson"
    export.write_text("\n".join(json.dumps(order) for order in orders))
    files.land_file(settings, "orders", export, ORDER)


def tables(path: Path, schemas: tuple[str, ...], but: str) -> dict[str, list[tuple[Any, ...]]]:
    """Read every table of a DuckDB file, its rows in order, without what tells one run from another."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where list_contains($schemas, table_schema) and not regexp_matches(table_name, $but)",
            {"schemas": list(schemas), "but": but},
        ).fetchall()
        select = (
            "from (select columns(lambda c: not list_contains(['load_id', 'loaded_at', 'refreshed_at'], c)) from {})"
        )
        return {name: sorted(connection.execute(select.format(name)).fetchall(), key=repr) for (name,) in names}


def twins(home: Path, webhooks: list[bytes], orders: list[dict[str, Any]]) -> tuple[Settings, Settings]:
    """Make two shops with the very same landing."""
    quiet = load({"WABENCH_HOME": str(home / "quiet")})
    fill(quiet, webhooks, orders)
    shutil.copytree(quiet.paths.home, home / "killed")
    return quiet, load({"WABENCH_HOME": str(home / "killed")})


def check_ingest(home: Path, count: int, kills: int, longest: float) -> None:
    orders = demo.simulate(200, 200, 3, NOW).orders
    quiet, killed = twins(home, list(traffic.bodies(count)), orders)
    with held(quiet.paths.warehouse_lock, "test"):
        loader.load(quiet)
    from_nothing = killed.paths.warehouse.unlink
    processes.kill_at_random(killed.paths.home, ("ingest",), kills, longest, random.Random(11), from_nothing)
    processes.run(killed.paths.home, "ingest")
    expected = tables(quiet.paths.warehouse, ("raw",), "^loads$")
    said = [row for row in expected["raw.message_events"] if not row[0].endswith(":opt_out")]
    assert len(said) == count
    assert len(said) < len(expected["raw.message_events"])  # some of them said STOP
    assert tables(killed.paths.warehouse, ("raw",), "^loads$") == expected


def check_refresh(home: Path, kills: int) -> None:
    shop = demo.simulate(150, 120, 3, NOW)
    quiet, killed = twins(home, shop.webhooks, shop.orders)
    processes.run(quiet.paths.home, "refresh", *AS_OF)
    again = ("refresh", *AS_OF)
    processes.kill_at_random(killed.paths.home, again, kills, 14.0, random.Random(13), lambda: None)
    processes.run(killed.paths.home, "refresh", *AS_OF)
    expected = tables(quiet.paths.warehouse, ("marts", "intermediate"), "^meta_|__dbt")
    assert len(expected["marts.dim_customers"]) > 100
    assert tables(killed.paths.warehouse, ("marts", "intermediate"), "^meta_|__dbt") == expected
    current = [settings.paths.published / "current.duckdb" for settings in (quiet, killed)]
    published = [tables(path, ("main",), "^meta_") for path in current]
    assert published[0] == published[1]
    assert list(killed.paths.published.glob("*.building*")) == []


@pytest.mark.slow
def test_ingest_killed_a_few_times_ends_with_the_rows_of_a_quiet_run(tmp_path: Path) -> None:
    check_ingest(tmp_path, 60_000, kills=4, longest=3.0)


@pytest.mark.slow
def test_refresh_killed_twice_ends_with_the_tables_of_a_quiet_run(tmp_path: Path) -> None:
    check_refresh(tmp_path, kills=2)


@pytest.mark.faults
def test_ingest_killed_twenty_times_ends_with_the_rows_of_a_quiet_run(tmp_path: Path) -> None:
    check_ingest(tmp_path, 300_000, kills=20, longest=8.0)


@pytest.mark.faults
def test_refresh_killed_twenty_times_ends_with_the_tables_of_a_quiet_run(tmp_path: Path) -> None:
    check_refresh(tmp_path, kills=20)
