"""Processes of jobs: started with a lock that ends with them, looked after, stopped when their time is over.

The lock is handed to the child, so the kernel says whether a run is under way even to a scheduler that was not there
when it began.
"""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from wabench import background, locks
from wabench.schedule.jobs import COMMANDS, Outcome
from wabench.schedule.state import Run
from wabench.settings import Settings

GRACE = timedelta(seconds=10)
"""So long a process that is told to end may take before it is killed."""

_ENDS: Mapping[int, Outcome] = {0: Outcome.DONE}


@dataclass(slots=True)
class Child:
    """A job that is under way; `process` is None where another scheduler started it, so its end tells no code."""

    run: Run
    process: subprocess.Popen[bytes] | None = None
    stopping: Outcome | None = None
    stopped_at: datetime | None = None
    is_killed: bool = False


def start(settings: Settings, job: str, due_at: datetime, now: datetime) -> Child:
    """Start a job; raises Busy while a run of it is under way, whoever started that."""
    with locks.held(_lock(settings, job), f"job {job}") as lock:
        log = log_of(settings, job)
        process = background.spawn(settings, COMMANDS[job], log, keeps=[lock], goes_on=False)
    return Child(Run(job, due_at, now, process.pid), process)


def outcome(settings: Settings, child: Child) -> Outcome | None:
    """Tell how a job ended, None while it is under way."""
    if child.process is None:
        is_over = not locks.is_held(_lock(settings, child.run.job))
        return (child.stopping or Outcome.INTERRUPTED) if is_over else None
    code = child.process.poll()
    if code is None:
        return None
    return child.stopping or _ENDS.get(code, Outcome.FAILED)


def keep_to_its_time(child: Child, now: datetime, limit: timedelta) -> None:
    """Stop a job that takes longer than it may, and kill one that does not stop."""
    if child.stopping is None and now - child.run.started_at >= limit:
        stop(child, Outcome.OVERTIME, now)
    elif child.stopped_at and not child.is_killed and now - child.stopped_at >= GRACE:
        child.is_killed = True
        _signal(child.run.pid, signal.SIGKILL)


def stop(child: Child, why: Outcome, now: datetime) -> None:
    """Tell a job to end, with all that it started."""
    child.stopping, child.stopped_at = why, now
    _signal(child.run.pid, signal.SIGTERM)


def log_of(settings: Settings, job: str) -> Path:
    """Tell where the last run of a job wrote what it had to say."""
    return settings.paths.data / "runs" / f"{job}.log"


def _lock(settings: Settings, job: str) -> Path:
    return settings.paths.data / "locks" / f"job-{job}.lock"


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
