"""Publish the marts: a new file beside the old ones, then the pointer moved to it in one step.

Readers open `current.duckdb` read-only and see a whole tested refresh or the one before. Killed at any moment, this
leaves the pointer where it was, and what it had begun is swept away by the next publish.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from wabench.disk import sync
from wabench.published import POINTER
from wabench.settings import Settings

KEPT = 3
_BUILDING = ".building"
_COPY = 'create table "{table}" as select *, $at::timestamp as refreshed_at from warehouse.marts."{table}"'
_PUBLISHED = "update meta_refreshes set status = 'published', finished_at = $at, version = run_id where run_id = $run"


@dataclass(frozen=True, slots=True)
class Run:
    """One refresh. Its id is the version it publishes; times are naive UTC."""

    run_id: str
    started_at: datetime
    as_of: datetime


def publish(settings: Settings, run: Run, marts: Iterable[str]) -> str:
    """Copy these marts as the version `run.run_id` and point readers to it; the caller holds the warehouse lock.

    In the copy the run is published already; in the warehouse that is for the caller to write down.
    """
    folder = settings.paths.published
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    building = folder / f"{run.run_id}{_BUILDING}"
    _copy(settings.paths.warehouse, building, run, marts)
    sync(building)
    final = building.with_suffix(".duckdb")
    building.rename(final)
    _point(folder, final.name)
    with contextlib.suppress(OSError):  # readers have the new version already; the next publish tries again
        _prune(folder)
    return run.run_id


def replace(settings: Settings, name: str, copy: Callable[[Path, Path], None]) -> None:
    """Publish what `copy` makes of the current version (from, to) as `name`, and drop every other version.

    Killed at any moment, a second call with another name does the rest. A reader that has an older one open goes on
    reading it until it asks for the current one.
    """
    folder = settings.paths.published
    _sweep(folder)
    building = folder / f"{name}{_BUILDING}"
    copy((folder / POINTER).resolve(strict=True), building)
    sync(building)
    final = building.with_suffix(".duckdb")
    building.rename(final)
    _point(folder, final.name)
    for old in folder.glob("*.duckdb"):
        if old.name not in (POINTER, final.name):
            old.unlink()
    sync(folder)


def version(settings: Settings) -> str | None:
    """Tell which version the pointer points to; None before the first."""
    try:
        return (settings.paths.published / POINTER).readlink().stem
    except OSError:
        return None


def _copy(warehouse: Path, building: Path, run: Run, marts: Iterable[str]) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    with contextlib.closing(duckdb.connect(str(building))) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach {_literal(warehouse)} as warehouse (read_only)")
        for table in sorted(marts):
            connection.execute(_COPY.format(table=table), {"at": now})
        connection.execute(_PUBLISHED, {"at": now, "run": run.run_id})
        connection.execute("detach warehouse")
        connection.execute("checkpoint")


def _point(folder: Path, name: str) -> None:
    """Move the pointer; rename is atomic, and the folder is synced so that it survives a power cut."""
    moving = folder / f"{POINTER}{_BUILDING}"
    moving.symlink_to(name)
    sync(folder)
    moving.replace(folder / POINTER)
    sync(folder)


def _sweep(folder: Path) -> None:
    """Remove what a killed publish left; its write-ahead log has the same beginning."""
    for left in folder.glob(f"*{_BUILDING}*"):
        left.unlink()


def _prune(folder: Path) -> None:
    """Keep the newest versions; a reader that has an older one open goes on reading it."""
    kept = (folder / POINTER).readlink().name
    versions = sorted(path for path in folder.glob("*.duckdb") if path.name not in (POINTER, kept))
    for old in versions[: max(0, len(versions) - KEPT + 1)]:
        old.unlink()


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
