"""Who answers what the receiver landed: a thread of its own that reads landing behind it, so that it delays no webhook.

It begins with what was landed in the last minutes, so a crash loses nothing: the ledger knows what was decided. What
people state (STOP, START, a provider's own opt-out) is written into the ledger before anything else.
"""

import asyncio
import heapq
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from math import inf
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, Self

import httpx
from sqlalchemy.exc import SQLAlchemyError

from ingest import landing
from ingest.stated import statements
from wabench import __version__, accounts, providers
from wabench.campaigns import calls, ledger
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.plan import channel_settings
from wabench.campaigns.reconcile import HEARD
from wabench.errors import WabenchError
from wabench.events import Direction, EventType, MessageEvent
from wabench.providers.base import Accepted, Channel, Failed
from wabench.providers.errors import ErrorFamily, Unparsable
from wabench.replies import claims, heard, sending
from wabench.replies.answering import Answering, Job, Outcome
from wabench.replies.heard import Inbound, Writer
from wabench.settings import Settings

_SPAN_BYTES = 64 * 1024  # of landing at a time: a turn stays short, and the receiver gets its share of the interpreter
_MOST_IN_FLIGHT = 64
_GATHER_SECONDS = 0.005  # what comes in this time shares a turn
_POLL_SECONDS = 1.0  # how soon what another process landed is noticed
_SWEEP_SECONDS = 60.0
_CONNECT_SECONDS = 5.0
_STOP_SECONDS = 5.0
_OPTED = (EventType.OPT_OUT, EventType.OPT_IN)

Event = tuple[str, MessageEvent, datetime]
"""What a provider told, and when it was received."""


class Tail:
    """Reads the lines that are landed for some providers, each once, from a moment on."""

    def __init__(self, root: Path, names: Sequence[str], since: datetime) -> None:
        self._folders = {name: root / name / "webhooks" for name in names}
        self._since = since
        self._read: dict[Path, int] = {}

    def read(self) -> list[Event]:
        """Give the events of each log's next lines; none while nothing new is there."""
        return [event for name, path in self._files() for event in self._next(name, path)]

    def _next(self, name: str, path: Path) -> list[Event]:
        done = self._read.get(path, 0)
        if path.stat().st_size <= done:
            return []
        for start, until in landing.spans(path, done, _SPAN_BYTES):
            self._read[path] = until
            with path.open("rb") as file:
                file.seek(start)
                return [each for line in file.read(until - start).splitlines() for each in self._events(name, line)]
        return []

    def _files(self) -> Iterator[tuple[str, Path]]:
        """List the logs that may grow: a writer begins another when its day has ended."""
        first = max(self._since, landing.utc_now() - timedelta(days=1))
        for name, folder in self._folders.items():
            days = folder.iterdir() if folder.exists() else ()
            for day in sorted(day for day in days if day.name >= f"{first:%Y-%m-%d}"):
                yield from ((name, path) for path in sorted(day.glob("*.ndjson")))

    def _events(self, name: str, line: bytes) -> Iterator[Event]:
        """Read a line; what can't be is for the loader to reject."""
        try:
            received_at, body, query = landing.open_envelope(line)
            if (received := datetime.fromisoformat(received_at)) < self._since:
                return
            found = providers.get(name).parse(body, query)
        except (ValueError, Unparsable):  # msgspec's errors are ValueErrors
            return
        yield from ((name, event, received) for event in (*found, *statements(found)))


