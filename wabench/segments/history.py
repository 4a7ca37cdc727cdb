"""What segments have been: `data/segments.ndjson`, a line whenever a rule or its size was seen to be another.

Lines are only ever added, each in one write. A refresh adds one for each segment, a save from the app for its own; so a
rule changed by hand is known from the next refresh on.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from wabench.disk import make_folder, sync
from wabench.errors import UsageError, WabenchError
from wabench.published import Published, current
from wabench.segments import files
from wabench.segments.queries import count
from wabench.segments.rules import Rule, Sql, parse, rule_hash, to_data
from wabench.settings import Settings


@dataclass(frozen=True, slots=True)
class Seen:
    """A segment as it was at a moment (naive UTC, ISO): its rule, and where it was counted its size on a version."""

    name: str
    at: str
    rule_hash: str
    rule: dict[str, object]
    version: str | None = None
    as_of: str | None = None
    customers: int | None = None
    reachable: int | None = None


def note(settings: Settings, name: str, now: datetime | None = None) -> None:
    """Write down a segment's rule as it is now, if it was another before."""
    rule = files.load(settings, name).where
    last = _last(read(settings, name))
    if last is None or last.rule_hash != rule_hash(rule):
        _add(settings, [Seen(name, _iso(now), rule_hash(rule), to_data(rule))])


def note_all(settings: Settings, of: Published | None = None, now: datetime | None = None) -> int:
    """Write down rule and size of every segment that can be counted on a published version; gives how many."""
    version = of or current(settings)
    seen = []
    for name in files.names(settings):
        try:
            rule = files.load(settings, name).where
            counts = count(settings, rule, version)
        except WabenchError:
            continue  # `segment check` says what is wrong with it
        seen.append(
            Seen(
                name,
                _iso(now),
                rule_hash(rule),
                to_data(rule),
                version.version,
                version.as_of.isoformat(),
                counts.customers,
                counts.reachable,
            )
        )
    _add(settings, seen)
    return len(seen)


def read(settings: Settings, name: str | None = None) -> list[Seen]:
    """Read what is known, oldest first, of one segment or of all; a line torn by a power cut is passed over."""
    path = settings.paths.segment_history
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        seen = [each for line in file if (each := _seen(line)) is not None]
    return [each for each in seen if name is None or each.name == name]


def rule_at(settings: Settings, name: str, at: datetime) -> tuple[Rule, str]:
    """Give the rule a segment had at a moment (naive UTC), and since when it is known to have had it.

    Before the first line it is the first one's, for nothing older is known; without any line it is the file's.
    """
    seen = read(settings, name)
    if not seen:
        return files.load(settings, name).where, "never seen before: the rule of today's file"
    before = [each for each in seen if each.at <= at.isoformat()]
    chosen = before[-1] if before else seen[0]
    since = next(each.at for each in seen if each.rule_hash == chosen.rule_hash)
    return _rule(chosen), since if before else f"{since}, the first known"


def size_before(settings: Settings, name: str, version: str) -> int | None:
    """Give the size a segment had on the newest published version before this one, None where none is known."""
    sizes = [each for each in read(settings, name) if each.version and each.version < version]
    return sizes[-1].customers if sizes else None


def _rule(seen: Seen) -> Rule:
    if "sql" in seen.rule:
        return Sql(str(seen.rule["sql"]))
    problems: list[str] = []
    rule = parse(seen.rule, problems)
    if rule is None:
        raise UsageError(f"the rule {seen.name} had at {seen.at} can't be read any more: {problems[0]}")
    return rule


def _add(settings: Settings, seen: Iterable[Seen]) -> None:
    lines = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in seen)
    if not lines:
        return
    path = settings.paths.segment_history
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        if _is_torn(file.fileno()):
            lines = "\n" + lines
        os.write(file.fileno(), lines.encode())
        os.fsync(file.fileno())
    sync(path.parent)


def _is_torn(descriptor: int) -> bool:
    """Tell whether the last line has no end."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _seen(line: str) -> Seen | None:
    try:
        return Seen(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _last(seen: list[Seen]) -> Seen | None:
    return seen[-1] if seen else None


def _iso(now: datetime | None) -> str:
    moment = now or datetime.now(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds")
