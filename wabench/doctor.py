"""What `wabench doctor` looks at: settings, stores, providers, how fresh what came is. It changes nothing."""

import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from wabench import accounts, locks, login, providers, publish, published
from wabench.campaigns import database, ledger
from wabench.campaigns.schema import SendState, replies, sends, templates
from wabench.errors import WabenchError
from wabench.roles import Role
from wabench.schedule import jobs, state
from wabench.settings import Settings

OK, WARNING, FAILED = "ok", "warning", "failed"
_LITTLE_DISK, _NO_DISK = 5 * 2**30, 2**29
_LONG_REFRESH = timedelta(hours=6)
_OLD_PUBLISHED = timedelta(hours=26)  # a day, and the time a refresh takes
_QUIET = timedelta(hours=24)
_OLD_TEMPLATES = timedelta(days=7)
_AHEAD = timedelta(minutes=5)
_LATE = timedelta(minutes=10)
_HEALTH = httpx.Timeout(1.0)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: `status` is ok, warning or failed; `do` says what to do about the latter two."""

    about: str
    status: str
    what: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class _Visit:
    """What one examination works with."""

    settings: Settings
    now: datetime
    transport: httpx.BaseTransport | None


Look = Callable[[_Visit], Iterator[Line]]


def examine(settings: Settings, now: datetime, transport: httpx.BaseTransport | None = None) -> list[Line]:
    """Look at everything; what can't be looked at is a line like any other."""
    visit = _Visit(settings, now, transport)
    lines: list[Line] = []
    for about, look in _LOOKS.items():
        try:
            lines += look(visit)
        except (OSError, WabenchError, SQLAlchemyError) as error:
            said = " ".join(str(error).split())[:300]
            lines.append(Line(about, FAILED, said, "see that it is readable and whole"))
    return lines


def _settings(visit: _Visit) -> Iterator[Line]:
    home = visit.settings.home
    written = "wabench.toml" if (home / "wabench.toml").exists() else "no wabench.toml, so the defaults"
    yield Line("settings", OK, f"{home}: {written}")
    env = home / ".env"
    if env.exists() and stat.S_IMODE(env.stat().st_mode) & 0o077:
        yield Line("settings", WARNING, f"{env} holds secrets and others here can read it", f"chmod 600 {env}")


def _login(visit: _Visit) -> Iterator[Line]:
    settings = visit.settings
    if not login.is_wanted(settings):
        yield Line("login", OK, "none, so the app answers on this machine alone")
        return
    try:
        login.check(settings, "127.0.0.1")
        with httpx.Client(transport=visit.transport, timeout=_HEALTH) as client:
            told = client.get(settings.login.server_metadata_url).raise_for_status().json()
        ends = {name for name in ("authorization_endpoint", "token_endpoint", "jwks_uri") if not told.get(name)}
    except WabenchError as error:
        yield Line("login", FAILED, str(error), "set it, or take [login] away")
        return
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        yield Line(
            "login", FAILED, f"the provider of logins does not answer ({error})", "see login.server_metadata_url"
        )
        return
    if ends:
        yield Line("login", FAILED, f"the provider tells no {min(ends)}", "see login.server_metadata_url")
        return
    held = Counter(settings.roles.values())
    people = ", ".join(f"{held[role]} {role}" for role in Role if held[role])
    nobody = "" if Role.ADMIN in held else "name an admin below [roles]: nobody can read the audit in the app"
    yield Line("login", WARNING if nobody else OK, f"the provider answers; lines of [roles]: {people}", nobody)


def _disk(visit: _Visit) -> Iterator[Line]:
    data = visit.settings.paths.data
    place = _existing(data)
    free = shutil.disk_usage(place).free
    what = f"{free / 2**30:.1f} GB free at {place}"
    status = FAILED if free < _NO_DISK else WARNING if free < _LITTLE_DISK else OK
    yield Line("disk", status, what, "" if status == OK else "free some: webhooks are refused on a full disk")
    if not os.access(place, os.W_OK):
        yield Line("disk", FAILED, f"{place} can't be written to", "see whose folder it is")


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _landing(visit: _Visit) -> Iterator[Line]:
    root = visit.settings.paths.landing
    torn = list(root.rglob("*.torn"))
    if root.exists() and not os.access(root, os.W_OK):
        yield Line("landing", FAILED, f"{root} can't be written to", "see whose folder it is")
    if torn:
        yield Line("landing", OK, f"{len(torn)} torn lines were set aside after crashes; none had been acknowledged")
    streams = _streams(root)
    if not streams:
        yield Line("landing", OK, "nothing has come yet")
    for (source, stream), at in streams.items():
        yield _freshness(visit, source, stream, at)


