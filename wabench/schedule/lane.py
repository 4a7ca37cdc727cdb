"""The jobs' lane: one after another, for most want the warehouse; begun when due, ended when their time is over."""

from datetime import datetime, timedelta

from wabench import background, locks
from wabench.alerts.standing import Alert
from wabench.errors import Busy
from wabench.schedule import children, jobs
from wabench.schedule.children import Child
from wabench.schedule.jobs import Outcome, Past
from wabench.schedule.state import Book, Run
from wabench.settings import Settings


class Lane:
    """What runs in it; a run that another scheduler began is looked after like our own."""

    def __init__(self, settings: Settings, book: Book, now: datetime) -> None:
        self._settings, self._table, self._book = settings, settings.schedule, book
        self._children = [Child(run) for run in book.state.running if run.job in jobs.COMMANDS]
        for job in jobs.COMMANDS:
            self._begin_to_count(job, now)

    @property
    def is_empty(self) -> bool:
        return not self._children

    def look_after(self, now: datetime) -> list[tuple[str, Outcome]]:
        """Stop what is over its time; gives the jobs that ended, and how."""
        for child in self._children:
            children.keep_to_its_time(child, now, timedelta(minutes=self._table.limit_minutes))
        ended = [(child, how) for child in self._children if (how := children.outcome(self._settings, child))]
        for child, how in ended:
            self._children.remove(child)
            self._end(child.run, how, now)
        return [(child.run.job, how) for child, how in ended]

    def begin(self, now: datetime, as_of: datetime) -> None:
        """Begin the job that was due first at `as_of`, if the lane and the warehouse are free."""
        if self._children or locks.is_taken(self._settings.paths.warehouse_lock):
            return
        for due_at, job in sorted(self._due(as_of)):
            try:
                child = children.start(self._settings, job, due_at, now)
            except Busy:  # a run nobody knows of: the file that told of it was moved away
                continue
            self._children.append(child)
            past = self._book.state.pasts[job]
            self._book.state = self._book.state.with_past(job, jobs.begun(past, now))
            self._book.begins(child.run)
            return

    def stop(self, now: datetime) -> None:
        """Tell what runs to end; it is made up by the next scheduler."""
        for child in self._children:
            children.stop(child, Outcome.STOPPED, now)

    def alerts(self) -> list[Alert]:
        """List the jobs that failed too often in a row."""
        failing = [
            (job, past.failures)
            for job, past in self._book.state.pasts.items()
            if past.failures >= self._table.alert_after
        ]
        return [
            Alert(f"job:{job}", f"{job} failed {failures} times in a row: {self._book.state.said(job)}")
            for job, failures in failing
        ]

    def line(self, job: str) -> str:
        """Give a job's cron line."""
        return str(getattr(self._table, job))

    def _due(self, as_of: datetime) -> list[tuple[datetime, str]]:
        pasts = self._book.state.pasts.items()
        found = [(jobs.due_at(self.line(job), past, as_of, self._settings.zone), job) for job, past in pasts]
        return [(at, job) for at, job in found if at]

    def _begin_to_count(self, job: str, now: datetime) -> None:
        """Count a new job from now on, forget one that is off."""
        pasts = dict(self._book.state.pasts)
        past = pasts.pop(job, Past(now))
        self._book.state = self._book.state.with_pasts({**pasts, job: past} if self.line(job) else pasts)

    def _end(self, run: Run, how: Outcome, now: datetime) -> None:
        line = background.last_line(children.log_of(self._settings, run.job))
        self._book.ends(run, how, now, "" if how is Outcome.DONE else line)
        if past := self._book.state.pasts.get(run.job):
            first_wait = timedelta(minutes=self._table.retry_minutes)
            self._book.state = self._book.state.with_past(run.job, jobs.ended(past, how, now, first_wait))
