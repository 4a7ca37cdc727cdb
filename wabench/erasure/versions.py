"""A person taken out of the warehouse and of what is published. The caller holds the warehouse lock."""

import re
import shutil
from pathlib import Path

from wabench import publish
from wabench.disk import sync
from wabench.erasure import tables
from wabench.erasure.traces import Person
from wabench.published import POINTER
from wabench.settings import Settings
from wabench.snapshots import TABLE

_NOT_OF_LANDING = ("raw.refreshes", "raw.test_results", f"marts.{TABLE}")
"""What landing and ledger can't give again; all else is loaded and built anew."""


def count_warehouse(settings: Settings, person: Person) -> int:
    """Tell how many rows of the warehouse name them."""
    return tables.count(settings.paths.warehouse, person) if settings.paths.warehouse.exists() else 0


def erase_warehouse(settings: Settings, person: Person) -> None:
    """Begin a new warehouse with what only the old one had; landing has to be loaded into it, and all models built."""
    old = settings.paths.warehouse
    building = old.with_suffix(".building")
    for left in (building, building.with_suffix(".building.wal")):
        left.unlink(missing_ok=True)
    if old.exists():
        tables.copy(old, building, person, _NOT_OF_LANDING)
        sync(building)
        old.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        building.replace(old)
        sync(old.parent)
    shutil.rmtree(old.with_suffix(".duckdb.tmp"), ignore_errors=True)  # what did not fit into memory once


def count_published(settings: Settings, person: Person) -> int:
    """Tell how many rows of the current version name them."""
    pointer = settings.paths.published / POINTER
    return tables.count(pointer.resolve(), person) if pointer.exists() else 0


def erase_published(settings: Settings, person: Person) -> None:
    """Publish the current version without them under a name of its own; the versions before it go."""
    now = publish.version(settings)
    if now is None:
        return
    stem, _, number = now.partition("-e")
    name = f"{stem}-e{int(number or 0) + 1}" if re.fullmatch(r"\d*", number) else f"{now}-e1"

    def copy(old: Path, new: Path) -> None:
        tables.copy(old, new, person)

    publish.replace(settings, name, copy)
