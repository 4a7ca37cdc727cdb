"""Several processes and campaigns at once: nobody gets two promotions in a day, and nobody is left out of all."""

from pathlib import Path

import pytest
from at_once import PROVIDERS, hold, send_at_once
from rehearsal import rehearsing

LOSSES = "[latency_ms]\nmax = 100\n[shares]\ntimeout = 0.03\nduplicate = 0.1\n[limits]\nmessages_per_second = 40\n"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_4_processes_with_3_campaigns_write_to_each_once(
    home: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    with rehearsing(home, pace_per_minute="900", ledger_url=_url(engine, request)) as rehearsal:
        planned = send_at_once(rehearsal, people=96)
        sent = hold(rehearsal, planned)
    assert sent.total() == 96
    assert set(sent) == set(PROVIDERS), "one of them never competed"


@pytest.mark.faults
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_4_processes_that_are_killed_20_times_write_to_each_once(
    home: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    with rehearsing(home, LOSSES, pace_per_minute="1200", ledger_url=_url(engine, request)) as rehearsal:
        planned = send_at_once(rehearsal, people=3000, kills=20, seed=5)
        rehearsal.settle()
        sent = hold(rehearsal, planned)
        unknown = {name: rehearsal.states(name)["unknown"] for name in planned}
        rehearsal.environ["WABENCH_UNKNOWN_WAIT_MINUTES"] = "0"
        while any(rehearsal.states(name)["unknown"] for name in planned):
            for name in planned:
                assert rehearsal.run("resume", name, "--retry-unknown")[0] == 0
            rehearsal.settle()
        assert hold(rehearsal, planned).total() == 3000
    print(f"\n{engine}: 20 kills, sent {dict(sent)}, unknown and then sent {unknown}; nobody twice, nobody lost")


def _url(engine: str, request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("postgres").database() if engine == "postgresql" else ""
