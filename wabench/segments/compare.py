"""Segments beside each other and beside what they were: overlap, who came and who left, and what a shop expects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from wabench import published
from wabench.errors import UsageError, WabenchError
from wabench.published import Published
from wabench.segments import compiler, expectations, files, history, moments, sets
from wabench.segments.compiler import compile_rules
from wabench.segments.fields import Catalog
from wabench.segments.queries import catalog, count
from wabench.segments.rules import Leaf, Rule, Sql, leaves, rule_hash
from wabench.settings import Settings

_MOST = 12
_SAMPLE = 20
_TAGS_SINCE = "select min(dbt_valid_from) as since from snap_customer_tags"


@dataclass(frozen=True, slots=True)
class Shared:
    """What two segments have in common; shares are of each one's customers, None of an empty one."""

    first: str
    second: str
    both: int
    jaccard: float | None
    share_of_first: float | None
    share_of_second: float | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Sizes of segments, what each two share, and who is in all and in any of them, of `total` customers."""

    sizes: dict[str, int]
    shared: tuple[Shared, ...]
    in_all: int
    in_any: int
    total: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Customers who came, left, stayed, or of whom it can't be told, by cause: `data` or `rule`; and some of them."""

    change: str
    cause: str | None
    customers: int
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A segment at two moments.

    `not_kept` are fields of its rules whose past nobody wrote down; tags and consent are known from `tags_since` on.
    """

    segment: str
    since: datetime
    until: datetime
    rule_before: str
    rule_after: str
    rule_before_since: str
    moved: tuple[Moved, ...]
    not_kept: tuple[str, ...]
    tags_since: datetime | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A segment's size, the one before, and everything that is wrong with it."""

    segment: str
    customers: int | None
    before: int | None
    problems: tuple[str, ...]


def overlap(settings: Settings, rules: dict[str, Rule], of: Published | None = None) -> Overlap:
    """Count what segments have in common, two to twelve of them by their names."""
    if not 2 <= len(rules) <= _MOST:
        raise UsageError(f"an overlap is of 2 to {_MOST} segments, not {len(rules)}")
    version = of or published.current(settings)
    compiled = compile_rules(list(rules.values()), catalog(settings, version))
    names = [f"r{n}" for n in range(len(rules))]
    pairs = list(combinations(names, 2))
    cells = [f"count(*) filter (where {name}) as {name}" for name in names]
    cells += [f"count(*) filter (where {a} and {b}) as {a}_{b}" for a, b in pairs]
    cells += [f"count(*) filter (where {' and '.join(names)}) as in_all"]
    cells += [f"count(*) filter (where {' or '.join(names)}) as in_any", "count(*) as total"]
    judged = ", ".join(f"{pair.decided} as {name}" for name, pair in zip(names, compiled.rules, strict=True))
    sql = f"{compiled.people}, judged as (select {judged} from people) select {', '.join(cells)} from judged"  # noqa: S608
    row = version.one(sql, compiled.params, sets.tables(version, compiled))
    words = dict(zip(names, rules, strict=True))
    return Overlap(
        {words[name]: row[name] for name in names},
        tuple(_shared(words[a], words[b], row[a], row[b], row[f"{a}_{b}"]) for a, b in pairs),
        row["in_all"],
        row["in_any"],
        row["total"],
    )


def diff(
    settings: Settings, name: str, since: str, until: str | None = None, of: Published | None = None
) -> Difference:
    """Tell who came to a segment and who left it between two moments, by changed data and by changed rule."""
    version = of or published.current(settings)
    now = catalog(settings, version)
    before = moments.parse(since, now)
    after = moments.parse(until, now) if until else now.as_of
    if before >= after:
        raise UsageError("--from is not before --to")
    old, known_since = history.rule_at(settings, name, before)
    new = history.rule_at(settings, name, after)[0] if until else files.load(settings, name).where
    if isinstance(old, Sql) or isinstance(new, Sql):
        raise UsageError(f"{name} is a SQL segment, which is of today's data; only rules can be told for a moment")
    moved = _moved(settings, version, (old, new), before, after if until else None)
    not_kept = tuple(sorted(_not_kept(settings, version, (old, *((new,) if until else ())), before)))
    tags_since: datetime | None = version.one(_TAGS_SINCE)["since"]
    hashes = rule_hash(old), rule_hash(new)
    return Difference(name, before, after, *hashes, known_since, tuple(moved), not_kept, tags_since)


def check(settings: Settings, name: str, against: Catalog, of: Published) -> Checked:
    """Check a segment: how it is written, what it asks for, and what its shop expects of it."""
    path = settings.paths.segments / f"{name}.yml"
    if not path.is_file():
        files.load(settings, name)
    segment, found = files.read(path)
    if segment is None:
        return Checked(name, None, None, tuple(found))
    if found := compiler.problems(segment.where, against):
        return Checked(name, None, None, tuple(found))
    try:
        counts = count(settings, segment.where, of)
    except WabenchError as error:
        return Checked(name, None, None, (str(error),))
    before = history.size_before(settings, name, of.version)
    broken = expectations.broken(segment.expect, counts.customers, counts.opted_out, before)
    return Checked(name, counts.customers, before, tuple(broken))


def _moved(
    settings: Settings, version: Published, rules: tuple[Rule, Rule], before: datetime, after: datetime | None
) -> list[Moved]:
    """Ask both moments; `after` None is now, where every field is known."""
    was = moments.compile_at(rules[:1], _then(settings, version, before))
    sql = f"{was.people} select customer_id, {was.decided} as is_in from people"  # noqa: S608 - the compiler's words
    table = version.query(sql, was.params, sets.tables(version, was))
    if after is None:
        is_now = compile_rules(rules, catalog(settings, version))
    else:
        is_now = moments.compile_at(rules, _then(settings, version, after))
    old, new = is_now.rules
    template = (Path(__file__).parent / "diff.sql").read_text(encoding="utf-8")
    filled = template.replace("{people}", is_now.people).replace("{old}", old.decided).replace("{new}", new.decided)
    rows = version.query(
        filled, {**is_now.params, "size": _SAMPLE}, {**sets.tables(version, is_now), "was": table}
    ).to_pylist()
    return [Moved(row["change"], row["cause"], row["customers"], tuple(row["sample"])) for row in rows]


def _then(settings: Settings, version: Published, at: datetime) -> Catalog:
    return moments.catalog_at(settings, at, version, lambda name: history.rule_at(settings, name, at)[0])


def _not_kept(settings: Settings, version: Published, rules: Sequence[Rule], at: datetime) -> set[str]:
    against = _then(settings, version, at)
    whole = [rule for each in rules for rule in (each, *compiler.named(each, against).values())]
    fields = {leaf.field for rule in whole for _, leaf in leaves(rule) if isinstance(leaf, Leaf)}
    return fields - (against.kept or frozenset())


def _shared(first: str, second: str, size: int, other: int, both: int) -> Shared:
    def share(whole: int) -> Any:
        return both / whole if whole else None

    return Shared(first, second, both, share(size + other - both), share(size), share(other))
