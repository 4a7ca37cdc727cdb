"""One writer at a time: a lock file that says who holds it and is free again when that process is gone."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wabench.errors import Busy


@contextmanager
def held(path: Path, purpose: str) -> Iterator[int]:
    """Hold the lock at `path` for a `with` block; raises Busy, naming the holder's pid and purpose, if it is taken.

    The kernel frees it with the process, so a kill leaves no lock behind; the file itself stays. A child that is handed
    the descriptor holds it on, until it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Busy(f"{_holder(file.read())}; wait for it to end or stop it") from None
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), "purpose": purpose, "since": datetime.now(UTC).isoformat()}, file)
        file.flush()
        yield file.fileno()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, or held it last; `since` is naive UTC."""

    purpose: str
    since: datetime
    is_running: bool
    pid: int


def last(path: Path) -> Holder | None:
    """Read who holds the lock at `path`, or held it last, without touching it; None if nobody ever did."""
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(holder["since"]).astimezone(UTC).replace(tzinfo=None)
        return Holder(holder["purpose"], since, _is_running(holder["pid"]), holder["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_held(path: Path) -> bool:
    """Tell whether somebody holds the lock at `path`, by trying it for an instant."""
    try:
        with path.open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def is_taken(path: Path) -> bool:
    """Tell the same, but try it only where who took it last still lives: who is about to take it must not find us."""
    holder = last(path)
    return holder is not None and holder.is_running and is_held(path)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"{holder['purpose']} (pid {holder['pid']}, since {holder['since']}) is at work here"
    except (ValueError, KeyError, TypeError):
        return "another process is at work here"
