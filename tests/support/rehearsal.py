"""A shop whose campaigns run in processes of their own, through a sandbox and a receiver that are processes too."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import campaign_shop
import dialects
import httpx
from processes import free_port
from sqlalchemy import select

from wabench import refresh
from wabench.campaigns import ledger, plan, runner
from wabench.campaigns.claims import CALLBACK_PREFIX
from wabench.campaigns.schema import sends
from wabench.settings import Settings, load

DIALECTS = {each.provider: each for each in dialects.ALL if each.name in ("Meta", "Twilio", "Bird v1", "Zenvia")}
"""Each provider's usual way to send."""
PARCEL = "Hi {{1}}, parcel {{2}} is on its way."
"""A utility template: not capped, and sent to whoever did not opt out. It is Meta's and Twilio's."""


@dataclass(frozen=True)
class Rehearsal:
    """A shop with its sandbox and its receiver up; `sandbox` and `receiver` are their addresses."""

    settings: Settings
    environ: dict[str, str]
    sandbox: str
    receiver: str

    @property
    def path(self) -> Path:
        return self.settings.home / "sandbox.ndjson"

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every message that was accepted, of whichever provider."""
        return campaign_shop.sandbox_log(self.path)

    def approve(
        self, name: str, customers: Sequence[Mapping[str, Any]], provider: str = "meta", template: str = "sale"
    ) -> None:  # fmt: skip
        """Plan a campaign through a provider, test and approve it."""
        segment = campaign_shop.audience(self.settings.home, customers, name)
        plan.plan(self.settings, name, segment, template, dialects.PARAMS, provider=provider)
        runner.test(self.settings, name, "tester")
        runner.approve(self.settings, name, "maria")

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [campaign_shop.WABENCH, "campaign", *words, "--json"]
        return subprocess.Popen(command, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str) -> tuple[int, Any]:
        """Run `wabench campaign …` to its end; gives its exit code and what it answered, or said of why not."""
        return answer(self.start(*words))

    def settle(self) -> None:
        """Wait until every webhook was posted, and read what they told."""
        deadline = time.monotonic() + 90
        while httpx.get(self.sandbox, trust_env=False).json()["webhook entries pending"]:
            assert time.monotonic() < deadline, "the sandbox still has webhooks to post"
            time.sleep(0.1)
        refresh.settle(self.settings)

    def sends(self, name: str) -> list[Any]:
        """Read a campaign's rows from the ledger."""
        with ledger.opened(self.settings) as opened, opened.reading() as connection:
            campaign_id = opened.id_of(name)
            return list(connection.execute(select(sends).where(sends.c.campaign_id == campaign_id)).all())

    def audited(self, name: str) -> Counter[str]:
        """Count what was done to a campaign and its sends."""
        with ledger.opened(self.settings) as opened:
            return Counter(line["action"] for line in opened.audit_lines(opened.campaign(name).campaign_id))

    def states(self, name: str) -> Counter[str]:
        return Counter(str(row.state) for row in self.sends(name))


