"""Refreshes killed at random moments: the next one completes, and its tables equal those of an undisturbed one."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from history import FIRST, SECOND
from warehouse import ask, marts, put, shop

from wabench.publish import version
from wabench.settings import Settings

AS_OF = "2026-07-01"
KILLS = 20
LONGEST = 12.0  # seconds, a little more than a whole refresh takes


def _history(home: Path) -> Settings:
    settings = shop(home)
    put(settings, 1, FIRST)
    put(settings, 2, SECOND)
    return settings


def _run(settings: Settings, patience: float | None) -> int:
    """Refresh in a process of its own, killed when patience ends."""
    command = [sys.executable, "-c", "from wabench.cli import main; main()", "refresh", "--as-of", AS_OF]
    environ = os.environ | {"WABENCH_HOME": str(settings.home)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode


@pytest.mark.faults
def test_tables_are_those_of_an_undisturbed_refresh_after_many_kills(tmp_path: Path) -> None:
    undisturbed, killed = _history(tmp_path / "undisturbed"), _history(tmp_path / "killed")
    assert _run(undisturbed, None) == 0
    chance = random.Random(7)
    for _ in range(KILLS):
        before = version(killed)
        if _run(killed, chance.uniform(0.3, LONGEST)) == -signal.SIGKILL and before:
            assert (killed.paths.published / f"{version(killed)}.duckdb").exists()
    assert _run(killed, None) == 0
    assert marts(killed) == marts(undisturbed)
    statuses = dict(ask(killed, "select status, count(*) from raw.refreshes group by 1"))
    assert set(statuses) <= {"published", "interrupted"}