def _streams(root: Path) -> dict[tuple[str, str], datetime]:
    """Tell when something last came on each stream: an append-only file changes with its last line."""
    newest: dict[tuple[str, str], datetime] = {}
    for path in sorted(root.glob("*/*/*/*.ndjson")):
        key = path.parts[-4], path.parts[-3]
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        newest[key] = max(at, newest.get(key, at))
    return newest


def _freshness(visit: _Visit, source: str, stream: str, at: datetime) -> Line:
    about, what = f"{source} {stream}", f"last came {_ago(visit.now - at)} ago"
    if at > visit.now + _AHEAD:
        return Line(about, WARNING, "the last one came in the future", "set this machine's clock by NTP")
    is_pulled = source in visit.settings.sources or (source in visit.settings.providers and stream == "webhooks")
    if is_pulled and visit.now - at > _QUIET:
        do = "see that the receiver runs and is subscribed" if stream == "webhooks" else "see `wabench ingest`"
        return Line(about, WARNING, what, do)
    return Line(about, OK, what)


def _receiver(visit: _Visit) -> Iterator[Line]:
    settings = visit.settings
    wanted = [name for name in providers.names() if not accounts.missing_to_receive(settings, name)]
    if not wanted:
        return
    url = f"http://{settings.receive_host}:{settings.receive_port}/healthz"
    try:
        with httpx.Client(transport=visit.transport, timeout=_HEALTH, trust_env=False) as client:
            is_up = client.get(url).is_success
    except httpx.HTTPError:
        is_up = False
    if is_up:
        yield Line("receiver", OK, f"answers, for {', '.join(wanted)}")
    else:
        do = "start `wabench receive`, or look from where it runs"
        yield Line("receiver", WARNING, f"does not answer at {url}", do)


def _warehouse(visit: _Visit) -> Iterator[Line]:
    holder = locks.last(visit.settings.paths.warehouse_lock)
    if not visit.settings.paths.warehouse.exists():
        yield Line("warehouse", OK, "not made yet; `wabench refresh` makes it")
    elif holder is None or not holder.is_running:
        yield Line("warehouse", OK, "free")
    else:
        took = visit.now - holder.since.replace(tzinfo=UTC)
        what = f"held by {holder.purpose} for {_ago(took)}"
        do = "" if took < _LONG_REFRESH else "see whether it still works; stop it if not, nothing is lost"
        yield Line("warehouse", WARNING if do else OK, what, do)


def _published(visit: _Visit) -> Iterator[Line]:
    version = publish.version(visit.settings)
    if version is None:
        yield Line("published", WARNING, "nothing is published yet", "run `wabench refresh`")
        return
    file = published.current(visit.settings)
    age = visit.now - datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
    what = f"version {version}, {_ago(age)} old"
    is_old = age > _OLD_PUBLISHED
    yield Line("published", WARNING if is_old else OK, what, "run `wabench refresh`, or schedule it" if is_old else "")
    yield from _rejected(file)


def _rejected(file: published.Published) -> Iterator[Line]:
    if "rejected" not in file.columns("meta_sources"):
        return
    found = file.query("select source, rejected from meta_sources where rejected > 0").to_pylist()
    if not found:
        yield Line("rejected rows", OK, "none")
    for row in found:
        do = "see raw.rejected in data/warehouse.duckdb for the reasons"
        yield Line("rejected rows", WARNING, f"{row['rejected']:,} of {row['source']}", do)


def _schedule(visit: _Visit) -> Iterator[Line]:
    known, settings = state.load(visit.settings), visit.settings
    lines = {job: line for job in known.pasts if (line := str(getattr(settings.schedule, job, "")))}
    if not lines:
        yield Line("schedule", OK, "nothing has run by the clock yet; `wabench schedule` does")
        return
    for job, line in lines.items():
        past = known.pasts[job]
        due = jobs.next_at(line, past, visit.now, settings.zone)
        if past.failures:
            what = f"{job} failed {past.failures} times in a row: {known.said(job)}"
            yield Line("schedule", WARNING, what, f"see data/runs/{job}.log")
        elif visit.now - due > _LATE and not known.running:
            what = f"{job} has been due for {_ago(visit.now - due)}"
            yield Line("schedule", WARNING, what, "see that `wabench schedule` runs")
        else:
            yield Line("schedule", OK, f"{job} is next due at {due.astimezone(settings.zone):%Y-%m-%d %H:%M %Z}")


