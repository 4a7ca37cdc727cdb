"""STOP in mid-campaign: by the sandbox's own log nobody is written to later than a second after the receiver's 200."""

import time
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
import webhooks
from campaign_shop import customer
from rehearsal import Rehearsal, answer, rehearsing

PEOPLE = 160
RATE = 25
FAULTS = "[latency_ms]\nmax = 200\n[limits]\nmessages_per_second = 24\n[shares]\ntimeout = 0.01\nreply = 0.3\n"
AHEAD = (0.1, 0.5, 0.9, 1.1, 1.3, 1.6, 2.0, 2.6)
"""Seconds that lie, at this rate, between a STOP and the turn of whoever says it: below one, it may just come late."""


@pytest.mark.slow
@pytest.mark.parametrize("auto_reply", ["off", "rehearsal"])
def test_who_says_stop_is_written_to_by_no_campaign_a_second_later(home: Path, auto_reply: str) -> None:
    with rehearsing(home, FAULTS, pace_per_minute=str(60 * RATE), auto_reply=auto_reply) as rehearsal:
        people = [customer(number) for number in range(PEOPLE)]
        rehearsal.approve("sale", people)
        rehearsal.approve("parcel", people[::-1], "twilio", "parcel")
        running = [rehearsal.start("run", name) for name in ("sale", "parcel")]
        stopped = say_stop(rehearsal)
        for name, process in zip(("sale", "parcel"), running, strict=True):
            code, said = answer(process)
            assert (code, said["status"]) == (0, "finished"), (name, said["status"], said["reason"], said["calls"])
        log = [line for line in rehearsal.log if line["template"]]
        states = {name: {row.phone: row.state for row in rehearsal.sends(name)} for name in ("sale", "parcel")}
    late = [(line["template"], line["at"] - at) for line in log if (at := stopped.get(line["to"])) and line["at"] > at]
    assert all(after <= 1 for _, after in late), late
    spared = [phone for phone in stopped if states["sale"][phone] == "suppressed"]
    assert len(spared) > 8, "too few said it in time for this to tell anything"
    assert any(states["parcel"][phone] == "suppressed" for phone in stopped), "the second campaign did not heed it"
    assert {phone for phone, state in states["sale"].items() if state == "suppressed"} <= set(stopped)


def say_stop(rehearsal: Rehearsal) -> dict[str, float]:
    """Let people say STOP who are about to be written to; gives when the receiver had answered each."""
    stopped: dict[str, float] = {}
    ahead = cycle(AHEAD)
    deadline = time.monotonic() + 120
    with httpx.Client(trust_env=False) as client:
        while (number := _reached(rehearsal) + int(RATE * next(ahead))) < PEOPLE:
            assert time.monotonic() < deadline, "the campaign stands still"
            phone = customer(number)["phone"]
            if number >= RATE and phone not in stopped:
                _post(client, rehearsal, phone)
                stopped[phone] = time.time()
            time.sleep(0.05)
    return stopped


def _reached(rehearsal: Rehearsal) -> int:
    """Tell how far the first campaign is, which goes by its people's order."""
    numbers = {customer(number)["phone"]: number for number in range(PEOPLE)}
    return max((numbers[line["to"]] for line in rehearsal.log if line["template"] == "sale"), default=0)


def _post(client: httpx.Client, rehearsal: Rehearsal, phone: str) -> None:
    who = phone.removeprefix("+")
    said: dict[str, Any] = webhooks.text(f"wamid.stop{who}", "STOP", int(time.time()), **{"from": who})
    body = webhooks.messages(said, wa_id=who)
    client.post(f"{rehearsal.receiver}/webhooks/meta", content=body, headers=webhooks.sign(body)).raise_for_status()
