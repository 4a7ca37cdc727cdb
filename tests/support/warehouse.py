"""Warehouses for tests: rows put straight into the raw tables, and marts read back."""

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import parsed

from ingest import loader
from wabench import dbt, snapshots
from wabench.errors import Busy
from wabench.settings import ROOT, Settings, load

AS_OF = datetime.fromisoformat("2026-06-30 12:00")
Rows = Sequence[Mapping[str, Any]]

_ALWAYS = {"received_at": AS_OF, "landing_ref": "test:0"}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "message_events": {**_ALWAYS, "provider": "meta"},
    "orders": {**_ALWAYS, "source": "shop", "status": "paid", "refunded": 0, "currency": "USD"},
    "order_lines": {**_ALWAYS, "source": "till", "line_number": 1, "currency": "USD"},
    "customers": {**_ALWAYS, "source": "shop"},
    "pulls": {
        "landing_ref": "test:0",
        "source": "shop",
        "stream": "customers",
        "is_full": True,
        "finished_at": AS_OF,
        "records": 1000,
    },
    "rejected": {},
    "campaigns": {"status": "finished", "provider": "meta", "category": "marketing", "template_name": "sale"},
    "variants": {"share": 0.5, "language": "en"},
    "sends": {"state": "accepted", "planned_at": datetime.fromisoformat("2026-06-27")},
    "replies": {"customer_id": "c", "provider": "meta", "channel_id": "1", "written_by": "person", "state": "accepted"},
    "heard": {"provider": "meta", "customer_id": "c", "does": "nothing"},
}
_VERSIONED = ("customers", "orders")
_WITHOUT_LOAD = ("campaigns", "variants", "sends", "replies", "heard")


def shop(home: Path, **settings: str) -> Settings:
    parsed.lend(home)
    return load({"WABENCH_HOME": str(home), **{f"WABENCH_{name.upper()}": value for name, value in settings.items()}})


def put(settings: Settings, load_id: int, raw: Mapping[str, Rows]) -> None:
    """Insert rows by raw table, as one load."""
    with closing(loader.connect(settings)) as connection:
        for table, rows in raw.items():
            for given in rows:
                row = _DEFAULTS[table] | dict(given) | ({} if table in _WITHOUT_LOAD else {"load_id": load_id})
                if table in _VERSIONED:
                    row = {"first_received_at": row["received_at"]} | row
                marks = ", ".join("?" for _ in row)
                connection.execute(f"insert into raw.{table} ({', '.join(row)}) values ({marks})", list(row.values()))


def build(
    settings: Settings,
    as_of: datetime = AS_OF,
    full: bool = False,
    project: Path | None = None,
    is_tested: bool = False,
) -> dbt.Build:
    """Build the models, and run the data tests (most of the time it takes) where asked."""
    with closing(_connect(settings)) as connection:
        is_next = snapshots.is_next(connection, as_of, as_of)
    without = () if is_next else (snapshots.TABLE,)
    if project is None:
        parsed.lend(settings.home)
    done = dbt.build(settings, as_of, full, project=project or ROOT, without=without, is_tested=is_tested)
    assert not done.failed, done.failed
    assert not done.errors, done.errors
    if project is None and all(getattr(settings, n) == Settings.model_fields[n].default for n in dbt.VARIABLES):
        parsed.keep(settings.home)
    return done


def project(folder: Path, **seeds: str) -> Path:
    """Copy the dbt project, with these seeds instead of its own."""
    for name in ("models", "macros", "seeds", "tests/dbt"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, folder / name)
    for name, text in seeds.items():
        (folder / "seeds" / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def ask(settings: Settings, sql: str, *params: object) -> list[tuple[Any, ...]]:
    with closing(_connect(settings)) as connection:
        return connection.execute(sql, list(params)).fetchall()


def compiled(settings: Settings, node: str) -> str:
    """Give the SQL that the last build ran for a model or a test."""
    found = (dbt.target(settings) / "compiled").rglob("*.sql")
    [path] = {path for path in found if path.stem == node} or {path for path in found if path.stem.startswith(node)}
    return path.read_text(encoding="utf-8")


def marts(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is published of customers, messages, orders and campaigns, in a fixed order."""
    tables = ask(
        settings,
        "select table_name from information_schema.tables"
        " where table_schema = 'marts' and table_name not like 'meta_%'",
    )
    return {name: ask(settings, f'select * from marts."{name}" order by all') for (name,) in tables}


def _connect(settings: Settings, patience: float = 20) -> duckdb.DuckDBPyConnection:
    """Open the warehouse; the dbt of a test that died may be about to let go of it."""
    until = time.monotonic() + patience
    while True:
        try:
            return loader.connect(settings)
        except Busy:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
