"""wabench in another process that outlives who starts it: its own session's leader, what it says in a log."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from wabench.settings import Settings

_TAIL_BYTES = 64 * 1024


def spawn(
    settings: Settings, words: Sequence[str], log: Path, *, keeps: Sequence[int] = (), goes_on: bool = True
) -> subprocess.Popen[bytes]:
    """Start `wabench WORDS` for a shop; `keeps` are descriptors it holds for as long as it lives.

    What it says is added to the log, or takes its place where it does not go on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab" if goes_on else "wb") as said:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "wabench.cli", *words],
            env={**os.environ, "WABENCH_HOME": str(settings.home), "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keeps,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # else it stays a zombie for as long as we live
    return process


def last_line(log: Path) -> str:
    """Give the last line a log has to say; empty where it says nothing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
