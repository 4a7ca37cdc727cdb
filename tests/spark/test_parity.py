"""Every mart is the same, whichever engine built it: on the demo's shop, taken in the way a real one is, and on what is
rarer than the demo (several currencies, orders of lines, late statuses, shared phones, refusals)."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from engines import Columns, Rows, columns, differences, rows
from history import FIRST, SECOND
from warehouse import ask, put

from wabench import refresh
from wabench.dbt import Engine
from wabench.settings import Settings, load

pytestmark = pytest.mark.spark

OF_THE_RUN = {"meta_refreshes", "meta_tests"}
Marts = Mapping[str, tuple[Columns, Rows]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("demo")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WABENCH_")}
    command = [sys.executable, "-m", "wabench.cli", "demo", "--customers", "300", "--days", "120", "--no-app"]
    subprocess.run(command, env=environ | {"WABENCH_HOME": str(home)}, check=True)
    settings = load({"WABENCH_HOME": str(home)})
    put(settings, 10_001, FIRST)
    put(settings, 10_002, SECOND)
    return settings


@pytest.fixture(scope="module")
def marts(shop: Settings) -> Mapping[Engine, Marts]:
    """Every mart as each engine built it, at one and the same moment."""
    as_of = datetime.now(UTC)
    built = {}
    for engine in Engine:
        outcome = refresh.refresh(shop, as_of, full=True, engine=engine)
        built[engine] = {mart: (columns(shop, mart), rows(shop, mart)) for mart in sorted(outcome.marts)}
    return built


def test_both_engines_build_the_same_marts_with_the_same_columns(marts: Mapping[Engine, Marts]) -> None:
    one, other = ({mart: told for mart, (told, _) in marts[engine].items()} for engine in Engine)
    assert {m: [c for c in one[m] if c not in other.get(m, [])] for m in one} == {m: [] for m in one}
    assert one == other


def test_every_row_of_every_mart_is_the_same(marts: Mapping[Engine, Marts]) -> None:
    one, other = marts[Engine.DUCKDB], marts[Engine.SPARK]
    assert all(len(one[mart][1]) > 0 for mart in ("dim_customers", "fct_messages", "fct_orders", "fct_campaigns"))
    apart = {mart: list(differences(one[mart][1], other[mart][1])) for mart in one if mart not in OF_THE_RUN}
    assert {mart: found[:3] for mart, found in apart.items() if found} == {}


def test_what_spark_built_is_published_with_its_run(shop: Settings, marts: Mapping[Engine, Marts]) -> None:
    (newest,) = ask(shop, "select status, version, tests_failed from raw.refreshes order by started_at desc limit 1")
    assert newest[0] == "published" and newest[2] == 0
    pointed = (shop.paths.published / "current.duckdb").readlink().stem
    assert pointed == newest[1]
    tests = ask(shop, "select count(*), count(distinct run_id) from marts.meta_tests where run_id = ?", pointed)
    assert tests[0][0] > 100


def test_nothing_is_left_in_a_second_place(shop: Settings, marts: Mapping[Engine, Marts]) -> None:
    assert not (shop.paths.data / "spark").exists()
