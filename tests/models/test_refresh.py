"""Whole refreshes of one small shop: empty, with money nobody can convert, and put right."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner
from warehouse import ask, put, shop

from ingest import loader
from wabench import dbt, published
from wabench.cli import app
from wabench.errors import Busy, UsageError, WabenchError
from wabench.locks import held
from wabench.publish import version
from wabench.refresh import Outcome, TestsFailed, refresh
from wabench.settings import Settings

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
JUNE = datetime.fromisoformat("2026-06-01")
ORDER = {"order_id": "o1", "ordered_at": JUNE, "total": Decimal(60), "phone": "+15550001"}

REFUSING = """
[sources.crm]
base_url = "http://127.0.0.1:{port}"
streams.orders = { path = "orders", map = { order_id = "id", ordered_at = "at", total = "sum" } }
"""


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Outcome]:
    """A shop without a single row; a refresh was killed, a model is gone, a source has nothing at its address."""
    home = tmp_path_factory.mktemp("shop")
    configuration = home / "wabench.toml"
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    configuration.write_text(REFUSING.replace("{port}", str(server.server_port)), encoding="utf-8")
    settings = shop(home)
    configuration.unlink()
    with closing(loader.connect(settings)) as connection:
        connection.execute("insert into raw.refreshes (run_id, started_at, status) values ('killed', now(), 'running')")
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_retired as select 1 as x")
        connection.execute("create view marts.dim_retired as select 1 as x")
    outcome = refresh(settings, AS_OF)
    server.shutdown()
    server.server_close()
    return settings, outcome


@pytest.fixture(scope="module")
def failed(emptied: tuple[Settings, Outcome]) -> tuple[Settings, TestsFailed]:
    """The same shop after an order in a currency that has no rate."""
    settings = shop(emptied[0].home)  # without the source that refused
    put(settings, 1, {"orders": [ORDER | {"currency": "XAF"}]})
    with pytest.raises(TestsFailed) as caught:
        refresh(settings, AS_OF)
    return settings, caught.value


def test_a_shop_without_a_row_is_published(emptied: tuple[Settings, Outcome]) -> None:
    settings, outcome = emptied
    assert outcome.version == outcome.run_id == version(settings)
    assert set(outcome.rows.values()) == {0}
    assert outcome.tests > 80


def test_what_could_not_be_pulled_stands_in_the_published_run(emptied: tuple[Settings, Outcome]) -> None:
    settings, outcome = emptied
    sql = f"select error from meta_refreshes where run_id = '{outcome.run_id}'"
    [row] = published.query(settings, sql).to_pylist()
    assert row["error"] == outcome.errors[0] == ask(settings, sql.replace("meta", "marts.meta"))[0][0]


def test_what_no_model_builds_any_more_is_not_among_the_marts(emptied: tuple[Settings, Outcome]) -> None:
    settings, outcome = emptied
    tables = "select table_name from information_schema.tables where table_schema = '{}' order by 1"
    found = [name for (name,) in ask(settings, tables.format("marts"))]
    assert found == sorted(outcome.marts)
    assert [row["table_name"] for row in published.query(settings, tables.format("main")).to_pylist()] == found


def test_a_build_that_is_interrupted_is_an_error(tmp_path: Path) -> None:
    def interrupt(name: str, number: int, total: int) -> None:
        if number == 8:
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
            os.kill(int(children[-1]), signal.SIGINT)  # the newest: another test's browser may be a child too

    with pytest.raises(WabenchError, match=r"dbt was stopped with \d+ nodes left"):
        dbt.build(shop(tmp_path), AS_OF.replace(tzinfo=None), progress=interrupt)


def test_a_killed_refresh_is_marked_by_the_next(emptied: tuple[Settings, Outcome]) -> None:
    settings, outcome = emptied
    rows = dict(ask(settings, "select run_id, status from raw.refreshes order by started_at limit 2"))
    assert rows["killed"] == "interrupted"
    assert rows[outcome.run_id] == "published"


def test_a_failing_test_publishes_nothing_and_names_the_rows(
    emptied: tuple[Settings, Outcome], failed: tuple[Settings, TestsFailed]
) -> None:
    settings, error = failed
    assert version(settings) == emptied[1].version
    assert "assert_every_currency_has_a_rate" in str(error)
    assert "currency=XAF" in str(error)
    assert "\n" not in str(error)
    [first] = [test for test in error.failed if test.test == "assert_every_currency_has_a_rate"]
    assert [(row["currency"], row["into_currency"], row["days"]) for row in first.rows] == [("XAF", "USD", 1)]
    sql = "select status, step, version, tests_failed, error from raw.refreshes where status = 'failed'"
    [(status, step, published_version, tests_failed, reason)] = ask(settings, sql)
    assert (status, step, published_version, tests_failed, reason) == ("failed", "build", None, 1, str(error))


def test_the_next_refresh_publishes_once_the_rows_are_right(failed: tuple[Settings, TestsFailed]) -> None:
    settings, _ = failed
    with closing(loader.connect(settings)) as connection:
        connection.execute("update raw.orders set currency = 'USD'")
    told = CliRunner().invoke(
        app, ["refresh", "--as-of", "2026-07-01", "--json"], env={"WABENCH_HOME": str(settings.home)}
    )
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["rows"]["dim_customers"] == 1
    [customer] = published.query(settings, "select orders, net_revenue, frequency_tag from dim_customers").to_pylist()
    assert customer == {"orders": 1, "net_revenue": Decimal(60), "frequency_tag": "quarterly"}
    statuses = published.query(settings, "select status from meta_refreshes order by started_at").to_pylist()
    assert sorted(row["status"] for row in statuses) == ["failed", "interrupted", "published", "published"]
    assert published.current(settings).as_of == AS_OF.replace(tzinfo=None)


def test_a_second_refresh_says_who_is_at_work(settings: Settings) -> None:
    with held(settings.paths.warehouse_lock, "refresh"), pytest.raises(Busy, match=f"refresh .pid {os.getpid()}"):
        refresh(settings)


def test_a_wrong_date_is_a_wrong_use(home: Path) -> None:
    result = CliRunner().invoke(app, ["refresh", "--as-of", "yesterday"], env={"WABENCH_HOME": str(home)})
    assert isinstance(result.exception, UsageError)


def test_dbt_ends_with_the_process_that_started_it() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "wabench.dbt", "debug"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        pass
    assert child.returncode == 1
