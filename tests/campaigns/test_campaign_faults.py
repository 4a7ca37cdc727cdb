"""A campaign killed in the middle, over real processes: by the sandbox's own log nobody is lost and nobody is twice."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from campaign_shop import WABENCH, approved, audience, customer, sandbox_log, serving, set_up
from processes import SECRETS, free_port

from wabench import refresh
from wabench.campaigns import ledger
from wabench.settings import Settings

FAULTS = (
    "--latency-ms=20", "--throttle-per-second=100", "--fail-share=0.05", "--timeout-share=0.03",
    "--duplicate-share=0.2", "--reorder-share=0.2",
)  # fmt: skip


@dataclass(frozen=True)
class Rehearsal:
    """A shop with its sandbox and its receiver up."""

    settings: Settings
    environ: dict[str, str]
    sandbox: str
    log: Path

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [WABENCH, "campaign", *words, "--json"]
        return subprocess.Popen(command, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str) -> tuple[int, Any]:
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        return process.returncode, json.loads(out) if out else err

    def wait_for_webhooks(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if not httpx.get(self.sandbox, trust_env=False).json()["webhook entries pending"]:
                return
            time.sleep(0.1)
        raise AssertionError("the sandbox still has webhooks to post")


@pytest.fixture
def rehearsal(home: Path) -> Iterator[Rehearsal]:
    sandbox_port, receiver_port = free_port(), free_port()
    sandbox, receiver = (f"http://127.0.0.1:{port}" for port in (sandbox_port, receiver_port))
    settings = set_up(home, f"{sandbox}/meta", pace_per_minute="12000")
    environ = {**os.environ, **SECRETS, "WABENCH_HOME": str(home), "WABENCH_PACE_PER_MINUTE": "12000"}
    log = home / "sandbox.ndjson"
    webhook = f"--webhook={receiver}"
    with ExitStack() as stack:
        receive = ["receive", "--port", str(receiver_port)]
        stack.enter_context(serving(receive, environ, receiver))
        stand_in = ["sandbox", "--port", str(sandbox_port), "--log", str(log), webhook, *FAULTS]
        stack.enter_context(serving(stand_in, environ, sandbox))
        yield Rehearsal(settings, environ, sandbox, log)


def kill_in_the_middle(rehearsal: Rehearsal, chance: random.Random) -> None:
    """Start the campaign and kill it some time after it accepted something new."""
    before = len(sandbox_log(rehearsal.log))
    process = rehearsal.start("run", "spring")
    while process.poll() is None and len(sandbox_log(rehearsal.log)) == before:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.3))
    process.send_signal(signal.SIGKILL)
    process.communicate()


def states(rehearsal: Rehearsal) -> Counter[str]:
    with ledger.opened(rehearsal.settings) as opened:
        counted: Counter[str] = Counter()
        for tally in opened.tally(opened.campaign("spring").campaign_id):
            counted[str(tally.state)] += tally.sends
    return counted


def survive(rehearsal: Rehearsal, customers: int, kills: int, seed: int) -> None:
    home = rehearsal.settings.home
    people = [customer(number) for number in range(customers)] + [customer(customers, consent="opted_out")]
    approved(rehearsal.settings, "spring", audience(home, people))
    chance = random.Random(seed)
    for _ in range(kills):
        kill_in_the_middle(rehearsal, chance)
    code, done = rehearsal.run("run", "spring")
    assert (code, done["status"]) == (0, "finished"), done
    rehearsal.wait_for_webhooks()
    refresh.settle(rehearsal.settings)

    accepted = sandbox_log(rehearsal.log)
    reached = Counter(line["callback_data"] for line in accepted)
    assert max(reached.values()) == 1, "somebody was written to twice"
    counted = states(rehearsal)
    assert counted["accepted"] == len(accepted)
    # What stays unknown was claimed, but its call never arrived; it is listed, and waits for a person to decide.
    assert counted["accepted"] + counted["unknown"] == customers, "somebody was lost"
    assert counted["suppressed"] == 1
    assert not {"planned", "held", "claimed", "rejected"} & set(counted)

    code, again = rehearsal.run("run", "spring")
    assert (code, again["calls"].get("accepted", 0)) == (0, 0)
    assert len(sandbox_log(rehearsal.log)) == len(accepted), "running it again sent"
    _send_what_stayed_unknown(rehearsal, customers, counted["unknown"])


def _send_what_stayed_unknown(rehearsal: Rehearsal, customers: int, unknown: int) -> None:
    """A person's decision, after the wait: none of the unknown had arrived, so now everybody is written to once."""
    rehearsal.environ["WABENCH_UNKNOWN_WAIT_MINUTES"] = "0"
    code, status = rehearsal.run("status", "spring")
    assert (code, len(status["unsettled"])) == (0, unknown)
    while states(rehearsal)["unknown"]:
        code, done = rehearsal.run("resume", "spring", "--retry-unknown")
        assert code == 0, done
        rehearsal.wait_for_webhooks()
        refresh.settle(rehearsal.settings)
    reached = Counter(line["callback_data"] for line in sandbox_log(rehearsal.log))
    assert (len(reached), max(reached.values())) == (customers, 1)


def test_a_campaign_killed_3_times_reaches_everybody_once(rehearsal: Rehearsal) -> None:
    survive(rehearsal, customers=150, kills=3, seed=1)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(3))
def test_a_campaign_killed_10_times_reaches_everybody_once(rehearsal: Rehearsal, seed: int) -> None:
    survive(rehearsal, customers=1500, kills=10, seed=seed)


def test_a_sigterm_ends_the_calls_in_flight_and_leaves_the_rest_to_a_resume(rehearsal: Rehearsal) -> None:
    approved(rehearsal.settings, "spring", audience(rehearsal.settings.home, [customer(n) for n in range(60)]))
    process = rehearsal.start("run", "spring")
    while process.poll() is None and not sandbox_log(rehearsal.log):
        time.sleep(0.01)
    process.terminate()
    stopped = json.loads(process.communicate(timeout=60)[0])
    assert (process.returncode, stopped["status"], stopped["reason"]) == (0, "paused", "stopped by SIGTERM")
    assert "claimed" not in states(rehearsal)
    assert rehearsal.run("run", "spring")[0] == 3
    code, done = rehearsal.run("resume", "spring")
    assert (code, done["status"]) == (0, "finished")
    reached = Counter(line["callback_data"] for line in sandbox_log(rehearsal.log))
    assert (len(reached), max(reached.values())) == (60, 1)
