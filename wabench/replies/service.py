"""The service that answers by rule: turns with the ledger, the calls between them, whatever is to wait for its moment.

It is handed what reads the next events and what hears them; where they come from is not its concern.
"""

import asyncio
import heapq
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from math import inf
from time import monotonic
from typing import Any, Self, TypeAlias

import httpx
from sqlalchemy.exc import SQLAlchemyError

from wabench import __version__, accounts
from wabench.campaigns import calls
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.plan import channel_settings
from wabench.errors import WabenchError
from wabench.providers.base import Accepted, Channel, Failed
from wabench.providers.errors import ErrorFamily
from wabench.replies import claims, sending
from wabench.replies.answering import Answering, Job, Outcome
from wabench.replies.heard import Inbound
from wabench.settings import Settings

POLL_SECONDS = 1.0  # how soon what another process landed is noticed
STOP_SECONDS = 5.0
_MOST_IN_FLIGHT = 64
_GATHER_SECONDS = 0.005  # what comes in this time shares a turn
_SWEEP_SECONDS = 60.0
_CONNECT_SECONDS = 5.0

Read: TypeAlias = Callable[[], Sequence[Any]]
"""Gives the next events, none while there is nothing new."""
Hear: TypeAlias = Callable[[Sequence[Any]], list[Inbound]]
"""Writes down what people stated in some events, and gives the messages among them."""


async def serve(
    settings: Settings, opened: Ledger, read: Read, hear: Hear, woken: asyncio.Event, is_over: Callable[[], bool]
) -> None:  # fmt: skip
    """Answer until it is over; whoever sets `woken` has something to read."""
    answering = Answering(settings, opened)
    async with Calls(settings, answering.channels) as made:
        await Turns(answering, made, hear).run(read, woken, is_over)


class Calls:
    """Puts replies on the wire, a client a provider."""

    def __init__(self, settings: Settings, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        self._clients = {name: _client(settings, name, channel) for name, channel in channels.items()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def make(self, job: Job) -> Outcome:
        """Make a job's call; whatever happens to it has an outcome."""
        name, draft = job.inbound.provider, job.draft
        channel = self._channels[name]
        channel = replace(channel, channel_id=draft.channel_id or channel.channel_id)
        result: Accepted | Failed
        try:
            result = await sending.call(self._clients[name], claims.message(draft, job.reply), channel, name)
        except calls.Unsendable as error:
            result = Failed(ErrorFamily.NEVER, "unsendable", str(error))
        except Exception as error:  # noqa: BLE001 - nobody knows how far it got
            result = Failed(ErrorFamily.MAYBE_SENT, type(error).__name__, str(error))
        return Outcome(job, result)


class Turns:
    """Takes turns with the ledger for as long as there is something to decide, to call or to wait for."""

    def __init__(self, answering: Answering, made: Calls, hear: Hear) -> None:
        self._answering, self._calls, self._hear = answering, made, hear
        self._later: list[tuple[datetime, int, Job]] = []
        self._outcomes: list[Outcome] = []
        self._waiting: list[Inbound] = []
        self._flying: set[asyncio.Task[None]] = set()
        self._number = count()

    async def run(self, read: Read, woken: asyncio.Event, is_over: Callable[[], bool]) -> None:
        """Go on until it is over, then wait a little for the calls that are under way."""
        swept = -inf
        try:
            while not is_over():
                woken.clear()
                if monotonic() > swept + _SWEEP_SECONDS:
                    swept = monotonic()
                    await asyncio.to_thread(self._answering.give_up)
                events = await asyncio.to_thread(read)
                again = self._due()
                if events or again or self._outcomes or (self._waiting and self._has_room()):
                    await self._turn(events, again, woken)
                else:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(woken.wait(), self._patience())
                        await asyncio.sleep(_GATHER_SECONDS)
        finally:
            await self._land(woken)

    async def _land(self, woken: asyncio.Event) -> None:
        if self._flying:
            await asyncio.wait(self._flying, timeout=STOP_SECONDS)
        for task in self._flying:
            task.cancel()
        self._later.clear()
        if self._outcomes:
            await asyncio.to_thread(self._take, [], self._outcomes, [])

    async def _turn(self, events: Sequence[Any], again: Sequence[Job], woken: asyncio.Event) -> None:
        if events:  # heard however many calls are under way: a STOP must not wait for a provider that is slow
            self._waiting += await asyncio.to_thread(self._hear, events)
        outcomes, self._outcomes = self._outcomes, []
        inbounds: list[Inbound] = []
        if self._has_room():
            inbounds, self._waiting = self._waiting, []
        for job in await asyncio.to_thread(self._take, inbounds, outcomes, again):
            if job.due is not None:
                heapq.heappush(self._later, (job.due, next(self._number), job))
                continue
            task = asyncio.create_task(self._make(job, woken))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)

    async def _make(self, job: Job, woken: asyncio.Event) -> None:
        outcome = await self._calls.make(job)  # apart: meanwhile the list becomes another
        self._outcomes.append(outcome)
        woken.set()

    def _has_room(self) -> bool:
        return len(self._flying) < _MOST_IN_FLIGHT

    def _take(self, inbounds: Sequence[Inbound], outcomes: Sequence[Outcome], again: Sequence[Job]) -> list[Job]:
        try:
            return self._answering.take_turn(inbounds, outcomes, again)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - one message that breaks us must not keep the others
            complain(error)
            jobs = self._answering.take_turn((), outcomes, again)
            return jobs + [job for inbound in inbounds for job in self._alone(inbound)]

    def _alone(self, inbound: Inbound) -> list[Job]:
        try:
            return self._answering.take_turn([inbound])
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - it is landed, and the support page will show it
            complain(error)
            return []

    def _due(self) -> list[Job]:
        found, now = [], datetime.now(UTC)
        while self._later and self._later[0][0] <= now:
            found.append(heapq.heappop(self._later)[2])
        return found

    def _patience(self) -> float:
        if not self._later:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(0.0, (self._later[0][0] - datetime.now(UTC)).total_seconds()))


def _client(settings: Settings, name: str, channel: Channel) -> httpx.AsyncClient:
    timeout = httpx.Timeout(channel_settings(settings, name).timeout_seconds, connect=_CONNECT_SECONDS)
    agent = {"User-Agent": f"wabench/{__version__}"}
    return httpx.AsyncClient(timeout=timeout, trust_env=not accounts.is_rehearsal(channel.base_url), headers=agent)


def complain(error: Exception) -> None:
    """Say on stderr what broke, without what a statement's parameters would tell of people; it is tried again."""
    said = f": {error}" if isinstance(error, WabenchError | OSError) else ""
    sys.stderr.write(f"answers: {type(error).__name__}{said}\n")
