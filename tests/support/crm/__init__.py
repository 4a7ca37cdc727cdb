"""Local CRMs over real HTTP: one module a kind, answering as that system documents, out of one invented shop.

A kind's module has `start(shop) -> System`; KINDS names them, and tests/ingest/test_sources.py runs each through the
same story. What a throttled or refused answer looks like is the system's; when it comes is decided here.
"""

import importlib
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

import uvicorn

from crm.shop import Shop

KINDS = ("shopify", "woocommerce", "hubspot", "bitrix24", "amocrm")

COLUMNS = {
    "orders": "order_id, customer_ref, ordered_at, updated_at, status, total, refunded, currency, phone, email, name",
    "order_lines": "order_id, sku, title, quantity, unit_price",
    "customers": "customer_ref, phone, email, name, consent",
    "merged": "customer_ref, merged_into",
}
"""What is compared: `System.expected` gives rows of these columns. Times are naive UTC, amounts Decimals."""

Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it came."""

    method: str
    path: str
    params: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answers; `feed` and `records` where it is a page of a list."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    feed: str = ""
    records: int = 0


class System(Protocol):
    """A CRM that answers as documented."""

    kind: str
    shop: Shop
    secrets: dict[str, str]
    """What a client must have to be known now, by the short names of its kind; `expire` may change them."""
    options: dict[str, str]

    def answer(self, ask: Ask) -> Answer: ...

    def knows(self, ask: Ask) -> bool:
        """Tell whether a request carries what it takes now."""
        ...

    def refused(self) -> Answer:
        """Give what an unknown or expired token is answered."""
        ...

    def throttled(self) -> Answer:
        """Give what a request that comes too fast is answered, with the shortest wait there is."""
        ...

    def expire(self) -> None:
        """Let the token that is in use now expire, or, where none does, be revoked and another given."""
        ...

    def expected(self) -> Rows:
        """Give what the raw tables must hold of what is neither deleted nor merged."""
        ...


class Server:
    """A system being served; `throttle_at` and `expire_at` are the numbers of the requests that meet it."""

    def __init__(self, system: System, throttle_at: tuple[int, ...] = (), expire_at: int = 0) -> None:
        self.system = system
        self.asked = 0
        self.pages: Counter[str] = Counter()
        self.records: Counter[str] = Counter()
        self.refusals = self.throttles = 0
        self.meanwhile: dict[int, Callable[[], None]] = {}
        """What happens in the shop just before the request of that number is answered."""
        self._throttle_at, self._expire_at = throttle_at, expire_at
        self._came = threading.Condition()
        config = uvicorn.Config(
            self._app, port=0, interface="asgi3", log_level="error", access_log=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            assert self._thread.is_alive()
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    def await_requests(self, number: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
        """Return once so many requests have come in all; fails the test where the process ends before."""
        deadline = time.monotonic() + seconds
        with self._came:
            while not self._came.wait_for(lambda: self.asked >= number, 0.2):
                assert process.poll() is None, process.stdout.read().decode() if process.stdout else ""
                assert time.monotonic() < deadline, f"{self.asked} of {number} requests"

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        pairs = tuple(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        answer = self._answer(Ask(scope["method"], scope["path"], dict(pairs), pairs, headers, body))
        given = {"content-type": "application/json", **answer.headers}
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    def _answer(self, ask: Ask) -> Answer:
        with self._came:
            self.asked += 1
            if happens := self.meanwhile.pop(self.asked, None):
                happens()
            if self.asked == self._expire_at:
                self.system.expire()
            answer = self._met(ask)
            self._came.notify_all()
        if answer.feed:
            self.pages[answer.feed] += 1
            self.records[answer.feed] += answer.records
        return answer

    def _met(self, ask: Ask) -> Answer:
        if not self.system.knows(ask):
            self.refusals += 1
            return self.system.refused()
        if self.asked in self._throttle_at:
            self.throttles += 1
            return self.system.throttled()
        return self.system.answer(ask)


@contextmanager
def serve(kind: str, shop: Shop, throttle_at: tuple[int, ...] = (), expire_at: int = 0) -> Iterator[Server]:
    """Serve a shop as a kind of CRM, until left."""
    system: System = importlib.import_module(f"crm.{kind}").start(shop)
    with Server(system, throttle_at, expire_at) as server:
        yield server
