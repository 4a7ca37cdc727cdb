"""The receiver's durable webhooks a second with p50/p99, on this machine's loopback: `bench_receiver.py [WEBHOOKS]`."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import traffic
import uvloop

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import processes
import webhooks

CONNECTIONS = 64
PACED = 1000
"""Webhooks a second at which the budget for p99 is stated."""


def requests(count: int, port: int) -> list[bytes]:
    """Prepare signed requests, so that the client spends its core on sending them."""
    made = []
    for body in traffic.bodies(count):
        headers = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body)), **webhooks.sign(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        made.append(f"POST /webhooks/meta HTTP/1.1\r\n{head}\r\n".encode() + body)
    return made


async def post(made: list[bytes], port: int, rate: float | None) -> tuple[list[float], float]:
    """Post every request over a few connections, paced or as fast as it goes; gives latencies and seconds."""
    queue = iter(enumerate(made))
    latencies: list[float] = []
    began = time.perf_counter()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, request in queue:
            if rate is not None:
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            sent = time.perf_counter()
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            latencies.append(time.perf_counter() - sent)
            assert answer.startswith(b"HTTP/1.1 200"), answer
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return latencies, time.perf_counter() - began


def report(name: str, latencies: list[float], seconds: float) -> None:
    ordered = sorted(latencies)
    p50, p99 = (1000 * ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    print(f"{name:<28} {len(ordered) / seconds:>8,.0f} a second   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms")


def main(count: int) -> None:
    print(f"receiver, signed Meta webhooks, each on disk before its 200, {CONNECTIONS} connections")
    for name, rate, number in (("as fast as it goes", None, count), (f"{PACED} a second asked", PACED, 10 * PACED)):
        with tempfile.TemporaryDirectory() as home:
            port = processes.free_port()
            receiver = processes.start(Path(home), "receive", "--port", str(port))
            try:
                processes.await_http(f"http://127.0.0.1:{port}/healthz", receiver)
                report(name, *uvloop.run(post(requests(number, port), port, rate)))
            finally:
                processes.kill(receiver)
            landed = sum(path.read_bytes().count(b"\n") for path in Path(home).glob("data/landing/*/*/*/*.ndjson"))
            assert landed == number, f"{landed} of {number} webhooks are on disk"


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 50_000)
