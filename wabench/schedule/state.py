"""What the scheduler knows of before, in one file that it alone writes and anybody may read: data/schedule.json."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec

from wabench.disk import appearing
from wabench.errors import WabenchError
from wabench.masks import without_identities
from wabench.schedule.jobs import Outcome, Past
from wabench.settings import Settings

KEPT_RUNS = 200
_CUSTOMER = re.compile(r"\bcustomer \S+?(?=:|\s|$)")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job or of a campaign; `said` is the last it said, `pid` leads its process group."""

    job: str
    due_at: datetime
    started_at: datetime
    pid: int
    ended_at: datetime | None = None
    outcome: Outcome = Outcome.RUNNING
    said: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often a campaign was begun and did not come to send, and when last."""

    tries: int
    at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """All of it: runs from the oldest on, attempts by the campaign's name, the last success by job."""

    pasts: Mapping[str, Past] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    done_at: Mapping[str, datetime] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)  # how many runs ended so, by `job outcome`

    @property
    def running(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.outcome is Outcome.RUNNING)

    def said(self, job: str) -> str:
        """Give the last that runs of a job said of their failure."""
        found = (run.said for run in reversed(self.runs) if run.job == job and run.said)
        return next(found, "see `wabench schedule --list`")

    def with_run(self, run: Run) -> "State":
        """Add a run that begins; the oldest is forgotten."""
        kept = self.runs[-KEPT_RUNS + 1 :]
        lost = tuple(each for each in self.runs[: -KEPT_RUNS + 1] if each.outcome is Outcome.RUNNING)
        return replace(self, runs=(*lost, *kept, run))

    def with_end(self, run: Run, outcome: Outcome, at: datetime, said: str) -> "State":
        """Write down how a run ended."""
        over = replace(run, ended_at=at, outcome=outcome, said=said)
        job, ends = _kind(run.job), dict(self.ends)
        ends[f"{job} {outcome}"] = ends.get(f"{job} {outcome}", 0) + 1
        done_at = {**self.done_at, job: at} if outcome is Outcome.DONE else self.done_at
        runs = tuple(over if each == run else each for each in self.runs)
        return replace(self, runs=runs, ends=ends, done_at=done_at)

    def with_pasts(self, pasts: Mapping[str, Past]) -> "State":
        """Write down what is past of all jobs."""
        return self if pasts == self.pasts else replace(self, pasts=pasts)

    def with_past(self, job: str, past: Past) -> "State":
        """Write down what is past of a job."""
        return replace(self, pasts={**self.pasts, job: past})


def path(settings: Settings) -> Path:
    """Tell where it stands."""
    return settings.paths.data / "schedule.json"


def load(settings: Settings) -> State:
    """Read it; nothing is known before the first run. Raises WabenchError where it can't be read."""
    try:
        written = path(settings).read_bytes()
        return msgspec.json.decode(written, type=State) if written.strip() else State()
    except FileNotFoundError:
        return State()
    except (msgspec.MsgspecError, OSError) as error:
        raise WabenchError(f"{path(settings)} can't be read ({error}); move it away to begin anew") from None


def save(settings: Settings, state: State) -> None:
    """Write it, whole or not at all."""
    settings.paths.data.mkdir(parents=True, exist_ok=True)
    with appearing(path(settings)) as file:
        file.write(msgspec.json.encode(state))


def _kind(job: str) -> str:
    """Give the first word of a run's job: of campaigns, whatever they are called, "campaign"."""
    return job.partition(" ")[0]


class Book:
    """The state while a scheduler works: written whenever it has changed, and what happens is said in a line."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings, self.say = settings, say
        self.state = self._written = load(settings)

    def write(self) -> None:
        """Write what has changed since it was last written."""
        if self.state is not self._written:
            save(self._settings, self.state)
            self._written = self.state

    def begins(self, run: Run) -> None:
        """Note a run that begins."""
        self.state = self.state.with_run(run)
        self.say(f"{run.job}: begins")

    def ends(self, run: Run, outcome: Outcome, at: datetime, said: str) -> None:
        """Note how a run ended, and what it said of that, without what would tell who a customer is."""
        said = _CUSTOMER.sub("a customer", without_identities(said))
        self.state = self.state.with_end(run, outcome, at, said)
        took = f"{(at - run.started_at).total_seconds():.0f} s"
        self.say(f"{run.job}: {outcome} after {took}{f' ({said})' if said else ''}")
