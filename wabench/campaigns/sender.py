"""The sender: takes turns with the ledger and puts calls on the wire at the channel's pace.

Two tasks share one deque. The bookkeeper writes outcomes and claims the sends whose slots come up next, at most 0.1 s
ahead, so that a kill leaves few claims and a STOP is heeded at once; the dispatcher lets each leave at its slot, and
gives back those whose slots a throttle puts off. A third task reads back, now and then, what came in meanwhile.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from itertools import cycle
from math import ceil, inf

import httpx

from wabench.campaigns import calls
from wabench.campaigns.claims import Claim, Outcome, Turn
from wabench.campaigns.pacing import Departure, Pace
from wabench.campaigns.policy import Tolerance
from wabench.campaigns.schema import CampaignState
from wabench.providers.base import Accepted, Channel, Failed, Message, Provider
from wabench.providers.errors import ErrorFamily

MOST_IN_FLIGHT = 256
_LEAD_SECONDS = 0.1
_PUT_OFF_SECONDS = 0.25  # a claim whose slot is later than this after all is given back: who says STOP is heeded
_GATHER_SECONDS = 0.02  # what comes in this time shares a commit
_POLL_SECONDS = 1.0  # how soon a pause or a cancel from elsewhere is noticed
_USUAL_CALL_SECONDS = 2.0  # slower answers than this lower the rate instead of holding ever more connections
READ_BACK_SECONDS = 60  # who says STOP expects it within minutes; reading costs a fraction of a second
_HOPELESS_LOST = 20  # in a row: at 3 % lost answers that is no chance, and each is a person nobody knows about

_USUAL = Tolerance()

TakeTurn = Callable[[Sequence[Outcome], int], Turn]
"""Write outcomes and claim so many sends; called in the executor's one thread."""


async def _depart(departure: Departure, event: str, _info: object) -> None:
    """Note when a request is written: a connection that has to be opened first makes it leave later."""
    if event.endswith("send_request_headers.started"):
        departure.at = asyncio.get_running_loop().time()


