"""What else lies in a shop's folder and may name a person: logs and exports go, the shop's own texts are only named."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from wabench.erasure.traces import Person
from wabench.settings import Settings

_REBUILT = ("dbt", "spark")
"""Folders of `data` that the next refresh makes anew."""

_DONE_ELSEWHERE = ("landing", "published", "receipts", "erasing", "locks", *_REBUILT)
_DATABASES = (".duckdb", ".db", ".wal", "-wal", "-shm")


def erase(settings: Settings, person: Person) -> int:
    """Take them out of the other files of `data`; gives how many were changed or deleted."""
    for name in _REBUILT:
        shutil.rmtree(settings.paths.data / name, ignore_errors=True)
    found = [path for path in _others(settings) if person.traces.is_in(path.read_bytes())]
    for path in found:
        if settings.paths.exports in path.parents:
            path.unlink()
            path.with_suffix(".manifest.json").unlink(missing_ok=True)
        else:
            _blank_lines(path, person)
    return len(found)


def count(settings: Settings, person: Person) -> int:
    """Tell how many of these files name them."""
    return sum(person.traces.is_in(path.read_bytes()) for path in _others(settings))


def left(settings: Settings, person: Person) -> list[str]:
    """Name the files of the shop's folder outside `data` that still name them: the shop's own texts."""
    home, data = settings.paths.home, settings.paths.data
    own = [path for path in _shops(home) if data not in path.parents and person.traces.is_in(path.read_bytes())]
    return [path.relative_to(home).as_posix() for path in own]


def _shops(home: Path) -> Iterator[Path]:
    """List what a shop keeps beside its data; where its home is the repository, not the code."""
    yield from (path for path in sorted(home.glob("*")) if path.is_file())
    for folder in ("segments", "seeds"):
        yield from (path for path in sorted((home / folder).rglob("*")) if path.is_file())


def _others(settings: Settings) -> Iterator[Path]:
    data = settings.paths.data
    for folder, names, files in os.walk(data):
        if Path(folder) == data:
            names[:] = [name for name in names if name not in _DONE_ELSEWHERE]
        yield from (Path(folder, name) for name in sorted(files) if not name.endswith(_DATABASES))


def _blank_lines(path: Path, person: Person) -> None:
    """Blank the lines that name them where they stand, for somebody may be adding lines; a record becomes an empty one.

    The segments' history keeps its lines, for what they say of everybody else: there the identity alone goes.
    """
    is_history = path.name == "segments.ndjson"
    with path.open("r+b") as file:
        offset = 0
        for line in file.read().splitlines(keepends=True):
            text = line.rstrip(b"\r\n")
            if person.traces.is_in(text):
                file.seek(offset)
                file.write(person.traces.masked_bytes(text) if is_history else _empty(path, text))
            offset += len(line)
        file.flush()
        os.fsync(file.fileno())


def _empty(path: Path, line: bytes) -> bytes:
    return (b"{}" if path.suffix == ".ndjson" else b"").ljust(len(line))
