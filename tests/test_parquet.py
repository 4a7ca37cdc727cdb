from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from history import FIRST
from warehouse import AS_OF, ask, put, shop

from ingest import loader
from wabench import dbt, parquet
from wabench.errors import WabenchError
from wabench.settings import Settings


@pytest.fixture
def settings(home: Path) -> Settings:
    settings = shop(home)
    put(settings, 1, FIRST)
    return settings


def built(settings: Settings, name: str, sql: str) -> None:
    """Write what an engine would have built."""
    folder = parquet.folder(settings) / "warehouse" / name
    folder.mkdir(parents=True)
    duckdb.sql(sql).write_parquet(str(folder / "part-0.parquet"))


def test_every_raw_table_is_written_also_an_empty_one(settings: Settings) -> None:
    with parquet.lent(settings) as folder:
        tables = {name for (name,) in ask(settings, "select table_name from duckdb_tables() where schema_name = 'raw'")}
        assert {path.stem for path in (folder / "raw").iterdir()} == tables
        counted = duckdb.sql(f"select count(*) from '{folder}/raw/orders.parquet'").fetchall()
        assert counted == ask(settings, "select count(*) from raw.orders")
        assert duckdb.sql(f"from '{folder}/raw/readings.parquet'").fetchall() == []


def test_what_was_lent_is_gone_afterwards_whatever_happened(settings: Settings) -> None:
    with pytest.raises(RuntimeError), parquet.lent(settings):
        raise RuntimeError
    assert not parquet.folder(settings).exists()


def test_marts_and_failing_rows_come_back_in_place_of_views_and_tables(settings: Settings) -> None:
    with parquet.lent(settings):
        built(settings, "marts.db/fct_orders", "select 'new' as order_key")
        built(settings, "marts.db/meta_tests", "select 'old' as run_id, 'old' as test")
        built(settings, "intermediate.db/int_orders_unified", "select 1 as number")
        built(settings, "tests.db/assert_all_is_well", "select 3 as wrong")
        with loader.connect(settings) as connection:
            connection.execute("create schema marts")
            connection.execute("create view marts.fct_orders as select 'old' as order_key")
            connection.execute("create table marts.meta_tests as select 'older' as run_id")
            connection.execute("insert into raw.test_results (run_id, test, status) values ('now', 'is well', 'pass')")
            parquet.take(settings, connection)
    assert ask(settings, "from marts.fct_orders") == [("new",)]
    assert ask(settings, "from tests.assert_all_is_well") == [(3,)]
    assert ask(settings, "select run_id, test from marts.meta_tests") == [("now", "is well")]
    assert ask(settings, "select 1 from information_schema.tables where table_name = 'int_orders_unified'") == []


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="Spark is installed here")
def test_spark_that_is_not_installed_is_named_with_what_to_read(settings: Settings) -> None:
    with pytest.raises(WabenchError, match=r"needs pyspark.*runbooks/spark\.md"):
        dbt.build(settings, AS_OF, engine=dbt.Engine.SPARK)
