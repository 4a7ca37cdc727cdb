"""Posting webhooks as providers do: late, in batches, again until they are taken, and given up in the end."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count

import httpx

from wabench.sandbox.base import Happening, Post

Compose = Callable[[Sequence[Happening]], Sequence[Post]]
_AT_ONCE = 100
_TRIES = 60
_LONGEST_WAIT = 5.0
_IDLE_SECONDS = 0.05


class Webhooks:
    """A queue of happenings by the time they are due; `counts` are entries posted, tried again, given up.

    What is posted again is written and signed again, as its provider would. A batch that takes several posts is posted
    happening by happening, so that only what was refused comes again.
    """

    def __init__(
        self, compose: Compose, counts: Counter[str], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._compose, self._counts, self._transport = compose, counts, transport
        self._due: list[tuple[float, int, int, Happening]] = []
        self._order = count()
        self._posting = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def pending(self) -> int:
        return len(self._due) + self._posting

    async def idle(self) -> None:
        """Return once nothing is waiting to be posted."""
        await self._idle.wait()

    def put(self, happening: Happening, after: float, tries: int = 0) -> None:
        """Post a happening in so many seconds."""
        at = asyncio.get_running_loop().time() + after
        heapq.heappush(self._due, (at, next(self._order), tries, happening))
        self._idle.clear()

    async def run(self) -> None:
        """Post what is due, until cancelled."""
        async with httpx.AsyncClient(timeout=10, trust_env=False, transport=self._transport) as client:
            while True:
                if batch := self._take():
                    self._posting = len(batch)
                    await self._post_all(client, batch)
                    self._posting = 0
                else:
                    await asyncio.sleep(_IDLE_SECONDS)
                if not self.pending:
                    self._idle.set()

    def _take(self) -> list[tuple[int, Happening]]:
        now = asyncio.get_running_loop().time()
        batch: list[tuple[int, Happening]] = []
        while self._due and self._due[0][0] <= now and len(batch) < _AT_ONCE:
            _, _, tries, happening = heapq.heappop(self._due)
            batch.append((tries, happening))
        return batch

    async def _post_all(self, client: httpx.AsyncClient, batch: Sequence[tuple[int, Happening]]) -> None:
        posts = self._compose([happening for _, happening in batch])
        if len(posts) == 1 or len(batch) == 1:
            await self._post(client, batch, posts)
        else:
            await asyncio.gather(*(self._post(client, [one], self._compose([one[1]])) for one in batch))

    async def _post(
        self, client: httpx.AsyncClient, batch: Sequence[tuple[int, Happening]], posts: Sequence[Post]
    ) -> None:
        is_taken = all([await self._is_taken(client, post) for post in posts])
        self._counts["webhook entries posted" if is_taken else "webhook entries refused"] += len(batch)
        for tries, happening in () if is_taken else batch:
            if tries < _TRIES:
                self.put(happening, min(0.2 * 2**tries, _LONGEST_WAIT), tries + 1)
            else:
                self._counts["webhook entries given up"] += 1

    async def _is_taken(self, client: httpx.AsyncClient, post: Post) -> bool:
        try:
            return (await client.post(post.url, content=post.body, headers=dict(post.headers))).is_success
        except httpx.TransportError:
            return False
