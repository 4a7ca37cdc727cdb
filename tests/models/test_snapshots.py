"""The history of customers: only forward, only what was published, and not lost with the warehouse."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from warehouse import ask, project, put, shop

from ingest import loader
from wabench import dbt, published, snapshots
from wabench.refresh import TestsFailed, refresh
from wabench.settings import ROOT, Settings

DAY = timedelta(days=1)
START = datetime.fromisoformat("2026-06-01")
ANN, BOB = "+15550001", "+15550002"
STATES = """
    select phone, frequency_tag, order_value_tag, rfm_group, dbt_valid_from, dbt_valid_to
    from marts.snap_customer_tags
    left join (select identity as phone, customer_id from marts.dim_identities where identity_type = 'phone')
        using (customer_id)
    order by phone nulls last, dbt_valid_from
"""


def order(number: int, phone: str, at: datetime, **more: object) -> dict[str, object]:
    return {"order_id": f"o{number}", "phone": phone, "ordered_at": at, "total": Decimal(60), **more}


def states(settings: Settings) -> list[tuple[object, ...]]:
    return ask(settings, STATES)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann orders once and falls silent, Bob is new on the second day; each day's refresh is published."""
    settings = shop(tmp_path_factory.mktemp("snapshots"))
    put(settings, 1, {"orders": [order(1, ANN, START - 88 * DAY), order(2, BOB, START + DAY / 2)]})
    for day in range(2):
        refresh(settings, (START + day * DAY).replace(tzinfo=UTC))
    return settings.home


@pytest.fixture
def grown(built: Path, tmp_path: Path) -> Settings:
    """That shop for one test alone, which may change it."""
    return shop(shutil.copytree(built, tmp_path / "shop", symlinks=True))


SEEN = [
    (ANN, "quarterly", "medium", "needs_attention", START, START + DAY),
    (ANN, "quarterly", "medium", "lost", START + DAY, None),
    (BOB, "none", "none", "none", START, START + DAY),
    (BOB, "quarterly", "medium", "promising", START + DAY, None),
]


def test_a_state_holds_until_the_refresh_that_saw_it_change(grown: Settings) -> None:
    assert states(grown) == SEEN


def test_readers_have_the_history(grown: Settings) -> None:
    rows = published.query(grown, "select dbt_valid_to, refreshed_at from snap_customer_tags").to_pylist()
    assert len(rows) == len(SEEN)


def test_a_refresh_that_looks_back_adds_nothing(grown: Settings) -> None:
    outcome = refresh(grown, (START + DAY / 2).replace(tzinfo=UTC))
    assert outcome.version
    assert states(grown) == SEEN


def test_dbt_alone_refuses_to_look_back(grown: Settings) -> None:
    told = _observe(grown, START)
    assert told.returncode == 1
    assert "knows a later moment; leave it out: --exclude snap_customer_tags" in told.stdout
    assert states(grown) == SEEN


@pytest.mark.parametrize(("days", "is_next"), [(0.9, False), (1, True), (1.1, True), (2, True), (2.1, False)])
def test_it_is_taken_from_the_newest_moment_up_to_now(grown: Settings, days: float, is_next: bool) -> None:
    with closing(loader.connect(grown)) as connection:
        assert snapshots.is_next(connection, START + days * DAY, now=START + 2 * DAY) == is_next


def test_what_a_refused_refresh_saw_is_taken_back_and_a_kill_changes_nothing(grown: Settings) -> None:
    with closing(loader.connect(grown)) as connection:
        connection.execute("update raw.orders set currency = 'XAF' where order_id = 'o2'")
    with pytest.raises(TestsFailed):
        refresh(grown, (START + 2 * DAY).replace(tzinfo=UTC))
    with closing(loader.connect(grown)) as connection:
        connection.execute("update raw.orders set currency = 'USD'")
    _refresh_and_die(grown.home, START + 3 * DAY, snapshots.TABLE)
    states(grown)  # which waits until the dead one's dbt has let go
    refresh(grown, (START + 3 * DAY).replace(tzinfo=UTC), full=True)
    before, ann, *bob = SEEN
    changed = START + 3 * DAY
    assert states(grown) == [before, (*ann[:5], changed), (ANN, "rare", *ann[2:4], changed, None), *bob]