def answer(process: subprocess.Popen[str], seconds: float = 600) -> tuple[int, Any]:
    """Wait for a command's end; gives its exit code and its answer, or what it said on stderr."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, json.loads(out) if out else err


@contextmanager
def rehearsing(home: Path, scenario: str = "", **overrides: str) -> Iterator[Rehearsal]:
    """Open a shop with all four providers for a `with` block; keyword arguments are settings by their names.

    `scenario` is the text of the sandbox's scenario file.
    """
    ports = {"sandbox": free_port(), "receiver": free_port()}
    sandbox, receiver = (f"http://127.0.0.1:{port}" for port in ports.values())
    home.joinpath("wabench.toml").write_text(_toml(sandbox), encoding="utf-8")
    home.joinpath("scenario.toml").write_text(scenario, encoding="utf-8")
    given = {"home": str(home), "receive_port": str(ports["receiver"]), **overrides}
    secrets = {key: value for dialect in DIALECTS.values() for key, value in dialect.environ().items()}
    environ = {**{f"WABENCH_{name}".upper(): value for name, value in given.items()}, **secrets}
    rehearsal = Rehearsal(load(environ), {**os.environ, **environ}, sandbox, receiver)
    commands = {
        receiver: ["receive", "--port", str(ports["receiver"])],
        sandbox: ["sandbox", "--port", str(ports["sandbox"]), "--log", str(rehearsal.path), "--webhook", receiver,
                  "--scenario", str(home / "scenario.toml")],
    }  # fmt: skip
    with ExitStack() as stack:
        for url, command in commands.items():
            stack.enter_context(campaign_shop.serving(command, rehearsal.environ, url))
        yield rehearsal


def _toml(sandbox: str) -> str:
    channels = "".join(
        f'[providers.{name}]\nchannel_id = "{each.channel_id}"\nbase_url = "{sandbox}/{name}"\ntimeout_seconds = 1\n'
        for name, each in DIALECTS.items()
    )
    ids = ", ".join(f'{name} = "{each.template_id}"' for name, each in DIALECTS.items() if each.template_id)
    parcel = f'category = "utility"\nbody = "{PARCEL}"\nids = {{ twilio = "HX{"2" * 32}" }}\n'
    return (
        f'region = "BR"\n{channels}[templates.sale]\nbody = "{dialects.BODY}"\nids = {{ {ids} }}\n'
        f"[templates.parcel]\n{parcel}"
    )


def kill_in_the_middle(rehearsal: Rehearsal, name: str, chance: random.Random, longest: float = 0.3) -> None:
    """Start a campaign and kill it: mostly some time after it had something accepted, else while it sets out."""
    before = _size(rehearsal.path)
    process = rehearsal.start("run", name)
    try:
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0, 1.5))
        else:
            while process.poll() is None and _size(rehearsal.path) == before:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, longest))
        assert process.poll() is None, "it ended before it could be killed: " + str(process.communicate())
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def survive(rehearsal: Rehearsal, provider: str, customers: int, kills: int, seed: int, longest: float = 0.3) -> None:
    """Kill a campaign so many times, let it end, and hold the ledger against the sandbox's own log."""
    people = [campaign_shop.customer(number) for number in range(customers)]
    refused = campaign_shop.customer(customers, consent="opted_out")
    rehearsal.approve("spring", [*people, refused], provider)
    chance, began = random.Random(seed), time.monotonic()
    for _ in range(kills):
        kill_in_the_middle(rehearsal, "spring", chance, longest)
    killed_after = len(rehearsal.log)
    code, done = rehearsal.run("run", "spring")
    assert (code, done["status"]) == (0, "finished"), done
    rehearsal.settle()
    unknown = _hold(rehearsal, people)
    settled = rehearsal.audited("spring")["settled accepted"]

    sent = len(rehearsal.log)
    code, again = rehearsal.run("run", "spring")
    assert (code, again["calls"].get("accepted", 0)) == (0, 0)
    assert len(rehearsal.log) == sent, "running it again sent"
    rounds = _send_what_stayed_unknown(rehearsal, people, unknown)
    counted = httpx.get(rehearsal.sandbox, trust_env=False).json()
    told = {key: value for key, value in counted.items() if isinstance(value, int)}
    print(
        f"\n{provider}: {kills} kills, {killed_after:,} of {customers:,} sent when the last fell; nobody lost, nobody "
        f"twice; {settled} unknown were settled by what came back, {len(unknown)} listed and sent in {rounds} runs; "
        f"{time.monotonic() - began:.0f} s; the sandbox: {told}"
    )


def _hold(rehearsal: Rehearsal, people: Sequence[Mapping[str, Any]]) -> set[str]:
    """Compare who has it by the ledger and by the sandbox; gives who stayed unknown, none of whom has it."""
    reached = Counter(line["to"] for line in rehearsal.log)
    assert max(reached.values()) == 1, "somebody was written to twice"
    rows = rehearsal.sends("spring")
    by_state: dict[str, set[str]] = {}
    for row in rows:
        by_state.setdefault(str(row.state), set()).add(row.phone)
    assert set(by_state) <= {"accepted", "unknown", "suppressed"}
    assert by_state["accepted"] == set(reached)
    # What stays unknown was claimed, but its call never arrived; it is listed, and waits for a person to decide.
    unknown = by_state.get("unknown", set())
    assert by_state["accepted"] | unknown == {person["phone"] for person in people}, "somebody was lost"
    assert len(by_state["suppressed"]) == 1
    ids = {CALLBACK_PREFIX + row.send_id for row in rows if row.state == "accepted"}
    assert {line["callback_data"] for line in rehearsal.log} == ids
    return unknown


def _send_what_stayed_unknown(rehearsal: Rehearsal, people: Sequence[Mapping[str, Any]], unknown: set[str]) -> int:
    """A person's decision, after the wait: none of the unknown had arrived, so now everybody is written to once."""
    rehearsal.environ["WABENCH_UNKNOWN_WAIT_MINUTES"] = "0"
    code, status = rehearsal.run("status", "spring")
    assert (code, len(status["unsettled"])) == (0, len(unknown))
    rounds = 0
    while rehearsal.states("spring")["unknown"]:
        code, done = rehearsal.run("resume", "spring", "--retry-unknown")
        assert code == 0, done
        rehearsal.settle()
        rounds += 1
    reached = Counter(line["to"] for line in rehearsal.log)
    assert (set(reached), max(reached.values())) == ({person["phone"] for person in people}, 1)
    return rounds