def _ledger(visit: _Visit) -> Iterator[Line]:
    if not ledger.exists(visit.settings):
        yield Line("ledger", OK, "not made yet; the first campaign makes it")
        return
    engine = database.engine(_read_only(visit.settings))
    try:
        with engine.connect() as connection:
            if engine.dialect.name == database.SQLITE:
                said: str = connection.execute(text("pragma quick_check")).scalar_one()
                if said != "ok":
                    yield Line("ledger", FAILED, f"damaged: {said}", "stop sending; restore it from a backup")
                    return
            waiting = select(func.count()).where(sends.c.state == SendState.UNKNOWN)
            unknown = connection.execute(waiting).scalar_one()
            claimed = connection.execute(select(func.count()).where(sends.c.state == SendState.CLAIMED)).scalar_one()
            unsaid = _unknown_replies(connection)
    finally:
        engine.dispose()
    yield Line("ledger", OK, f"whole; {claimed} sends under way")
    if unknown:
        do = "`wabench campaign status NAME` lists them; a refresh settles what was told since"
        yield Line("ledger", WARNING, f"{unknown} sends are unknown: they may have been delivered", do)
    if unsaid:
        do = "a refresh settles what was told since; see the rest on the Support page before you answer again"
        yield Line("ledger", WARNING, f"{unsaid} replies are unknown: they may have been delivered", do)


def _unknown_replies(connection: Connection) -> int:
    """Count replies that may have been sent; a ledger of an older version has none."""
    if not inspect(connection).has_table(replies.name):
        return 0
    waiting = select(func.count()).where(replies.c.state == SendState.UNKNOWN)
    return int(connection.execute(waiting).scalar_one())


def _read_only(settings: Settings) -> str:
    """Give the ledger's address for reading: a file that nobody has open is read without the locks' files beside it."""
    path = settings.paths.ledger
    is_open = path.with_name(f"{path.name}-wal").exists()
    return settings.ledger_url or f"sqlite:///file:{path}?uri=true&{'mode=ro' if is_open else 'immutable=1'}"


def _providers(visit: _Visit) -> Iterator[Line]:
    ready = {name for name in providers.names() if not accounts.missing_to_receive(visit.settings, name)}
    for name in sorted({*visit.settings.providers, *ready}):
        if name not in providers.names():
            known = ", ".join(providers.names())
            yield Line(f"provider {name}", FAILED, "there is no such provider", f"there are {known}: see wabench.toml")
        elif wrong := accounts.problem(visit.settings, name):
            yield Line(f"provider {name}", FAILED, wrong, "correct it in wabench.toml; the others go on without it")
        else:
            yield from _provider(visit, name)


def _provider(visit: _Visit, name: str) -> Iterator[Line]:
    settings, is_set_up = visit.settings, name in visit.settings.providers
    missing = accounts.missing_secrets(settings, name)
    if is_set_up and missing:
        yield Line(f"provider {name}", WARNING, "not ready to send", f"set {', '.join(missing)} in .env")
    if is_set_up and (lacking := accounts.missing_to_receive(settings, name)):
        do = f"set {', '.join(lacking)} in .env: statuses, replies and opt-outs are lost without"
        yield Line(f"webhooks of {name}", WARNING, "none can be checked", do)
    yield _history(visit, name)
    if is_set_up and not missing and accounts.lists_templates(settings, name):
        yield _template_age(visit, name)


def _history(visit: _Visit, name: str) -> Line:
    """Say what can be read back after an outage, and, where nothing can, what that asks for."""
    can = accounts.capabilities(visit.settings, name)
    says = can.history
    if providers.get(name).history is None or not can.has_history:
        return Line(f"history of {name}", OK, f"{says}; so keep `wabench receive` running")
    at = _streams(visit.settings.paths.landing).get((name, "history"))
    read = f"read {_ago(visit.now - at)} ago" if at else "never read yet; `wabench refresh` does"
    return Line(f"history of {name}", OK, f"{says}; {read}")


def _template_age(visit: _Visit, name: str) -> Line:
    about, do = f"templates of {name}", f"run `wabench template sync {name}`"
    if not ledger.exists(visit.settings):
        return Line(about, WARNING, "never read", do)
    engine = database.engine(_read_only(visit.settings))
    try:
        with engine.connect() as connection:
            newest = select(func.max(templates.c.told_at)).where(templates.c.provider == name)
            at: datetime | None = connection.execute(newest).scalar_one()
    except SQLAlchemyError:  # a ledger of an older version has no such table
        at = None
    finally:
        engine.dispose()
    if at is None:
        return Line(about, WARNING, "never read", do)
    age = visit.now - at
    is_old = age > _OLD_TEMPLATES
    return Line(about, WARNING if is_old else OK, f"last told {_ago(age)} ago", do if is_old else "")


def _ago(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


_LOOKS: dict[str, Look] = {
    "settings": _settings,
    "login": _login,
    "disk": _disk,
    "landing": _landing,
    "receiver": _receiver,
    "warehouse": _warehouse,
    "published": _published,
    "schedule": _schedule,
    "ledger": _ledger,
    "providers": _providers,
}