def test_the_history_comes_back_when_the_warehouse_was_deleted_and_who_is_another_now_ends(grown: Settings) -> None:
    everything = "select * from marts.snap_customer_tags order by customer_id, dbt_valid_from"
    before = ask(grown, everything)
    both = [order(1, ANN, START - 88 * DAY, customer_ref="both"), order(2, BOB, START + DAY / 2, customer_ref="both")]
    grown.paths.warehouse.unlink()
    put(grown, 1, {"orders": both})
    refresh(grown, (START + 4 * DAY).replace(tzinfo=UTC))
    after = ask(grown, everything)
    ended = {row[-1] for row in set(after) - set(before)} - {None}
    assert {row[:-1] for row in before} < {row[:-1] for row in after}
    assert ended == {START + 4 * DAY}
    assert ask(grown, "select count(*) from marts.snap_customer_tags where dbt_valid_to is null") == [(1,)]


def test_a_column_more_keeps_the_history(grown: Settings, tmp_path: Path) -> None:
    [(before, current)] = ask(grown, "select count(*), count_if(dbt_valid_to is null) from marts.snap_customer_tags")
    extended = project(tmp_path)
    for name, old, new in (
        ("models/intermediate/customers/int_customers_tracked.sql", "ltv_band,", "ltv_band, 'web' as shop,"),
        ("models/marts/customers/_customers__snapshots.yml", "ltv_band]", "ltv_band, shop]"),
    ):
        path = extended / name
        path.write_text(path.read_text().replace(old, new))
    for _ in range(2):  # the second finds the column there, and takes back what the first saw
        told = _observe(grown, START + 6 * DAY, extended)
        assert told.returncode == 0, told.stdout
    assert ask(grown, "select count(*), count(shop) from marts.snap_customer_tags") == [(before + current, current)]


def test_every_observed_column_is_watched() -> None:
    [snapshot] = yaml.safe_load((ROOT / "models/marts/customers/_customers__snapshots.yml").read_text())["snapshots"]
    columns = [column["name"] for column in snapshot["columns"] if not column["name"].startswith("dbt_")]
    assert columns == ["customer_id", *snapshot["config"]["check_cols"], "as_of"]
    assert snapshot["name"] == snapshots.TABLE


def _observe(settings: Settings, as_of: datetime, project: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Take the snapshot by dbt itself, and nothing else."""
    command = [sys.executable, "-m", "dbt.cli.main", "build", "--select", "int_customers_tracked", snapshots.TABLE]
    places = {"DBT_TARGET_PATH": str(dbt.target(settings)), "DBT_LOG_PATH": str(dbt.log(settings).parent)}
    environment = os.environ | places | {"WABENCH_HOME": str(settings.home), "WABENCH_AS_OF": as_of.isoformat(" ")}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def _refresh_and_die(home: Path, as_of: datetime, node: str) -> None:
    code = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from warehouse import shop
from wabench import dbt, refresh
def die(name, number, total):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
build = dbt.build
dbt.build = lambda settings, as_of, full, progress, without: build(settings, as_of, full, die, without=without)
refresh.refresh(shop(Path(sys.argv[1])), datetime.fromisoformat(sys.argv[2]).replace(tzinfo=UTC))
"""
    command = [sys.executable, "-c", code, str(home), as_of.isoformat(), node]
    support = str(ROOT / "tests" / "support")
    killed = subprocess.run(command, env=os.environ | {"PYTHONPATH": support}, check=False)
    assert killed.returncode == -signal.SIGKILL
