"""Campaigns through each provider's sandbox, killed 200 times in all while everything else goes wrong too."""

import os
from pathlib import Path

import pytest
from rehearsal import DIALECTS, rehearsing, survive

KILLS = int(os.environ.get("WABENCH_TEST_KILLS", "50"))
"""Of each provider's campaign."""
CUSTOMERS = 2000
FAULTS = """
late_seconds = 3
[latency_ms]
min = 0
max = 250
[limits]
messages_per_second = 50
[failures]
undeliverable = 0.02
marketing_limit = 0.02
opted_out = 0.01
[shares]
timeout = 0.03
server_error = 0.02
duplicate = 0.2
reorder = 0.2
late = 0.05
"""


@pytest.mark.faults
@pytest.mark.parametrize("provider", sorted(DIALECTS))
def test_a_campaign_killed_50_times_reaches_everybody_once(home: Path, provider: str) -> None:
    with rehearsing(home, FAULTS, pace_per_minute="4800") as rehearsal:
        survive(rehearsal, provider, CUSTOMERS, KILLS, seed=sorted(DIALECTS).index(provider), longest=0.8)