class Answers:
    """The thread: started and stopped with the receiver, and told by it that something was landed."""

    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        self._settings, self._names = settings, names
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name="answers", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._over = asyncio.Event()

    def start(self) -> None:
        """Begin with what was landed lately."""
        self._thread.start()

    def wake(self) -> None:
        """Say that something was landed; never waits."""
        self._tell(self._woken)

    def stop(self) -> None:
        """End, once the calls that are under way have."""
        for event in (self._over, self._woken):
            self._tell(event)
        self._thread.join(2 * _STOP_SECONDS)

    def _tell(self, event: asyncio.Event) -> None:
        if self._loop is not None and not event.is_set():
            with suppress(RuntimeError):  # it has just ended
                self._loop.call_soon_threadsafe(event.set)

    async def _serve(self) -> None:
        """Begin anew after whatever broke: landing and the ledger know where we were."""
        self._loop = asyncio.get_running_loop()
        while not self._over.is_set():
            try:
                if self._settings.auto_reply != "off" or ledger.exists(self._settings):
                    await self._answer()
            except Exception as error:  # noqa: BLE001 - it must go on, whatever it was
                complain(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _POLL_SECONDS)

    async def _answer(self) -> None:
        since = landing.utc_now() - timedelta(minutes=self._settings.reply_within_minutes)
        tail = Tail(self._settings.paths.landing, self._names, since)
        with ledger.opened(self._settings) as opened:
            answering = Answering(self._settings, opened)
            async with Calls(self._settings, answering.channels) as calls_made:
                await Turns(self._settings, opened, answering, calls_made).run(tail, self._woken, self._over.is_set)


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

    def __init__(self, settings: Settings, opened: Ledger, answering: Answering, made: Calls) -> None:
        self._settings, self._opened, self._answering, self._calls = settings, opened, answering, made
        self._later: list[tuple[datetime, int, Job]] = []
        self._outcomes: list[Outcome] = []
        self._flying: set[asyncio.Task[None]] = set()
        self._number = count()

    async def run(self, tail: Tail, woken: asyncio.Event, is_over: Callable[[], bool]) -> None:
        """Go on until it is over, then wait a little for the calls that are under way."""
        swept = -inf
        try:
            while not is_over():
                woken.clear()
                if monotonic() > swept + _SWEEP_SECONDS:
                    swept = monotonic()
                    await asyncio.to_thread(self._answering.give_up)
                events = await asyncio.to_thread(tail.read) if len(self._flying) < _MOST_IN_FLIGHT else []
                again = self._due()
                if events or again or self._outcomes:
                    await self._turn(events, again, woken)
                else:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(woken.wait(), self._patience())
                        await asyncio.sleep(_GATHER_SECONDS)
        finally:
            await self._land(woken)

    async def _land(self, woken: asyncio.Event) -> None:
        if self._flying:
            await asyncio.wait(self._flying, timeout=_STOP_SECONDS)
        for task in self._flying:
            task.cancel()
        self._later.clear()
        if self._outcomes:
            await asyncio.to_thread(self._take, [], self._outcomes, [])

    async def _turn(self, events: Sequence[Event], again: Sequence[Job], woken: asyncio.Event) -> None:
        outcomes, self._outcomes = self._outcomes, []
        for job in await asyncio.to_thread(self._take, events, outcomes, again):
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

    def _take(self, events: Sequence[Event], outcomes: Sequence[Outcome], again: Sequence[Job]) -> list[Job]:
        hear(self._settings, self._opened, events)
        inbounds = [each for event in events if (each := _inbound(*event))]
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
        found, now = [], landing.utc_now()
        while self._later and self._later[0][0] <= now:
            found.append(heapq.heappop(self._later)[2])
        return found

    def _patience(self) -> float:
        if not self._later:
            return _POLL_SECONDS
        return min(_POLL_SECONDS, max(0.0, (self._later[0][0] - landing.utc_now()).total_seconds()))


def hear(settings: Settings, opened: Ledger, events: Sequence[Event]) -> None:
    """Write into the ledger who opted out or in, by their number and as the customer they are published as."""
    stated = [event for event in events if event[1].event_type in _OPTED and (event[1].phone or event[1].user_id)]
    people = [_person(*event) for event in stated]
    writers = heard.writers(settings, people) if people else []
    opened.hear_consents(
        [_statement(*each) for each in zip((event for _, event, _ in stated), people, writers, strict=True)]
    )


def _statement(event: MessageEvent, person: Inbound, writer: Writer) -> dict[str, Any]:
    return {
        "source": HEARD + event.event_id,
        "consent": "opted_in" if event.event_type == EventType.OPT_IN else "opted_out",
        "stated_at": person.wrote_at,
        "phone": person.phone,
        "user_id": person.user_id,
        "customer_id": None if writer.customer_id in person.identities else writer.customer_id,
    }


def _inbound(name: str, event: MessageEvent, received: datetime) -> Inbound | None:
    if event.event_type != EventType.RECEIVED or event.direction == Direction.OUT or not event.message_id:
        return None
    return _person(name, event, received)


def _person(name: str, event: MessageEvent, received: datetime) -> Inbound:
    return Inbound(
        provider=name,
        channel_id=event.channel_id or "",
        message_id=event.message_id or event.event_id,
        phone=event.phone,
        user_id=event.user_id,
        name=event.profile_name,
        text=event.body_text or "",
        wrote_at=min(event.occurred_at or received, received),
    )


def _client(settings: Settings, name: str, channel: Channel) -> httpx.AsyncClient:
    timeout = httpx.Timeout(channel_settings(settings, name).timeout_seconds, connect=_CONNECT_SECONDS)
    agent = {"User-Agent": f"wabench/{__version__}"}
    return httpx.AsyncClient(timeout=timeout, trust_env=not accounts.is_rehearsal(channel.base_url), headers=agent)


def complain(error: Exception) -> None:
    """Say on stderr what broke, without what a statement's parameters would tell of people; it is tried again."""
    said = f": {error}" if isinstance(error, WabenchError | OSError) else ""
    sys.stderr.write(f"answers: {type(error).__name__}{said}\n")
