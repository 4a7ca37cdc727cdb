"""Pull configured sources into landing, each going on where its last landed page says it stopped."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import msgspec

from ingest import landing, rest
from ingest.landing import LandingLog
from wabench.errors import UsageError, WabenchError
from wabench.settings import Settings, StreamSettings

TIMEOUT = httpx.Timeout(60.0, connect=10.0)


@dataclass(slots=True)
class PullOutcome:
    """What one stream's pull did; `error` is the line that says why it ended early."""

    source: str
    stream: str
    pages: int = 0
    records: int = 0
    resumed: bool = False
    error: str | None = None


Progress = Callable[[PullOutcome], None]


class _Run(msgspec.Struct):
    """One pull of a stream, as every page of it carries it: what it asks for, when it began, where it goes on."""

    started_at: datetime
    since: datetime | None = None
    next: rest.Cursor | None = None


def pull(
    settings: Settings,
    names: list[str] | None = None,
    full: bool = False,
    *,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = landing.utc_now,
    progress: Progress | None = None,
) -> list[PullOutcome]:
    """Pull each stream of the named sources (default: all); `full` asks for everything again.

    A source that fails does not stop the others: its outcome says why, and the next pull goes on from its last page.
    Raises UsageError for a name that is in no `[sources.NAME]`.
    """
    for name in names or ():
        if name not in settings.sources:
            raise UsageError(f"wabench.toml has no [sources.{name}]; it has {', '.join(settings.sources) or 'none'}")
    outcomes = []
    with httpx.Client(timeout=TIMEOUT, transport=transport) as client:
        for name in names or settings.sources:
            token = settings.secret(f"source_{name}_token")
            api = rest.Api(name, settings.sources[name], token, client, sleep)
            for stream in settings.sources[name].streams:
                outcome = PullOutcome(name, stream)
                outcomes.append(outcome)
                try:
                    _pull_stream(settings, api, outcome, full, clock, progress)
                except WabenchError as error:
                    outcome.error = str(error)
    return outcomes


def _pull_stream(
    settings: Settings,
    api: rest.Api,
    outcome: PullOutcome,
    full: bool,
    clock: Callable[[], datetime],
    progress: Progress | None,
) -> None:
    table = api.source.stream(outcome.stream)
    assert table is not None  # noqa: S101 - the caller walks the configured streams
    last = None if full else _last_run(settings, outcome)
    if last is not None and last.started_at > clock():
        last = None  # it was begun by a clock that ran ahead; to trust it would be to pull nothing until then
    if last is not None and last.next is not None:
        run, outcome.resumed = last, True
    else:
        overlap = timedelta(seconds=api.source.overlap_seconds)
        run = _Run(started_at=clock(), since=last.started_at - overlap if last else None)
    log = LandingLog(settings.paths.landing / outcome.source / outcome.stream, clock=clock)
    try:
        try:
            _land_pages(api, table, run, log, outcome, progress)
        except rest.PageRefused:
            if not outcome.resumed or outcome.pages:
                raise
            run.next, outcome.resumed = None, False  # the place it stopped at has expired: from the run's beginning
            _land_pages(api, table, run, log, outcome, progress)
    finally:
        log.close()


def _land_pages(
    api: rest.Api, table: StreamSettings, run: _Run, log: LandingLog, outcome: PullOutcome, progress: Progress | None
) -> None:
    for page in rest.pages(api, table, run.since, run.next):
        run.next = page.next
        log.append(page.body, pull=msgspec.to_builtins(run))
        log.commit()
        outcome.pages += 1
        outcome.records += page.records
        if progress:
            progress(outcome)


def _last_run(settings: Settings, outcome: PullOutcome) -> _Run | None:
    """Read where the last pull stopped off the last page that landed: there is no second store to disagree with it."""
    for file in reversed(landing.files(settings.paths.landing, outcome.source, outcome.stream)):
        if file.is_batch or not (line := landing.last_line(file.path)):
            continue
        try:
            said = landing.decode_envelope(line).pull
            return msgspec.convert(said, _Run) if said else None
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise WabenchError(f"{file.path}: its last line is damaged; pull with --full") from None
    return None