class Sender:
    """Sends one campaign until nothing is left to claim, it is stopped, or the ledger says that it runs no more.

    `counts` are calls by what they came to (`accepted`, `retry`, `maybe_sent`, …) and `suppressed`; `stopped` is why it
    stopped of itself.
    """

    def __init__(
        self, take_turn: TakeTurn, provider: Provider, channel: Channel, clients: Sequence[httpx.AsyncClient],
        rate: float,
        executor: Executor, on_turn: Callable[[Counter[str]], None] = lambda counts: None,
        read_back: Callable[[], object] = lambda: None, give_up_seconds: float = 60, tolerance: Tolerance = _USUAL,
        read_back_seconds: float = READ_BACK_SECONDS,
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self.stopped: str | None = None
        self._take_turn, self._executor, self._on_turn = take_turn, executor, on_turn
        self._read_back_seconds = read_back_seconds
        self._read_back, self._give_up_seconds, self._tolerance = read_back, give_up_seconds, tolerance
        self._provider, self._channel, self._clients = provider, channel, cycle(clients)
        self._pace = Pace(rate)
        self._most_in_flight = min(MOST_IN_FLIGHT, max(4, ceil(rate * _USUAL_CALL_SECONDS)))
        self._ready: deque[Claim] = deque()
        self._outcomes: list[Outcome] = []
        self._flying = 0
        self._stopping = self._over = False
        self._refused_since: float | None = None
        self._lost = 0
        self._books, self._work = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        """Send; an error of the ledger ends it with what was claimed left to be found as unknown."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dispatch(group))
            reading = group.create_task(self._keep_reading())
            await self._keep_books()
            reading.cancel()

    def stop(self, reason: str) -> None:
        """Let the calls in flight end, give back what was not called yet, then end."""
        self.stopped = self.stopped or reason
        self._stopping = True
        self._books.set()
        self._work.set()

    async def _keep_books(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._over:
            self._books.clear()
            outcomes, self._outcomes = self._outcomes, []
            want = self._space() if loop.time() >= self._opens(loop.time()) else 0
            turn = await loop.run_in_executor(self._executor, self._take_turn, outcomes, want)
            self._ready.extend(turn.claims)
            self.counts["suppressed"] += turn.suppressed
            self._stopping = self._stopping or turn.status is not CampaignState.RUNNING
            self._over = not self._is_busy() and (self._stopping or turn.next_due_in is None)
            self._work.set()
            self._on_turn(self.counts)
            if not self._over and not (turn.suppressed and not turn.claims):
                await self._until_needed(turn.next_due_in)

    async def _keep_reading(self) -> None:
        """Read back in a thread of its own; once that fails, opt-outs are missed, so the sending stops in order."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            await asyncio.sleep(self._read_back_seconds)
            try:
                await loop.run_in_executor(None, self._read_back)
            except Exception as error:  # noqa: BLE001 - whatever it is, the calls in flight shall end
                self.stop(f"what came back can't be read: {error}")

    async def _until_needed(self, next_due_in: float | None) -> None:
        now = asyncio.get_running_loop().time()
        opens_in = inf if next_due_in is None else max(next_due_in, self._opens(now) - now)
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_POLL_SECONDS, opens_in)):
                await self._books.wait()
                await asyncio.sleep(_GATHER_SECONDS)

    def _is_busy(self) -> bool:
        return bool(self._ready or self._outcomes or self._flying)

    def _space(self) -> int:
        ahead = max(1, ceil(self._pace.asked * _LEAD_SECONDS)) - len(self._ready)
        return 0 if self._stopping else max(0, min(ahead, self._most_in_flight - self._flying - len(self._ready)))

    def _opens(self, now: float) -> float:
        """Tell from when on a claim is not too early for its slot."""
        if not self._space():
            return inf
        return self._pace.next_at(now) + len(self._ready) / self._pace.rate(now) - _LEAD_SECONDS

    async def _dispatch(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while not self._over:
            if self._stopping:
                self._give_back()
            if not self._ready:
                self._work.clear()
                await self._work.wait()
            elif (wait := self._pace.next_at(loop.time()) - loop.time()) > _PUT_OFF_SECONDS:
                self._give_back()
            elif wait > 0:
                await asyncio.sleep(min(wait, _POLL_SECONDS))
            else:
                departure = self._pace.left(loop.time())
                self._flying += 1
                group.create_task(self._send(self._ready.popleft(), departure))
                self._books.set()

    def _give_back(self) -> None:
        self._outcomes.extend(Outcome(claim, None) for claim in self._ready)
        self._ready.clear()
        self._books.set()

    async def _send(self, claim: Claim, departure: Departure) -> None:
        result = await self._call(claim.message, departure)
        self._flying -= 1
        self._heed(result)
        self._outcomes.append(Outcome(claim, result))
        self._books.set()

    async def _call(self, message: Message, departure: Departure) -> Accepted | Failed | None:
        """Put one message on the wire; None, and the sending stops, where nothing can be with these settings."""
        try:
            request = calls.made(self._provider, message, self._channel)
            client = next(self._clients)
            request.headers.setdefault("User-Agent", client.headers["User-Agent"])
            request.extensions["trace"] = partial(_depart, departure)
            try:
                return self._provider.outcome(await client.send(request))
            except (httpx.RequestError, httpx.InvalidURL) as error:
                return calls.failed(error, request, self._channel)
        except calls.Unsendable as error:
            self.stop(str(error))
            return None

    def _heed(self, result: Accepted | Failed | None) -> None:
        if result is None:
            return
        self.counts["accepted" if isinstance(result, Accepted) else str(result.family)] += 1
        if isinstance(result, Accepted):
            self._refused_since, self._lost = None, 0
        elif result.family is ErrorFamily.RETRY:
            self._heed_refusal(result)
        else:
            self._refused_since = None
            self._heed_loss(result)
            self._heed_failures(result)

    def _heed_refusal(self, result: Failed) -> None:
        now = asyncio.get_running_loop().time()
        self._pace.slow_down(now)
        self._refused_since = self._refused_since or now
        if now - self._refused_since > self._give_up_seconds:
            self.stop(f"nothing was accepted for {self._give_up_seconds:g} seconds: {result.code} {result.detail}")

    def _heed_failures(self, result: Failed) -> None:
        failed = self.counts[ErrorFamily.NEVER]
        if why := self._tolerance.failing(failed, failed + self.counts["accepted"]):
            self.stop(f"{why}; the last one: {result.code} {result.detail}")

    def _heed_loss(self, result: Failed) -> None:
        self._lost += result.family is ErrorFamily.MAYBE_SENT
        if self._lost >= _HOPELESS_LOST:
            self.stop(f"{self._lost} answers were lost and nothing was accepted since: {result.code} {result.detail}")
