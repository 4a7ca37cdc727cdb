"""The scheduler itself: a turn looks after what runs and begins what is due; it never waits inside one.

What may hang (a ledger on another machine, an address that alerts go to) is asked by threads.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from wabench import gauges, locks, monitoring
from wabench.alerts import telling
from wabench.alerts.standing import Alert, standing
from wabench.errors import WabenchError
from wabench.metrics import Family
from wabench.schedule import campaigns, jobs
from wabench.schedule.campaigns import Found
from wabench.schedule.gauges import of_jobs
from wabench.schedule.jobs import Outcome, Past
from wabench.schedule.lane import Lane
from wabench.schedule.senders import Senders
from wabench.schedule.state import Book
from wabench.settings import Settings

_STOP_SECONDS = 45.0  # longer than a call in flight may take
_TICK_SECONDS = 0.25
_STILL_SECONDS = 60.0

Clock = Callable[[], datetime]
Say = Callable[[str], None]
Ask = Callable[[datetime], Any]


@dataclass(slots=True)
class _Look:
    """Something a thread looks at when its line says so; what it finds is taken in a turn."""

    line: str
    past: Past
    begin: Callable[[datetime], Callable[[], Any]]
    take: Callable[[Any, datetime], None]
    future: Future[Any] | None = None


class Scheduler:
    """One shop's; whoever makes one holds the lock."""

    def __init__(self, settings: Settings, now: datetime, say: Say) -> None:
        self._settings, self._say = settings, say
        self.book = Book(settings, say)
        self._lane = Lane(settings, self.book, now)
        self._senders = Senders(settings, self.book)
        self._threads = ThreadPoolExecutor(2, "look")
        self.found = Found()
        self.turned_at = time.monotonic()
        at_once = Past(now, retry_at=now)
        self._looks = {
            "campaigns": _Look(settings.schedule.campaigns, at_once, self._look, self._take),
            "alerts": _Look(settings.schedule.alerts, at_once, self._tell, self._take_told),
        }

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is under way but campaigns, whose senders need nobody."""
        return self._lane.is_empty and all(look.future is None for look in self._looks.values())

    @property
    def is_well(self) -> bool:
        """Tell whether it has turned lately."""
        return time.monotonic() - self.turned_at < _STILL_SECONDS

    def families(self, clock: Clock) -> Iterator[Family]:
        """Tell its metrics, and what the stores say; from any thread."""
        settings, now = self._settings, clock()
        return gauges.whole(
            lambda: of_jobs(settings, self.book.state, now),
            lambda: gauges.of_campaigns(settings),
            lambda: gauges.of_published(settings, now),
        )

    def turn(self, now: datetime, as_of: datetime | None = None) -> None:
        """Look after what runs, and begin what is due now, or was at `as_of`."""
        if ("refresh", Outcome.DONE) in self._lane.look_after(now):
            alerts = self._looks["alerts"]
            alerts.past = replace(alerts.past, retry_at=now)
        self._lane.begin(now, as_of or now)
        for name, look in self._looks.items():
            self._follow(name, look, now, as_of or now)
        self.book.write()
        self.turned_at = time.monotonic()

    def end(self, clock: Clock) -> None:
        """End in order: jobs are stopped and made up later, senders end the calls in flight and go on later."""
        self._lane.stop(clock())
        self._senders.stop()
        until = time.monotonic() + _STOP_SECONDS
        while not (self._lane.is_empty and not self._senders.are_up) and time.monotonic() < until:
            self._lane.look_after(clock())
            time.sleep(_TICK_SECONDS)
        if unseen := self._senders.unseen(clock()):
            self._senders.note_ends(campaigns.look(self._settings, clock()), unseen, clock())
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.book.write()

    def _follow(self, name: str, look: _Look, now: datetime, as_of: datetime) -> None:
        """Take what a look found, and begin the next one when it is due."""
        if look.future is not None and look.future.done():
            future, look.future = look.future, None
            try:
                look.take(future.result(), now)
                look.past = replace(look.past, failures=0)
            except Exception as error:  # noqa: BLE001 - whatever it was, the rest goes on and it is tried again
                look.past = replace(look.past, failures=look.past.failures + 1)
                self._complain(name, error, look.past.failures)
        zone = self._settings.zone
        if look.future is None and look.line and jobs.due_at(look.line, look.past, as_of, zone):
            look.past = jobs.begun(look.past, now)
            look.future = self._threads.submit(look.begin(now))

    def _complain(self, name: str, error: Exception, failures: int) -> None:
        """Say what broke, ever more rarely while it stays broken."""
        if failures & (failures - 1) == 0:
            said = f": {error}" if isinstance(error, WabenchError | OSError) else ""
            self._say(f"{name}: {type(error).__name__}{said}")

    def _look(self, now: datetime) -> Callable[[], Any]:
        unseen = self._senders.unseen(now)
        return lambda: (campaigns.look(self._settings, now), unseen)

    def _take(self, looked: Any, now: datetime) -> None:
        self.found, unseen = looked
        self._senders.take(self.found, unseen, now)

    def _tell(self, now: datetime) -> Callable[[], Any]:
        ours = self.alerts()
        return lambda: telling.tell(self._settings, [*standing(self._settings, now), *ours], now)

    def _take_told(self, told: Any, now: datetime) -> None:
        if told:
            self._say(f"alerts: {told} told")

    def alerts(self) -> list[Alert]:
        """List what of the schedule itself has to be told."""
        problems = self._senders.problems(self.found)
        campaigns_ = [
            Alert(f"campaign:{each.kind}:{each.name}", f"campaign {each.name} {each.what}") for each in problems
        ]
        return [*self._lane.alerts(), *campaigns_]


def lock(settings: Settings) -> Path:
    """Tell which lock the one scheduler of a shop holds."""
    return settings.paths.data / "locks" / "schedule.lock"


def run(settings: Settings, clock: Clock, stopping: Event, say: Say, *, once: bool = False) -> None:
    """Run what is due until told to stop; `once` what is due now, to its end, and leave campaigns to their senders.

    Raises Busy while another scheduler is at work here.
    """
    with locks.held(lock(settings), "schedule"):
        began = clock()
        scheduler = Scheduler(settings, began, say)
        port = 0 if once else settings.schedule_port
        families = partial(scheduler.families, clock)
        with monitoring.watched(settings.metrics_host, port, families, lambda: scheduler.is_well, say):
            while not stopping.is_set():
                scheduler.turn(clock(), began if once else None)
                if once and scheduler.is_idle:
                    return
                stopping.wait(_TICK_SECONDS)
            scheduler.end(clock)
