"""The sender's pace and its speed with the durable ledger, beside plain httpx: `bench_sender.py [SECONDS] [SENDS]`.

A campaign runs in its own process against a small provider in another, whose arrival times are what is measured.
Budgets: at 80 a second asked 79.2-80 hold at 0, 50 and 250 ms latency, never more than 80 arrive in any second; as fast
as it goes 500 a second or more.
"""

import asyncio
import multiprocessing
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import httpx
import uvloop

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import campaign_shop
import processes

from wabench import providers
from wabench.campaigns import ledger
from wabench.campaigns.claims import message
from wabench.campaigns.sender import MOST_IN_FLIGHT
from wabench.providers.base import Channel, Message

RATE = 80
SECONDS = 30
SENDS = 10_000
LATENCIES_MS = (0, 50, 250)
POOLS = 8  # as many clients as the sender spreads its calls over
BUDGET = 500
_ANSWER = b'{"contacts":[{"wa_id":"55"}],"messages":[{"id":"wamid.%d"}]}'


class Wire(asyncio.Protocol):
    """One connection of the provider: notes when a call is there, and answers it after the latency."""

    def __init__(self, arrived: list[float], latency: float) -> None:
        self._arrived, self._latency, self._read = arrived, latency, b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is not of that class

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if found and len(body) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            self._read = b""
            self._arrived.append(time.monotonic())
            asyncio.get_running_loop().call_later(self._latency, self._answer, len(self._arrived))

    def _answer(self, number: int) -> None:
        body = _ANSWER % number
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def provide(port: int, latency: float, told: Connection) -> None:
    """Be the provider until asked for the arrival times."""

    async def main() -> None:
        arrived: list[float] = []
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Wire(arrived, latency), "127.0.0.1", port, backlog=1024)
        told.send(None)
        await loop.run_in_executor(None, told.recv)
        server.close()
        told.send(arrived)

    uvloop.run(main())


class Provider:
    """A provider in a process of its own; `arrivals` ends it."""

    def __init__(self, latency_ms: float) -> None:
        self.port = processes.free_port()
        self._told, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=provide, args=(self.port, latency_ms / 1000, theirs), daemon=True)
        self._process.start()
        self._told.recv()

    def arrivals(self) -> list[float]:
        self._told.send(None)
        found: list[float] = self._told.recv()
        self._process.join()
        return found


@contextmanager
def shop(provider: Provider, sends: int, per_second: float) -> Iterator[Path]:
    """Make a shop with an approved campaign of so many customers, held to a pace."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = campaign_shop.set_up(home, f"http://127.0.0.1:{provider.port}/meta")
        toml = home / "wabench.toml"
        pace = f"pace_per_minute = {60 * per_second}\n"
        toml.write_text(pace + toml.read_text(encoding="utf-8"), encoding="utf-8")
        people = [campaign_shop.customer(number) for number in range(sends)]
        campaign_shop.approved(settings, "sale", campaign_shop.audience(home, people))
        yield home


def paced(latency_ms: float, seconds: int) -> None:
    """Hold the rate that was asked, measured where the calls arrive."""
    provider = Provider(latency_ms)
    with shop(provider, RATE * seconds, RATE) as home:
        processes.run(home, "campaign", "run", "sale", "--json")
    arrived = provider.arrivals()
    assert len(arrived) == RATE * seconds, f"{len(arrived)} of {RATE * seconds} arrived"
    held = (len(arrived) - 1) / (arrived[-1] - arrived[0])
    most = max(bisect_left(arrived, at + 1) - n for n, at in enumerate(arrived))
    print(f"{RATE} a second asked, {latency_ms:3g} ms latency   {held:6.2f} a second   at most {most} in any second")
    assert 0.99 * RATE <= held <= RATE, f"{held:.2f} a second is not within 1 % under {RATE}"
    assert most <= RATE, f"{most} arrived in one second"


def with_ledger(sends: int) -> float:
    """Send as fast as it goes, each claimed on disk before its call; gives how many arrived a second."""
    provider = Provider(0)
    with shop(provider, sends, 100_000) as home:
        processes.run(home, "campaign", "run", "sale", "--json")
    return _speed(provider.arrivals(), sends)


def plainly(sends: int) -> float:
    """Send the same messages with httpx and nothing else, over as many connections."""
    provider = Provider(0)
    with shop(provider, sends, 1) as home:
        settings = campaign_shop.set_up(home, f"http://127.0.0.1:{provider.port}/meta")
        with ledger.opened(settings) as opened:
            campaign = opened.campaign("sale")
            messages = [message(send, campaign) for send in opened.messages(campaign.campaign_id)]
        channel = Channel(f"http://127.0.0.1:{provider.port}/meta", campaign.channel_id, secrets={"token": "t"})
        asyncio.run(_post(messages, channel))
    return _speed(provider.arrivals(), sends)


async def _post(messages: list[Message], channel: Channel) -> None:
    meta, waiting = providers.get("meta"), iter(messages)
    limits = httpx.Limits(max_connections=MOST_IN_FLIGHT)
    clients = [httpx.AsyncClient(trust_env=False, limits=limits) for _ in range(POOLS)]

    async def connection(client: httpx.AsyncClient) -> None:
        for each in waiting:
            meta.outcome(await client.send(meta.request(each, channel)))

    await asyncio.gather(*(connection(clients[number % POOLS]) for number in range(MOST_IN_FLIGHT)))
    for client in clients:
        await client.aclose()


def _speed(arrived: list[float], sends: int) -> float:
    assert len(arrived) == sends, f"{len(arrived)} of {sends} arrived"
    return (len(arrived) - 1) / (arrived[-1] - arrived[0])


def main(seconds: int, sends: int) -> None:
    print(f"sender: {seconds} s at {RATE} a second for each latency, then {sends:,} sends as fast as it goes")
    for latency_ms in LATENCIES_MS:
        paced(latency_ms, seconds)
    durable, plain = with_ledger(sends), plainly(sends)
    print(f"with the durable ledger {durable:,.0f} a second   plain httpx {plain:,.0f}   {durable / plain:.0%} of it")
    assert durable >= BUDGET, f"{durable:.0f} a second is less than {BUDGET}"


if __name__ == "__main__":
    asked = [int(word.replace("_", "")) for word in sys.argv[1:3]]
    main(*asked, *(SECONDS, SENDS)[len(asked) :])
