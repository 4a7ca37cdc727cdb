"""Campaigns' senders: begun for what is due, their ends told from the ledger, for they may outlive who began them."""

import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from wabench import background
from wabench.campaigns import launch
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.runner import STOPPED_BY_SYSTEM
from wabench.campaigns.schema import CampaignState
from wabench.schedule import campaigns, jobs
from wabench.schedule.campaigns import Due, Found, Problem
from wabench.schedule.jobs import Outcome
from wabench.schedule.state import Attempt, Book, Run
from wabench.settings import Settings

ACTOR = "schedule"
_CAME_UP = timedelta(minutes=1)
_WENT_WELL = timedelta(minutes=10)  # a sender that lived so long was no attempt that failed
_PREFIX = "campaign "


class Senders:
    """Those that we began, and what is known of those that another scheduler began."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self._settings, self._table, self._book = settings, settings.schedule, book
        self._ours: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def are_up(self) -> bool:
        """Tell whether one that we began is there."""
        return any(process.poll() is None for process in self._ours.values())

    def unseen(self, now: datetime) -> list[Run]:
        """List the runs whose sender may have ended; a look that begins after this tells of each."""
        return [run for run in self._book.state.running if run.job.startswith(_PREFIX) and not self._is_up(run, now)]

    def take(self, found: Found, unseen: list[Run], now: datetime) -> None:
        """Note which runs have ended and begin what is due."""
        self.note_ends(found, unseen, now)
        self._forget_attempts(found, now)
        busy = {run.job for run in self._book.state.running}
        coming_up = {each.channel for each in found.due if _PREFIX + each.name in busy}  # and have no lock yet
        ready = [each for each in found.due if self._may_begin(each.name, now)]
        for due in campaigns.firsts(ready, coming_up):
            self._begin(due, now)

    def note_ends(self, found: Found, unseen: list[Run], now: datetime) -> None:
        """Note which runs have ended."""
        for run in unseen:
            if (name := run.job.removeprefix(_PREFIX)) not in found.sending:
                self._end(run, found.campaigns.get(name), now)

    def stop(self) -> None:
        """Tell those that we began to end the calls in flight; the next scheduler goes on with them."""
        for process in self._ours.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)

    def problems(self, found: Found) -> list[Problem]:
        """List what people have to see to: what a look found, and what did not come to send several times."""
        tried = [
            Problem(
                "unsent", name, f"could not be sent, {attempt.tries} times: {self._book.state.said(_PREFIX + name)}"
            )
            for name, attempt in self._book.state.attempts.items()
            if attempt.tries >= self._table.alert_after
        ]
        return [*found.problems, *tried]

    def _is_up(self, run: Run, now: datetime) -> bool:
        process = self._ours.get(run.job)
        return process.poll() is None if process else now - run.started_at < _CAME_UP

    def _may_begin(self, name: str, now: datetime) -> bool:
        if (attempt := self._book.state.attempts.get(name)) is None:
            return True
        first_wait = timedelta(minutes=self._table.retry_minutes)
        return now >= attempt.at + jobs.waiting(attempt.tries, first_wait)

    def _begin(self, due: Due, now: datetime) -> None:
        name = due.name
        words = ["campaign", "resume" if due.resumes else "run", name, "--run-as", ACTOR]
        words += ["--live"] if self._table.live else []
        process = background.spawn(self._settings, words, launch.log_of(self._settings, due.campaign))
        self._ours[_PREFIX + name] = process
        tries = self._book.state.attempts.get(name, Attempt(0, now)).tries + 1
        attempts = {**self._book.state.attempts, name: Attempt(tries, now)}
        self._book.state = replace(self._book.state, attempts=attempts)
        self._book.begins(Run(_PREFIX + name, due.since, now, process.pid))

    def _end(self, run: Run, campaign: Campaign | None, now: datetime) -> None:
        how, said = _how(campaign)
        if how is Outcome.FAILED and campaign:
            line = background.last_line(launch.log_of(self._settings, campaign))
            said = said or line
        elif campaign:
            attempts = {name: each for name, each in self._book.state.attempts.items() if name != campaign.name}
            self._book.state = replace(self._book.state, attempts=attempts)
        self._ours.pop(run.job, None)
        self._book.ends(run, how, now, said)

    def _forget_attempts(self, found: Found, now: datetime) -> None:
        """Keep the attempts at what is still due, or has only just begun to be sent."""
        due = {each.name for each in found.due}
        kept = {
            name: attempt
            for name, attempt in self._book.state.attempts.items()
            if name in due or (name in found.sending and now - attempt.at < _WENT_WELL)
        }
        if kept != self._book.state.attempts:
            self._book.state = replace(self._book.state, attempts=kept)


def _how(campaign: Campaign | None) -> tuple[Outcome, str]:
    """Tell how a run ended by where its campaign stands."""
    match campaign:
        case None:
            return Outcome.FAILED, "there is no such campaign any more"
        case Campaign(status=CampaignState.FINISHED | CampaignState.CANCELLED):
            return Outcome.DONE, ""
        case Campaign(status=CampaignState.PAUSED, reason=reason):
            return Outcome.STOPPED, "" if reason == STOPPED_BY_SYSTEM else reason or ""
        case _:
            return Outcome.FAILED, ""
