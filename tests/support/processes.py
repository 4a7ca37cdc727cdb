"""wabench in processes of its own: started, awaited, killed."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import httpx
import parsed

SECRETS = {
    "WABENCH_META_TOKEN": "test-token",
    "WABENCH_META_APP_SECRET": "test-app-secret",
    "WABENCH_META_VERIFY_TOKEN": "test-verify-token",
}

_BUILDS = ("refresh", "demo", "schedule")


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, *words: str, output: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start `wabench …` for a home, in a process group of its own; what it prints is in its `stdout`, or in a file."""
    if words[0] in _BUILDS:
        parsed.lend(home)
    return subprocess.Popen(
        [sys.executable, "-m", "wabench.cli", *words],
        env={**os.environ, **SECRETS, "WABENCH_HOME": str(home)},
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def run(home: Path, *words: str) -> str:
    """Run `wabench …` to its end and give what it printed; fails the test where it fails."""
    process = start(home, *words)
    printed = process.communicate()[0].decode()
    assert process.returncode == 0, printed
    return printed


def kill(process: subprocess.Popen[bytes]) -> None:
    """Pull the plug on a process and all its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def await_http(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Return once the server answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read().decode() if process.stdout else ""
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"{url} did not answer within {seconds} s")


def kill_at_random(
    home: Path,
    words: tuple[str, ...],
    times: int,
    longest: float,
    chance: random.Random,
    start_over: Callable[[], None],
) -> None:
    """Kill a command so often in the middle of its work; where it ended first, `start_over` gives it work again."""
    for _ in range(times):
        while True:
            process = start(home, *words)
            try:
                process.wait(chance.uniform(0.05, longest))
            except subprocess.TimeoutExpired:
                kill_group(process)
                break
            kill_group(process)
            start_over()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that may have ended, and whatever it left running."""
    try:
        kill(process)
    except ProcessLookupError:
        process.wait()
        if process.stdout:
            process.stdout.close()
