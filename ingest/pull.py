"""Pull configured sources into landing, each going on where its last landed page says it stopped."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import msgspec

from ingest import landing, sources
from ingest.landing import LandingLog
from ingest.sources.base import Api, Cursor, Page, PageRefused
from wabench.errors import UsageError, WabenchError
from wabench.settings import Settings

TIMEOUT = httpx.Timeout(60.0, connect=10.0)

FULL_EVERY_DAYS = 7
"""How often everything is asked for again where that alone shows what was deleted, and the settings don't say."""

UNFORESEEN = (
    LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, msgspec.MsgspecError,
    httpx.InvalidURL,
)  # fmt: skip
"""What reading an answer may raise that is not as documented, whatever it is."""


@dataclass(slots=True)
class PullOutcome:
    """What one feed's pull did; `error` is the line that says why it ended early."""

    source: str
    stream: str
    pages: int = 0
    records: int = 0
    resumed: bool = False
    error: str | None = None


Progress = Callable[[PullOutcome], None]


class _Run(msgspec.Struct):
    """One pull of a feed, as every page of it carries it: what it asks for, when it began, where it goes on."""

    started_at: datetime
    as_of: datetime | None = None
    """When it began by the source's clock, where ours is ahead of it: what changes from then on is the next pull's."""
    since: datetime | None = None
    next: Cursor | None = None
    is_full: bool = False
    """Whether what it does not show is deleted."""
    full_at: datetime | None = None
    """When the last pull that asked for everything began: this one, or one before."""
    shop: str | None = None
    """Whose list it is (`sources.identity`); None on pages that landed before this was kept."""
    seen: int | None = None
    """Records so far, of its earlier parts too where it was resumed; None where these did not count."""
    confirmed: bool = False
    """Whether a person asked for everything."""


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
    """Pull each feed of the named sources (default: all); `full` asks for everything again.

    A source that fails does not stop the others: its outcome says why, and the next pull goes on from its last page.
    Raises UsageError for a name that is in no `[sources.NAME]`, and for a source that is wrongly described.
    """
    for name in names or ():
        if name not in settings.sources:
            raise UsageError(f"wabench.toml has no [sources.{name}]; it has {', '.join(settings.sources) or 'none'}")
    kinds = {name: sources.check(name, settings.sources[name]) for name in names or settings.sources}
    outcomes = []
    with httpx.Client(timeout=TIMEOUT, transport=transport) as client:
        for name, kind in kinds.items():
            secrets = settings.source_secrets(name, kind.secrets)
            api = Api(name, kind, settings.sources[name], client, secrets, sleep, clock)
            outcomes += [_outcome(settings, api, feed, full, progress) for feed in sources.feeds(api.settings)]
    return outcomes


def _outcome(settings: Settings, api: Api, feed: str, full: bool, progress: Progress | None) -> PullOutcome:
    outcome = PullOutcome(api.name, feed)
    try:
        _pull_feed(settings, api, outcome, full, progress)
    except WabenchError as error:
        outcome.error = str(error)
    return outcome


def _pull_feed(settings: Settings, api: Api, outcome: PullOutcome, full: bool, progress: Progress | None) -> None:
    api.begin()
    run = _run(settings, api, outcome, full)
    outcome.resumed = run.next is not None
    log = LandingLog(settings.paths.landing / outcome.source / outcome.stream, clock=api.clock)
    try:
        try:
            _land_pages(api, run, log, outcome, progress)
        except PageRefused:
            if not outcome.resumed or outcome.pages:
                raise
            run.next, run.seen, outcome.resumed = None, 0, False  # its place has expired: from the run's beginning
            _land_pages(api, run, log, outcome, progress)
    finally:
        log.close()


def _run(settings: Settings, api: Api, outcome: PullOutcome, full: bool) -> _Run:
    """Go on with the run that stopped, as what it was; else begin one, of everything where that is asked for or due."""
    now, shop = api.clock(), sources.identity(api.settings, outcome.stream)
    last = None if full else _last_run(settings, outcome, now)
    if last is not None and last.shop not in (None, shop):
        last = None  # the address or what it is asked for is another one's now, whose history was never pulled
    if last is not None and last.next is not None:
        return last
    begun = _Run(now, full_at=now, shop=shop, seen=0, confirmed=full)
    if last is None or _is_full_due(api, outcome.stream, last, now):
        begun.is_full = api.source.is_whole(api.settings, outcome.stream)
        return begun
    begun.since = (last.as_of or last.started_at) - timedelta(seconds=api.settings.overlap_seconds)
    begun.full_at = last.full_at
    return begun


def _is_full_due(api: Api, feed: str, last: _Run, now: datetime) -> bool:
    days = api.settings.full_every_days
    if days is None:
        is_needed = api.source.is_whole(api.settings, feed) and not api.source.tells_deletions
        days = FULL_EVERY_DAYS if is_needed else 0
    return days > 0 and (last.full_at is None or not timedelta() <= now - last.full_at < timedelta(days=days))


def _land_pages(api: Api, run: _Run, log: LandingLog, outcome: PullOutcome, progress: Progress | None) -> None:
    for page in _pages(api, run, outcome.stream):
        if not outcome.resumed and not outcome.pages:
            run.as_of = min(run.as_of or run.started_at, api.server_time or run.started_at)
        run.next = page.next
        run.seen = None if run.seen is None else run.seen + page.records
        log.append(page.body, valid_json=landing.is_json(page.body), pull=msgspec.to_builtins(run))
        log.commit()
        outcome.pages += 1
        outcome.records += page.records
        if progress:
            progress(outcome)


def _pages(api: Api, run: _Run, feed: str) -> Iterator[Page]:
    """Ask for page after page; what can't be read ends this feed alone."""
    try:
        yield from api.source.pages(api, feed, run.since, run.next)
    except UNFORESEEN as error:
        raise WabenchError(f"source {api.name} answered what is not documented ({api.hide(repr(error))})") from error


def _last_run(settings: Settings, outcome: PullOutcome, now: datetime) -> _Run | None:
    """Read where the last pull stopped off the last page that landed: there is no second store to disagree with it.

    One begun by a clock that ran ahead is passed over: to trust it would be to pull nothing until then.
    """
    for file in reversed(landing.files(settings.paths.landing, outcome.source, outcome.stream)):
        if file.is_batch or not (line := landing.last_line(file.path)):
            continue
        try:
            said = landing.decode_envelope(line).pull
            run = msgspec.convert(said, _Run) if said else None
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise WabenchError(f"{file.path}: its last line is damaged; pull with --full") from None
        if run is None or run.started_at <= now:
            return run
    return None
