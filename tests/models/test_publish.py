"""Publishing under kills and under readers, on a small warehouse made by hand."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from wabench import published
from wabench.publish import Run, publish, version
from wabench.settings import Settings

NOON = datetime.fromisoformat("2026-06-30 12:00")

# Publishes version 2 and dies at the n-th time it opens, renames, links or removes a published file.
DIE = """
import os, signal, sys
from pathlib import Path
from datetime import datetime
from wabench import publish
from wabench.settings import load
name, nth = sys.argv[2], int(sys.argv[3])
calls = 0
def dying(event, arguments):
    global calls
    if event == name and any("published" in str(a) for a in arguments):
        calls += 1
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(dying)
run = publish.Run("2", datetime(2026, 6, 30), datetime(2026, 6, 30))
publish.publish(load({"WABENCH_HOME": sys.argv[1]}), run, ("dim_customers", "meta_refreshes"))
"""


@pytest.fixture
def shop(settings: Settings) -> Settings:
    settings.paths.data.mkdir()
    with closing(duckdb.connect(str(settings.paths.warehouse))) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.dim_customers as select unnest(range(20000)) as customer_id, 1 as made_by"
        )
        connection.execute("create table marts.runs (run_id text, status text, finished_at timestamp, version text)")
        connection.execute("create view marts.meta_refreshes as from marts.runs")
    return settings


def run(settings: Settings, number: int) -> None:
    """Publish a version in which every customer says who made it."""
    with closing(duckdb.connect(str(settings.paths.warehouse))) as connection:
        connection.execute("update marts.dim_customers set made_by = ?", [number])
        connection.execute("insert into marts.runs (run_id, status) values (?, 'running')", [str(number)])
    publish(settings, Run(str(number), NOON, NOON), ("dim_customers", "meta_refreshes"))


def made_by(settings: Settings) -> list[int]:
    rows = published.query(settings, "select distinct made_by from dim_customers").to_pylist()
    return [row["made_by"] for row in rows]


def test_readers_see_the_run_published_and_when_it_was_refreshed(shop: Settings) -> None:
    run(shop, 1)
    [row] = published.query(shop, "select status, version, refreshed_at, finished_at from meta_refreshes").to_pylist()
    assert (row["status"], row["version"]) == ("published", "1")
    assert row["refreshed_at"] == row["finished_at"] is not None


def test_three_versions_are_kept_and_an_open_one_can_still_be_read(shop: Settings) -> None:
    run(shop, 1)
    with closing(duckdb.connect(str(shop.paths.published / "1.duckdb"), read_only=True)) as reader:
        for number in (2, 3, 4, 5):
            run(shop, number)
            assert made_by(shop) == [number]
        assert reader.execute("select distinct made_by from dim_customers").fetchall() == [(1,)]
    kept = sorted(path.name for path in shop.paths.published.glob("*.duckdb"))
    assert kept == ["3.duckdb", "4.duckdb", "5.duckdb", "current.duckdb"]


def test_an_old_version_that_cannot_be_removed_does_not_fail_the_new_one(shop: Settings) -> None:
    shop.paths.published.mkdir()
    (shop.paths.published / "0.duckdb").mkdir()
    for number in (1, 2, 3):
        run(shop, number)
    assert made_by(shop) == [3]


def test_only_the_marts_named_are_published(shop: Settings) -> None:
    run(shop, 1)
    tables = published.query(shop, "select table_name from information_schema.tables order by 1").to_pylist()
    assert [row["table_name"] for row in tables] == ["dim_customers", "meta_refreshes"]


@pytest.mark.parametrize(
    ("event", "nth"), [("open", 1), ("os.rename", 1), ("os.symlink", 1), ("os.rename", 2), ("os.remove", 1)]
)
def test_a_kill_leaves_a_whole_version_and_the_next_publish_sweeps(shop: Settings, event: str, nth: int) -> None:
    for number in (1, 11, 12):
        run(shop, number)
    command = [sys.executable, "-c", DIE, str(shop.home), event, str(nth)]
    killed = subprocess.run(command, env=os.environ, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert version(shop) in ("12", "2")
    assert made_by(shop) == [12]
    run(shop, 13)
    assert made_by(shop) == [13]
    left = [path.name for path in shop.paths.published.iterdir() if "building" in path.name]
    assert left == []
    assert len(list(shop.paths.published.glob("*.duckdb"))) == 4


def test_readers_go_on_while_versions_are_published(shop: Settings, tmp_path: Path) -> None:
    run(shop, 1)
    code = """
import sys
from wabench import published
from wabench.settings import load
settings = load({"WABENCH_HOME": sys.argv[1]})
seen = set()
while 6 not in seen:
    rows = published.query(settings, "select made_by, count(*) as n from dim_customers group by 1").to_pylist()
    assert [row["n"] for row in rows] == [20000], rows
    seen.add(rows[0]["made_by"])
print(len(seen))
"""
    readers = [
        subprocess.Popen([sys.executable, "-c", code, str(shop.home)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for number in range(2, 7):
        run(shop, number)
    for reader in readers:
        out, _ = reader.communicate(timeout=60)
        assert reader.returncode == 0
        assert int(out) >= 1
