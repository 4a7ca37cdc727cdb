"""A SQL segment reads the published tables and does nothing else: each attempt at more is refused with a clear line."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from published_shop import customer, publish_shop

from wabench import published, segments
from wabench.errors import UsageError
from wabench.segments import files, sandbox
from wabench.segments.rules import Sql
from wabench.settings import Settings

CUSTOMERS = [customer(number) for number in range(120)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shop for all attempts: that it is still whole after the last is part of what they show."""
    home = tmp_path_factory.mktemp("shop")
    publish_shop(home, "20261122T180000Z", CUSTOMERS)
    return home


def select(settings: Settings, sql: str) -> list[str]:
    chosen: list[str] = sandbox.customers(settings, published.current(settings), sql)["customer_id"].to_pylist()
    return sorted(chosen)


ATTEMPTS = {
    "reads a file": ("select customer_id from read_csv('/etc/passwd')", "read_csv() is not allowed"),
    "reads a file as text": ("select content as customer_id from read_text('/etc/hostname')", "read_text() is not"),
    "names a file as a table": ("select customer_id from '/etc/passwd'", "'/etc/passwd' is no published table"),
    "lists a folder": ("select file as customer_id from glob('/*')", "glob() is not allowed"),
    "reaches the network": (
        "select customer_id from read_parquet('https://example.com/x.parquet')",
        "read_parquet() is not allowed",
    ),
    "writes a file": ("copy dim_customers to '/tmp/stolen.csv'", "COPY is not allowed"),
    "exports the database": ("export database '/tmp/stolen'", "EXPORT is not allowed"),
    "attaches a database": ("attach '/tmp/x.duckdb' as x", "ATTACH is not allowed"),
    "installs an extension": ("install httpfs", "LOAD is not allowed"),
    "loads an extension": ("load httpfs", "LOAD is not allowed"),
    "changes a setting": ("set memory_limit = '100GB'", "SET is not allowed"),
    "runs a pragma": ("pragma enable_external_access = true", "is not allowed"),
    "creates a table": ("create table t as select customer_id from dim_customers", "CREATE is not allowed"),
    "inserts": ("insert into dim_customers (customer_id) values ('x')", "INSERT is not allowed"),
    "updates": ("update dim_customers set name = 'x'", "UPDATE is not allowed"),
    "deletes": ("delete from dim_customers", "DELETE is not allowed"),
    "drops": ("drop table dim_customers", "DROP is not allowed"),
    "is two statements": ("select customer_id from dim_customers; drop table dim_customers", "it is 2 statements"),
    "hides a statement in a text": ("select customer_id from query('drop table dim_customers')", "query() is not"),
    "reads the settings": ("select name as customer_id from duckdb_settings()", "duckdb_settings() is not allowed"),
    "reads one setting": (
        "select current_setting('temp_directory') as customer_id from dim_customers",
        "current_setting() is not allowed",
    ),
    "reads the secrets": ("select name as customer_id from duckdb_secrets()", "duckdb_secrets() is not allowed"),
    "reads the environment": ("select getenv('HOME') as customer_id", "getenv() is not allowed"),
    "reads the catalog": (
        "select table_name as customer_id from information_schema.tables",
        "'information_schema.tables' is no published table",
    ),
    "calls a procedure": ("call duckdb_logs()", "CALL is not allowed"),
    "escapes its parentheses": (
        "select customer_id from dim_customers) union all (select 'x'",
        "it can't be read: Parser Error",
    ),
    "selects something else": ("select name from dim_customers", "it selects name; a segment selects customer_id"),
    "is not SQL": ("please give me everybody", "it can't be read: Parser Error"),
    "misspells a table": ("select customer_id from fct_order", "no published table; did you mean 'fct_orders'?"),
    "misspells a column": ("select customer_id from dim_customers where ordrs > 3", "Binder Error"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_at_more_is_refused_in_one_clear_line(attempt: str, settings: Settings) -> None:
    sql, says = ATTEMPTS[attempt]
    with pytest.raises(UsageError) as refused:
        select(settings, sql)
    told = str(refused.value)
    assert told.startswith("sql: ")
    assert says in told
    assert "\n" not in told
    assert not Path("/tmp/stolen.csv").exists()
    assert segments.count(settings, segments.EVERYONE).customers == len(CUSTOMERS)


@pytest.mark.parametrize(
    "sql",
    [
        "with recursive n as (select 1 as i union all select i + 1 from n) select customer_id from dim_customers, n",
        "select customer_id from dim_customers, range(1000000) a (i), range(1000000) b (j) where i * j % 7 = 8",
    ],
    ids=["endless recursion", "a join that never ends"],
)
def test_what_runs_over_its_time_is_stopped(sql: str, settings_with: Callable[..., Settings]) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match=r"takes longer than 0\.5 s \(setting segment_sql_seconds\) and was stopped"):
        select(settings_with(segment_sql_seconds="0.5"), sql)
    assert time.monotonic() - began < 5


def test_what_needs_too_much_memory_is_stopped(settings_with: Callable[..., Settings]) -> None:
    everything = "select list(i || repeat('x', 90)) as many, 'c0001' as customer_id from range(90000000) as t (i)"
    with pytest.raises(UsageError, match=r"more than 64MB of memory \(setting segment_sql_memory\)"):
        select(
            settings_with(segment_sql_memory="64MB", segment_sql_seconds="60"),
            f"select customer_id from ({everything}) where len(many) > 1",
        )


def test_it_selects_whom_its_statement_selects(settings: Settings) -> None:
    chosen = select(settings, "select customer_id, orders from dim_customers where orders >= 3 -- loyal\n;")
    assert chosen == [person["customer_id"] for person in CUSTOMERS if person["orders"] >= 3]
    by_facts = (
        "with many as (select customer_id, count(*) as n from fct_orders group by 1) select customer_id from many"
    )
    assert len(select(settings, by_facts)) == 120


def test_ids_that_are_unknown_null_or_repeated_are_left_out(settings: Settings) -> None:
    sql = "select unnest(['c0001', 'c0001', 'nobody', null, 'c0002']) as customer_id"
    assert select(settings, sql) == ["c0001", "c0002"]
    counts = segments.count(settings, Sql(sql))
    assert (counts.customers, counts.decided_by_unset) == (2, 0)


def test_numbers_for_ids_select_nobody(settings: Settings) -> None:
    assert select(settings, "select 1 as customer_id") == []


def test_a_sql_segment_is_a_file_like_any_other_and_can_be_part_of_a_rule(settings: Settings) -> None:
    path = settings.paths.segments / "by_sql.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text("name: by_sql\nsql: |\n  select customer_id\n  from dim_customers\n  where orders = 4\n")
    segment = segments.load(settings, "by_sql")
    assert files.text(segment).endswith("sql: |-\n  select customer_id\n  from dim_customers\n  where orders = 4\n")
    rule, _ = files.parse_text("{not: {in_segment: by_sql}}")
    assert rule is not None
    loyal = sum(person["orders"] == 4 for person in CUSTOMERS)
    assert segments.count(settings, rule).customers == 120 - loyal
    _, manifest = segments.export(settings, segment)
    assert manifest.rows == loyal
    assert "select customer_id" in str(manifest.rule["sql"])
    assert json.loads(manifest.to_json())["rule_hash"] == segments.rule_hash(segment.where)
