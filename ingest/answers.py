"""What customers wrote, from landing to who answers by rule: a thread behind the receiver, which it never delays.

It begins with what was landed in the last minutes, so a crash loses nothing: the ledger knows what was decided. What
people state (STOP, START, a provider's own opt-out) is written into the ledger before anything else.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from ingest import landing
from ingest.stated import statements
from wabench import providers
from wabench.campaigns import ledger
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.reconcile import HEARD
from wabench.events import Direction, EventType, MessageEvent
from wabench.providers.errors import Unparsable
from wabench.replies import heard, service
from wabench.replies.heard import Inbound, Writer
from wabench.settings import Settings

_SPAN_BYTES = 64 * 1024  # of landing at a time: a turn stays short, and the receiver gets its share of the interpreter
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
        self._thread.join(2 * service.STOP_SECONDS)

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
                service.complain(error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), service.POLL_SECONDS)

    async def _answer(self) -> None:
        since = landing.utc_now() - timedelta(minutes=self._settings.reply_within_minutes)
        tail = Tail(self._settings.paths.landing, self._names, since)
        with ledger.opened(self._settings) as opened:
            listen = partial(heard_in, self._settings, opened)
            await service.serve(self._settings, opened, tail.read, listen, self._woken, self._over.is_set)


def heard_in(settings: Settings, opened: Ledger, events: Sequence[Event]) -> list[Inbound]:
    """Write into the ledger what people stated in some events, before anything is answered; gives their messages."""
    hear(settings, opened, events)
    return [each for event in events if (each := _inbound(*event))]


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
