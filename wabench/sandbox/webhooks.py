"""Posting webhooks as a provider does: late, in batches, again until they are taken, and given up in the end."""

import asyncio
import heapq
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import httpx

Entry = tuple[str, Mapping[str, Any]]
Compose = Callable[[Sequence[Entry]], Mapping[str, Any]]
_AT_ONCE = 100
_TRIES = 60
_LONGEST_WAIT = 5.0
_IDLE_SECONDS = 0.05


class Webhooks:
    """A queue of entries by the time they are due; `counts` are entries posted, tried again, given up."""

    def __init__(
        self, url: str, compose: Compose, sign: Callable[[bytes], str], counts: Counter[str],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._transport = transport
        self._url, self._compose, self._sign, self._counts = url, compose, sign, counts
        self._due: list[tuple[float, int, int, Entry]] = []
        self._order = count()

    @property
    def pending(self) -> int:
        return len(self._due)

    def put(self, entry: Entry, after: float, tries: int = 0) -> None:
        """Post an entry in so many seconds."""
        at = asyncio.get_running_loop().time() + after
        heapq.heappush(self._due, (at, next(self._order), tries, entry))

    async def run(self) -> None:
        """Post what is due, until cancelled."""
        async with httpx.AsyncClient(timeout=10, trust_env=False, transport=self._transport) as client:
            while True:
                if batch := self._take():
                    await self._post(client, batch)
                else:
                    await asyncio.sleep(_IDLE_SECONDS)

    def _take(self) -> list[tuple[int, Entry]]:
        now = asyncio.get_running_loop().time()
        batch: list[tuple[int, Entry]] = []
        while self._due and self._due[0][0] <= now and len(batch) < _AT_ONCE:
            _, _, tries, entry = heapq.heappop(self._due)
            batch.append((tries, entry))
        return batch

    async def _post(self, client: httpx.AsyncClient, batch: Sequence[tuple[int, Entry]]) -> None:
        body = json.dumps(self._compose([entry for _, entry in batch])).encode()
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": self._sign(body)}
        try:
            is_taken = (await client.post(self._url, content=body, headers=headers)).status_code == httpx.codes.OK
        except httpx.TransportError:
            is_taken = False
        self._counts["webhook entries posted" if is_taken else "webhook entries refused"] += len(batch)
        for tries, entry in () if is_taken else batch:
            if tries < _TRIES:
                self.put(entry, min(0.2 * 2**tries, _LONGEST_WAIT), tries + 1)
            else:
                self._counts["webhook entries given up"] += 1
