"""SIGKILL while webhooks pour in: whatever got its 200 is there after the next ingest."""

import asyncio
import random
import subprocess
from pathlib import Path

import httpx
import processes
import pytest
import webhooks

from ingest import loader
from wabench.settings import Settings


def post_all(home: Path, count: int, clients: int, kills: int) -> set[str]:
    """Post `count` webhooks while the receiver is killed and started again; gives the ids that got a 200."""
    port = processes.free_port()
    url = f"http://127.0.0.1:{port}"
    acknowledged: set[str] = set()
    kill_after = sorted(random.Random(7).sample(range(count // 10, count), kills))
    reached = {after: asyncio.Event() for after in kill_after}

    def receiver() -> subprocess.Popen[bytes]:
        process = processes.start(home, "receive", "--port", str(port))
        processes.await_http(f"{url}/healthz", process)
        return process

    async def client(numbers: list[int], http: httpx.AsyncClient) -> None:
        for number in numbers:
            body = webhooks.messages(webhooks.text(f"wamid.{number}", f"message {number}"))
            while True:  # as the provider does: again until it is acknowledged
                try:
                    answer = await http.post(f"{url}/webhooks/meta", content=body, headers=webhooks.sign(body))
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    acknowledged.add(f"wamid.{number}")
                    if event := reached.get(len(acknowledged)):
                        event.set()
                    break

    async def everything() -> None:
        nonlocal process
        limits = httpx.Limits(max_connections=clients)
        async with httpx.AsyncClient(limits=limits, timeout=5) as http:
            shares = [list(range(n, count, clients)) for n in range(clients)]
            posting = asyncio.gather(*(client(share, http) for share in shares))
            for after in kill_after:
                await reached[after].wait()
                processes.kill(process)
                process = await asyncio.to_thread(receiver)
            await posting

    process = receiver()
    try:
        asyncio.run(everything())
    finally:
        processes.kill(process)
    return acknowledged


def check(settings: Settings, count: int, kills: int) -> None:
    acknowledged = post_all(settings.paths.home, count, clients=16, kills=kills)
    assert len(acknowledged) == count
    processes.run(settings.paths.home, "ingest")
    connection = loader.connect(settings)
    rows = connection.execute("select message_id, count(*) from raw.message_events group by all").fetchall()
    connection.close()
    assert acknowledged <= {message_id for message_id, _ in rows}
    assert {times for _, times in rows} == {1}


def test_what_got_its_200_survives_a_kill_of_the_receiver(settings: Settings) -> None:
    check(settings, count=500, kills=2)


@pytest.mark.faults
def test_what_got_its_200_survives_three_kills_among_5000(settings: Settings) -> None:
    check(settings, count=5000, kills=3)
