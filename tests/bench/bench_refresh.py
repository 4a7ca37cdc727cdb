"""A refresh's models beside the same tables written by hand: `bench_refresh.py [CUSTOMERS] [--check]`.

A customer comes with 20 message events and 4 orders. Budgets: the models of a full build in 3 times the reference, a
build with 1 % new data in a quarter of a full one. `--check` compares each of its marts with one made from scratch.
"""

import json
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb
from measure import Measured, measure

from ingest import loader
from wabench import dbt
from wabench.settings import Settings, load

BEGAN, CUT, ENDED = (
    datetime.fromisoformat(day) for day in ("2025-09-30 12:00", "2026-09-26 20:00", "2026-09-30 12:00")
)
SLOWEST = 15
_SQL = Path(__file__).parent
_SAME = {
    "messages": (
        "select count(*), count(delivered_at), count(read_at), count(replied_at) from {}",
        "marts.fct_messages",
    ),
    "orders": ("select count(*), count(*) filter (is_paid), round(sum(net)) from {}", "marts.fct_orders"),
    "customers": (
        "select count(*) filter (orders > 0), sum(orders_90d), round(sum(net_revenue_30d)) from {}",
        "marts.dim_customers",
    ),
    "campaigns": ("select sum(planned), sum(delivered), sum(read) from {}", "marts.fct_campaigns"),
}


def invent(home: str, customers: int, load_id: int) -> None:
    variables = {"customers": customers, "began": BEGAN, "cut": CUT, "ended": ENDED, "load": load_id}
    with closing(loader.connect(load({"WABENCH_HOME": home}))) as connection:
        connection.execute(
            "set enable_progress_bar = false; set preserve_insertion_order = false; set memory_limit = '5GB'"
        )
        _set(connection, variables)
        connection.execute((_SQL / "refresh_raw.sql").read_text())
        connection.execute((_SQL / "refresh_load.sql").read_text())
        connection.execute("checkpoint")


def build(home: str, as_of: datetime, full: bool) -> None:
    settings = load({"WABENCH_HOME": home})
    began = time.monotonic()
    done = dbt.build(settings, as_of, full)
    seconds = time.monotonic() - began
    assert not done.failed, done.failed
    assert not done.errors, done.errors
    results = json.loads((dbt.target(settings) / "run_results.json").read_bytes())["results"]
    took = [(result["unique_id"].split(".")[2], result["execution_time"], result["unique_id"]) for result in results]
    told = {kind: [(name, s) for name, s, node in took if node.startswith(kind)] for kind in ("model", "test")}
    Path(home, "told.json").write_text(json.dumps({"seconds": seconds, **told}))


def by_hand(home: str) -> None:
    with duckdb.connect(str(Path(home, "reference.duckdb"))) as connection:
        connection.execute("set enable_progress_bar = false; set preserve_insertion_order = false")
        connection.execute(f"attach '{load({'WABENCH_HOME': home}).paths.warehouse}' as warehouse (read_only)")
        connection.execute("create macro phone_key(phone) as " + _phone_key())
        _set(connection, {"as_of": ENDED})
        sql = (
            (_SQL / "refresh_reference.sql")
            .read_text()
            .replace("raw.", "warehouse.raw.")
            .replace("seeds.", "warehouse.seeds.")
        )
        connection.execute(sql)
        connection.execute("checkpoint")
        for table, (question, mart) in _SAME.items():
            theirs, ours = (
                connection.execute(question.format(name)).fetchall() for name in (table, f"warehouse.{mart}")
            )
            assert theirs == ours, f"{table}: by hand {theirs}, models {ours}"


def _phone_key() -> str:
    """Take the rule of the models, so that both know the same customers."""
    macro = (_SQL.parent.parent / "macros" / "identity.sql").read_text().split("{% macro phone_key(phone) -%}")[1]
    return macro.split("{%- endmacro %}")[0].replace("{{ phone }}", "phone")


def _set(connection: duckdb.DuckDBPyConnection, variables: dict[str, int | datetime]) -> None:
    for name, value in variables.items():
        connection.execute(
            f"set variable {name} = {value}" if isinstance(value, int) else f"set variable {name} = timestamp '{value}'"
        )


def report(name: str, home: str, measured: Measured) -> float:
    """Print where a build's time went; gives the seconds of its models."""
    told = json.loads(Path(home, "told.json").read_text())
    models, tests = (sum(seconds for _, seconds in told[kind]) for kind in ("model", "test"))
    rest = told["seconds"] - models - tests
    print(f"{name:<22} {told['seconds']:7.1f} s  peak {measured.peak_mb:6,.0f} MB")
    print(f"    models {models:.1f} s, tests {tests:.1f} s, dbt itself {rest:.1f} s")
    for kind in ("model", "test"):
        for node, seconds in sorted(told[kind], key=lambda item: -item[1])[:SLOWEST]:
            print(f"    {seconds:7.2f} s  {kind} {node}")
    return float(told["seconds"])


def marts(settings: Settings) -> dict[str, int]:
    """Give a number for each mart that no two different ones share, whatever the order of their rows."""
    with closing(loader.connect(settings)) as connection:
        sql = "select table_name from information_schema.tables where table_schema = 'marts'"
        names = [name for (name,) in connection.execute(sql).fetchall() if not name.startswith("meta_")]
        return {
            n: connection.execute(f"select sum(hash(t)::hugeint) from marts.{n} as t").fetchall()[0][0] for n in names
        }


def main(customers: int, is_checked: bool) -> None:
    with tempfile.TemporaryDirectory() as home:
        settings = load({"WABENCH_HOME": home})
        measure(invent, home, customers, 1)
        print(f"{customers:,} customers, {20 * customers:,} message events, {4 * customers:,} orders, invented")
        full = report("full build", home, measure(build, home, CUT, True))
        measure(invent, home, customers, 2)
        again = report("1 % new data", home, measure(build, home, ENDED, False))
        reference = measure(by_hand, home)
        print(f"{'by hand':<22} {reference.seconds:7.1f} s  peak {reference.peak_mb:6,.0f} MB")
        print(f"{'full / by hand':<22} {full / reference.seconds:7.2f} (budget 3)")
        print(f"{'1 % new / full':<22} {again / full:7.2f} (budget 0.25)")
        if is_checked:
            before = marts(settings)
            measure(build, home, ENDED, True)
            assert marts(settings) == before, "a mart depends on how it was built"


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    main(int(arguments[0].replace("_", "")) if arguments else 1_000_000, "--check" in sys.argv)
