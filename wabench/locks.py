"""One writer at a time: a lock file that says who holds it and is free again when that process is gone."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from wabench.errors import Busy


@contextmanager
def held(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock at `path` for a `with` block; raises Busy, naming the holder's pid and purpose, if it is taken.

    The kernel frees it with the process, so a kill leaves no lock behind; the file itself stays.
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
        yield


def _holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"{holder['purpose']} (pid {holder['pid']}, since {holder['since']}) is at work here"
    except (ValueError, KeyError, TypeError):
        return "another process is at work here"
