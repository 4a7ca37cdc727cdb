"""A campaign killed in the middle, over real processes: by the sandbox's own log nobody is lost and nobody is twice."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign_shop import customer
from rehearsal import Rehearsal, rehearsing, survive

FAULTS = """
[latency_ms]
min = 20
[limits]
messages_per_second = 100
[failures]
undeliverable = 0.05
[shares]
timeout = 0.03
duplicate = 0.2
reorder = 0.2
"""


@pytest.fixture
def rehearsal(home: Path) -> Iterator[Rehearsal]:
    with rehearsing(home, FAULTS, pace_per_minute="12000") as opened:
        yield opened


def test_a_campaign_killed_3_times_reaches_everybody_once(rehearsal: Rehearsal) -> None:
    survive(rehearsal, "meta", customers=150, kills=3, seed=1)


def test_a_sigterm_ends_the_calls_in_flight_and_leaves_the_rest_to_a_resume(rehearsal: Rehearsal) -> None:
    rehearsal.approve("spring", [customer(n) for n in range(60)])
    process = rehearsal.start("run", "spring")
    while process.poll() is None and not rehearsal.log:
        time.sleep(0.01)
    process.terminate()
    stopped = json.loads(process.communicate(timeout=60)[0])
    assert (process.returncode, stopped["status"], stopped["reason"]) == (0, "paused", "stopped by SIGTERM")
    assert "claimed" not in rehearsal.states("spring")
    assert rehearsal.run("run", "spring")[0] == 3
    code, done = rehearsal.run("resume", "spring")
    assert (code, done["status"]) == (0, "finished")
    reached = Counter(line["to"] for line in rehearsal.log)
    assert (len(reached), max(reached.values())) == (60, 1)
