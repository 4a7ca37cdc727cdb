"""SQL segments, each in a process of its own that can read the published file and do nothing else."""

import json
import re
import signal
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import pyarrow as pa

from wabench.errors import UsageError
from wabench.published import Published
from wabench.segments import sandboxed
from wabench.settings import Settings

_CHILD = sandboxed.__file__
_START = 5.0  # seconds beside its own that a process gets to begin, on a machine that is busy
_KEPT = 8
_UNITS = {"MB": 1_000_000, "GB": 1_000_000_000}

_answers: OrderedDict[tuple[Path, str], pa.Table] = OrderedDict()
_guard = Lock()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a SQL segment may run and how much memory it may take."""

    seconds: float
    memory: str

    @property
    def memory_bytes(self) -> int:
        number, unit = re.fullmatch(r"(\d+)(MB|GB)", self.memory).groups()  # type: ignore[union-attr]  # a setting
        return int(number) * _UNITS[unit]


def customers(settings: Settings, version: Published, sql: str) -> pa.Table:
    """Give the `customer_id` of whom a SQL segment selects: each once, and only who is a customer.

    Raises UsageError, with why, for what it may not do or takes too long or too much for. The same statement on the
    same version is run once.
    """
    key = (version.path, sql)
    with _guard:
        if key in _answers:
            _answers.move_to_end(key)
            return _answers[key]
    answer = _run(Limits(settings.segment_sql_seconds, settings.segment_sql_memory), version.path, sql)
    with _guard:
        _answers[key] = answer
        while len(_answers) > _KEPT:
            _answers.popitem(last=False)
    return answer


def _run(limits: Limits, path: Path, sql: str) -> pa.Table:
    request = {
        "path": str(path),
        "sql": sql,
        "seconds": limits.seconds,
        "memory": limits.memory,
        "memory_bytes": limits.memory_bytes,
    }
    try:
        # An empty environment and -I: neither secrets of this one nor modules of the working directory reach it.
        done = subprocess.run(  # noqa: S603 - the interpreter that runs this
            [sys.executable, "-I", _CHILD],
            input=json.dumps(request).encode(),
            capture_output=True,
            env={},
            timeout=limits.seconds + _START,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(_slow(limits)) from None
    if done.returncode == sandboxed.REFUSED:
        raise UsageError(f"sql: {done.stderr.decode(errors='replace').strip()}")
    if done.returncode:
        raise UsageError(_died(limits, done.returncode))
    with pa.ipc.open_stream(done.stdout) as reader:
        return reader.read_all()


def _slow(limits: Limits) -> str:
    return f"sql: it takes longer than {limits.seconds:g} s (setting segment_sql_seconds) and was stopped"


def _died(limits: Limits, code: int) -> str:
    """Say what a process that gave no answer died of: the kernel ends who goes over its limits."""
    if code in (sandboxed.SLOW, -signal.SIGXCPU):
        return _slow(limits)
    return f"sql: it needs more than {limits.memory} of memory (setting segment_sql_memory), or broke DuckDB ({code})"
