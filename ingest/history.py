"""Read back from providers what their webhooks did not bring, each going on where its last landed page says it stopped.

A page lands verbatim and is loaded like a webhook: an event has the same id whichever way it came, so what came by both
is one row. How far back a pull reaches is told by the last pull alone: that webhooks come again after an outage does
not show that the outage had none.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import msgspec

from ingest import landing
from ingest.landing import LandingLog
from ingest.patience import Patience
from ingest.pull import PullOutcome
from wabench import accounts, providers
from wabench.accounts import Account
from wabench.errors import UsageError, WabenchError
from wabench.providers.base import Failed, History
from wabench.providers.errors import Unparsable
from wabench.settings import ProviderSettings, Settings

STREAM = "history"

Progress = Callable[[PullOutcome], None]


class _Run(msgspec.Struct):
    """One pull, as every page of it carries it: since when it asks, when it began, where it goes on."""

    started_at: datetime
    since: datetime
    next: str | None = None


class _Refused(WabenchError):
    """The provider will not answer this question, however often it is asked."""


@dataclass(frozen=True, slots=True)
class _Pull:
    """What one provider's pull works with."""

    account: Account
    history: History
    log: LandingLog
    outcome: PullOutcome
    progress: Progress | None


def has(settings: Settings, name: str) -> bool:
    """Tell whether there is a provider of that name whose history can be read with the options it has."""
    is_there = name in providers.names() and providers.get(name).history is not None
    return is_there and accounts.capabilities(settings, name).has_history


def due(settings: Settings, now: datetime) -> list[str]:
    """List the set-up providers whose history was not read for as long as their `history_every_hours` says."""
    return [name for name in _ready(settings) if accounts.problem(settings, name) or _is_due(settings, name, now)]


def pull(
    settings: Settings,
    names: Sequence[str] | None = None,
    full: bool = False,
    *,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = landing.utc_now,
    progress: Progress | None = None,
) -> list[PullOutcome]:
    """Pull the history of the named providers, by default of those it is due for; `full` asks for all again.

    One that fails does not stop the others: its outcome says why, and the next pull goes on from its last page.
    Raises UsageError for a provider without a history, or that is not set up.
    """
    for name in names or ():
        _must_have(settings, name)
    outcomes = []
    wanted = names if names is not None else _ready(settings) if full else due(settings, clock())
    for name in wanted:
        outcome = PullOutcome(name, STREAM)
        outcomes.append(outcome)
        outcome.error = accounts.problem(settings, name)
        if outcome.error:
            continue
        with accounts.opened(settings, name, transport, Patience(sleep, name)) as account:
            try:
                _pull_one(settings, account, outcome, full, clock, progress)
            except WabenchError as error:
                outcome.error = str(error)
    return outcomes


def _must_have(settings: Settings, name: str) -> None:
    accounts.find(name)
    if not has(settings, name):
        raise UsageError(f"nothing can be read back from {name}; {accounts.capabilities(settings, name).history}")


def _ready(settings: Settings) -> list[str]:
    """List the set-up providers with a history; a sandbox, which may well not run, is asked only by its name.

    One with a wrong option is among them: its pull fails and says so, and the others' are not stopped by it.
    """
    tables = settings.providers
    able = [name for name in accounts.configured(settings) if providers.get(name).history is not None]
    found = [name for name in able if accounts.problem(settings, name) or has(settings, name)]
    return [name for name in found if not accounts.is_rehearsal(tables[name].base_url or "https://")]


def _is_due(settings: Settings, name: str, now: datetime) -> bool:
    try:
        last = _last_run(settings, name, now)
    except WabenchError:
        return True  # the pull itself says what is wrong
    every = timedelta(hours=settings.providers[name].history_every_hours)
    return last is None or last.next is not None or not timedelta() <= now - last.started_at < every


def _pull_one(
    settings: Settings,
    account: Account,
    outcome: PullOutcome,
    full: bool,
    clock: Callable[[], datetime],
    progress: Progress | None,
) -> None:
    history = account.provider.history
    assert history is not None  # noqa: S101 - the caller has asked for it
    now = clock()
    last = None if full else _last_run(settings, outcome.source, now)
    outcome.resumed = last is not None and last.next is not None
    run = last if last and outcome.resumed else _begin(settings.providers[outcome.source], last, now)
    log = LandingLog(settings.paths.landing / outcome.source / STREAM, clock=clock)
    try:
        pulling = _Pull(account, history, log, outcome, progress)
        try:
            _land_pages(pulling, run)
        except _Refused:
            if not outcome.resumed or outcome.pages:
                raise
            run.next, outcome.resumed = None, False  # the place it stopped at has expired: from the run's beginning
            _land_pages(pulling, run)
    finally:
        log.close()


def _begin(table: ProviderSettings, last: _Run | None, now: datetime) -> _Run:
    """Begin a pull: from some time before the last one, since statuses change for as long; the first from far back."""
    if last is None:
        return _Run(now, now - timedelta(days=table.history_days))
    return _Run(now, last.started_at - timedelta(hours=table.history_overlap_hours))


def _land_pages(pulling: _Pull, run: _Run) -> None:
    for body, events, following in _pages(pulling, run):
        run.next = following
        pulling.log.append(body, valid_json=landing.is_json(body), pull=msgspec.to_builtins(run))
        pulling.log.commit()
        pulling.outcome.pages += 1
        pulling.outcome.records += events
        if pulling.progress:
            pulling.progress(pulling.outcome)


def _pages(pulling: _Pull, run: _Run) -> Iterator[tuple[bytes, int, str | None]]:
    """Ask for page after page: each with how many events are on it and where the list goes on, None on the last."""
    account, cursor = pulling.account, run.next
    first = _request(pulling, run, None)
    while True:
        response = account.follow(_request(pulling, run, cursor), first)
        if not response.is_success:
            raise _Refused(_refusal(account, response))
        try:
            events, following = pulling.history.read(response.content)
        except Unparsable as error:
            said = account.clean(str(error))
            raise WabenchError(f"{account.provider.name}: a page of its history can't be read: {said}") from None
        if following is not None and following == cursor:
            raise WabenchError(f"{account.provider.name}: a page of its history names itself as the next one")
        yield response.content, len(events), following
        if following is None:
            return
        cursor = following


def _request(pulling: _Pull, run: _Run, cursor: str | None) -> httpx.Request:
    with pulling.account.building():
        return pulling.history.request(pulling.account.channel, run.since, cursor)


def _refusal(account: Account, response: httpx.Response) -> str:
    failed = account.provider.outcome(response)
    said = account.why(failed) if isinstance(failed, Failed) else f"HTTP {response.status_code}"
    return f"{said}; the history is not read, `wabench provider check {account.provider.name}` says more"


def _last_run(settings: Settings, name: str, now: datetime) -> _Run | None:
    """Read where the last pull stopped off the last page that landed, past any begun by a clock that ran ahead."""
    for file in reversed(landing.files(settings.paths.landing, name, STREAM)):
        if not (line := landing.last_line(file.path)):
            continue
        try:
            said = landing.decode_envelope(line).pull
            run = msgspec.convert(said, _Run) if said else None
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise WabenchError(f"{file.path}: its last line is damaged; pull with --full") from None
        if run is None or run.started_at <= now:
            return run
    return None
