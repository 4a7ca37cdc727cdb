"""From a webhook to its accepted reply, while a campaign runs on the same channel: `bench_replies.py [SECONDS]`.

100 customers a second write, each once, and each is answered by a rule through the sandbox. Budgets: 99 of 100 within
1 s, all within 2 s, nobody twice.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import campaign_shop
import processes
import webhooks

RATE = 100
CAMPAIGN_RATE = 20
SECONDS = 60
CONNECTIONS = 16
LATENCY_MS = 50
PATIENCE = 30.0
RULES = "rule,kind,pattern,action,answer\ndelivery,word,delivery|доставка,text,Where to?\n"


@contextmanager
def shop(seconds: int) -> Iterator[tuple[Path, str, Path]]:
    """Run a receiver, a sandbox and a campaign that outlasts the measurement; gives the sandbox's log."""
    with tempfile.TemporaryDirectory() as folder:
        home, receiver, sandbox = Path(folder), processes.free_port(), processes.free_port()
        log, url = home / "sandbox.ndjson", f"http://127.0.0.1:{receiver}"
        settings = campaign_shop.set_up(home, f"http://127.0.0.1:{sandbox}/meta")
        toml = home / "wabench.toml"
        head = f'auto_reply = "rehearsal"\npace_per_minute = {60 * CAMPAIGN_RATE}\n'
        toml.write_text(head + toml.read_text(encoding="utf-8"), encoding="utf-8")
        home.joinpath("replies.csv").write_text(RULES, encoding="utf-8")
        people = [campaign_shop.customer(number) for number in range(CAMPAIGN_RATE * (seconds + 30))]
        campaign_shop.approved(settings, "sale", campaign_shop.audience(home, people))
        with home.joinpath("printed").open("wb") as printed:
            started = [
                processes.start(home, "sandbox", "--port", str(sandbox), "--log", str(log), "--webhook", url,
                                "--latency-ms", str(LATENCY_MS), output=printed),
                processes.start(home, "receive", "--port", str(receiver), output=printed),
            ]  # fmt: skip
            try:
                processes.await_http(f"http://127.0.0.1:{sandbox}/", started[0])
                processes.await_http(f"{url}/healthz", started[1])
                started.append(processes.start(home, "campaign", "run", "sale", output=printed))
                while not campaign_shop.sandbox_log(log):
                    assert started[2].poll() is None, home.joinpath("printed").read_text()
                    time.sleep(0.1)
                yield home, url, log
                assert started[2].poll() is None, "the campaign ended before the measurement did"
            finally:
                for process in started:
                    processes.kill_group(process)


async def write(url: str, count: int) -> dict[str, float]:
    """Post what so many customers write, at the rate; gives when each webhook left."""
    left: dict[str, float] = {}
    numbers = iter(range(count))
    began = time.perf_counter()

    async def connection(client: httpx.AsyncClient) -> None:
        for number in numbers:
            phone = f"55118{80_000_000 + number}"
            said = webhooks.text(f"wamid.in{number}", "Delivery, please?", int(time.time()), **{"from": phone})
            body = webhooks.messages(said, wa_id=phone)
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            left[f"+{phone}"] = time.time()
            (await client.post(f"{url}/webhooks/meta", content=body, headers=webhooks.sign(body))).raise_for_status()

    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        await asyncio.gather(*(connection(client) for _ in range(CONNECTIONS)))
    return left


def accepted(log: Path) -> list[tuple[str, float]]:
    """Give whom a reply was accepted for, and when the sandbox took it."""
    lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return [(line["to"], line["at"]) for line in lines if line["text"] == "Where to?"]


def main(seconds: int) -> None:
    print(f"replies: {RATE} messages a second for {seconds} s, a campaign of {CAMPAIGN_RATE} a second beside them")
    with shop(seconds) as (_, url, log):
        left = asyncio.run(write(url, RATE * seconds))
        deadline = time.monotonic() + PATIENCE
        while len(taken := accepted(log)) < len(left) and time.monotonic() < deadline:
            time.sleep(0.2)
        sent = len(campaign_shop.sandbox_log(log)) - len(taken)
    assert len(taken) == len({to for to, _ in taken}), "somebody was answered twice"
    assert len(taken) == len(left), f"{len(taken)} of {len(left)} were answered"
    ordered = sorted(at - left[to] for to, at in taken)
    p50, p99 = (1000 * ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    slowest = 1000 * ordered[-1]
    print(f"from webhook to accepted reply   p50 {p50:6.0f} ms   p99 {p99:6.0f} ms   slowest {slowest:6.0f} ms")
    print(f"the campaign sent {sent:,} meanwhile")
    assert p99 < 1000 and slowest < 2000, "slower than 1 s (99 of 100) or 2 s (all)"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
