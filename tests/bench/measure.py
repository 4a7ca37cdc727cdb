"""Seconds and peak memory of a piece of work in a process of its own, its children included."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall seconds, and the largest sum of resident memory seen over the process and its children.

    What processes share counts in each of them. The proportional figure would be fairer, but reading it holds up the
    process so long that the seconds were three times as many.
    """

    seconds: float
    peak_mb: float


def measure(work: Callable[..., None], *args: object) -> Measured:
    """Run `work` in a fresh process; raises RuntimeError when it fails."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=args)
    done = threading.Event()
    peak = 0.0

    def sample() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, sum(_rss(pid) for pid in _family(process.pid or 0)))

    watcher = threading.Thread(target=sample)
    began = time.monotonic()
    process.start()
    watcher.start()
    process.join()
    seconds = time.monotonic() - began
    done.set()
    watcher.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")
    return Measured(seconds, peak / 1024)


def _family(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return [pid for pid in found if pid != os.getpid()]


def _rss(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
    except (OSError, IndexError):
        return 0.0
