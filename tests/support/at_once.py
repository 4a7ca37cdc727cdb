"""Three campaigns over overlapping people, sent by four processes at once through one ledger."""

import random
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from campaign_shop import customer
from rehearsal import Rehearsal, answer

PROVIDERS = ("meta", "twilio", "zenvia")
"""Of the campaigns, which bear their names: one channel is sent on by one campaign at a time."""


def parts(people: int) -> dict[str, list[dict[str, Any]]]:
    """Give each campaign five sixths of the people, a different sixth missing from each."""
    everybody = [customer(number) for number in range(people)]
    sixth = people // 6
    cuts = (slice(0, 5 * sixth), slice(sixth, people), [*range(2 * sixth), *range(3 * sixth, people)])
    return {
        name: everybody[cut] if isinstance(cut, slice) else [everybody[n] for n in cut]
        for name, cut in zip(PROVIDERS, cuts, strict=True)
    }


def send_at_once(rehearsal: Rehearsal, people: int, kills: int = 0, seed: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Run all three campaigns to their ends, one of them in two processes; kill that many processes on the way."""
    planned = parts(people)
    for name, customers in planned.items():
        rehearsal.approve(name, customers, name)
    chance = random.Random(seed)
    running = [(name, rehearsal.start("run", name)) for name in (*PROVIDERS, PROVIDERS[0])]
    for _ in range(kills):
        time.sleep(chance.uniform(1, 4))  # it takes a second to set out
        number = chance.randrange(len(running))
        name, process = running[number]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        running[number] = (name, rehearsal.start("run", name))
    codes = [(name, *answer(process)) for name, process in running]
    assert _ended_well(codes), codes
    while any(row.state in ("claimed", "planned") for name in planned for row in rehearsal.sends(name)):
        for name in planned:  # the last to be started was turned away by one that was killed then
            code, said = rehearsal.run("run", name)
            assert code == 0, said
    return planned


def _ended_well(codes: Sequence[tuple[str, int, Any]]) -> bool:
    """Tell whether each ended, but for who met another process at work on the same campaign."""
    return all(code == 0 or (code == 1 and "at work" in said) for _, code, said in codes)


def hold(rehearsal: Rehearsal, planned: Mapping[str, Sequence[Mapping[str, Any]]]) -> Counter[str]:
    """Hold the ledger against the sandbox's own log: each has one promotion, and the cap in the other campaigns.

    Gives how many each campaign sent.
    """
    log = rehearsal.log
    reached = Counter(line["to"] for line in log)
    assert max(reached.values()) == 1, "somebody got two promotions"
    accepted, unknown, capped = Counter[str](), Counter[str](), Counter[str]()
    for name in planned:
        for row in rehearsal.sends(name):
            assert row.state in ("accepted", "unknown", "suppressed"), row
            assert row.state != "suppressed" or row.reason == "promotional cap", row
            {"accepted": accepted, "unknown": unknown, "suppressed": capped}[row.state][row.phone] += 1
    assert accepted == reached
    may_have = accepted + unknown
    wanted = Counter(person["phone"] for customers in planned.values() for person in customers)
    assert set(may_have.values()) == {1}, "somebody is claimed by two campaigns"
    assert set(may_have) == set(wanted), "somebody was lost"
    assert may_have + capped == wanted
    return Counter(line["provider"] for line in log)
