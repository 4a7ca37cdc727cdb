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
    """Wall seconds, and the largest sum of proportional memory seen over the process and its children."""

    seconds: float
    peak_mb: float


def measure(work: Callable[..., None], *args: object) -> Measured:
    """Run `work` in a fresh process; raises RuntimeError when it fails."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=args)
    done = threading.Event()
    peak = 0.0

    def sample() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, sum(_pss(pid) for pid in _family(process.pid or 0)))

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


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("Pss:")), 0.0)
