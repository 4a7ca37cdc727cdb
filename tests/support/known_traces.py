"""What is left of somebody in a shop, and what the shop's tables say."""

import base64
import json
import shutil
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import duckdb
import known_shop as shop
from warehouse import ask

from wabench.settings import Settings, load

RAW = ("message_events", "orders", "order_lines", "customers", "rejected", "pulls")


def customers(settings: Settings) -> dict[str, str]:
    return dict(ask(settings, "select coalesce(phone, email, name), customer_id from marts.dim_customers"))


def raw(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    with closing(duckdb.connect(str(settings.paths.warehouse), read_only=True)) as connection:
        tables = {name: connection.sql(f"select * exclude (load_id) from raw.{name}") for name in RAW}
        return {name: sorted(table.to_arrow_table().to_pylist(), key=str) for name, table in tables.items()}


def copied(of: Settings, home: Path) -> Settings:
    shutil.copytree(of.home, home, symlinks=True)
    return load({"WABENCH_HOME": str(home)})


def marts(settings: Settings, but: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Read what is published, without what tells one run from another."""
    path = settings.paths.published / "current.duckdb"
    untold = ["refreshed_at", "send_id"]
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        names = [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
        kept = f"columns(lambda c: not list_contains({untold}, c))"
        told = {n: connection.execute(f"select {kept} from {n}").fetchall() for n in names if n not in but}
    return {
        name: sorted((tuple(map(plain, row)) for row in rows), key=repr)
        for name, rows in told.items()
        if not name.startswith("meta_")
    }


def plain(cell: Any) -> Any:
    """Give a cell to the second, to the thousandth, and without the key that stands in place of who was erased."""
    match cell:
        case datetime():
            return cell.replace(microsecond=0)
        case float():
            return round(cell, 3)
        case str() if cell.startswith("erased-"):
            return "erased"
    return cell


def traces_in(home: Path, *more: str) -> list[str]:
    """Search each file under a home for each trace in each usual coding, and every cell of every table."""
    texts = (*shop.TRACES, *more)
    needles = {code for text in texts for code in codings(text)}
    found = []
    for path in (p for p in home.rglob("*") if p.is_file()):
        data = path.read_bytes()
        found += [f"{path.relative_to(home)}: {needle!r}" for needle in needles if needle in data]
        if path.suffix == ".duckdb":
            found += [f"{path.name} {cell}" for cell in cells(path) if any(text in cell for text in texts)]
    return found


def codings(text: str) -> list[bytes]:
    return [
        text.encode(), text.encode("utf-16-le"), json.dumps(text)[1:-1].encode(), quote(text).encode(),
        quote_plus(text).encode(), base64.b64encode(text.encode())[:-4] or b"?" * 9,
    ]  # fmt: skip


def cells(path: Path) -> list[str]:
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        rows = [connection.execute(f'select * from "{s}"."{t}"').fetchall() for s, t in tables]
    return [str(cell) for table in rows for row in table for cell in row if isinstance(cell, str)]
