"""One refresh: pull, load, settle, copy the ledger, build and test the models, publish.

A failing test publishes nothing; whatever happens, the run leaves its outcome row.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ingest import history, loader
from ingest.pull import PullOutcome, pull
from wabench import dbt, parquet, publish, published, runs, segments, snapshots
from wabench.campaigns import judging, ledger, plan, reconcile, snapshot
from wabench.campaigns.judging import Known
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.stages import Stage
from wabench.dbt import Engine
from wabench.errors import Busy, WabenchError
from wabench.locks import held
from wabench.publish import Run
from wabench.settings import ROOT, Settings

ROWS_SHOWN = 5
_PATIENCE = 10.0  # seconds; a killed refresh's dbt lets go of the warehouse well within

Progress = Callable[[str, int, int], None]
"""Called with the step, what is done of it and how much there is to do; 0 of 0 while that is not known."""


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that found rows it should not: how many, where they are, and the first of them."""

    test: str
    model: str | None
    failures: int | None
    message: str | None
    relation: str | None
    rows: tuple[dict[str, Any], ...]


class TestsFailed(WabenchError):
    """The data is not right, so nothing was published; `failed` says which rows."""

    __test__ = False

    def __init__(self, failed: tuple[FailedTest, ...]) -> None:
        self.failed = failed
        first = failed[0]
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        where = f"; all its rows are in {first.relation} of data/warehouse.duckdb" if first.relation else ""
        seen = f" ({', '.join(f'{k}={v}' for k, v in first.rows[0].items() if v is not None)})" if first.rows else ""
        what = f"{first.failures} rows" if first.failures else first.message
        super().__init__(f"nothing published: test {first.test}{more} failed with {what}{seen}{where}")


@dataclass(slots=True)
class Outcome:
    """What a refresh did: `seconds` by step, `loaded` new rows by raw table, `rows` by mart, customers by tag.

    `errors` names the sources that could not be pulled; what they had brought before was refreshed all the same.
    `returned` counts the rows that sources still have of people who were erased here; they were kept out.
    """

    run_id: str
    as_of: datetime
    version: str | None = None
    errors: list[str] = field(default_factory=list)
    loaded: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    returned: dict[str, int] = field(default_factory=dict)
    settled: int = 0
    tests: int = 0
    marts: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    tags: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def refresh(
    settings: Settings,
    as_of: datetime | None = None,
    full: bool = False,
    progress: Progress | None = None,
    engine: Engine = Engine.DUCKDB,
) -> Outcome:
    """Bring everything up to date and publish it; `full` builds the models from scratch, as Spark does anyway.

    `as_of` (aware) ends the trailing windows, by default now. Raises Busy while another process has the warehouse,
    TestsFailed where a test found rows, WabenchError where a model could not be built.
    """
    with held(settings.paths.warehouse_lock, "refresh"):
        now = datetime.now(UTC)
        run = _begin(settings, now.replace(tzinfo=None), (as_of or now).astimezone(UTC).replace(tzinfo=None))
        outcome = Outcome(run.run_id, run.as_of)
        try:
            for step, work in _STEPS.items():
                began = time.monotonic()
                _note(settings, run, step=step)
                work(_Work(settings, run, outcome, full, engine, progress or _silent, step))
                outcome.seconds[step] = round(time.monotonic() - began, 2)
        except BaseException as error:
            reason = str(error) if isinstance(error, WabenchError) else f"{type(error).__name__}: {error}"
            _note(settings, run, status="failed", finished_at=_now(), error=reason)
            raise
        _note(settings, run, status="published", finished_at=_now(), version=outcome.version)
    return outcome


def settle(settings: Settings) -> int:
    """Load what came back, take opt-outs and opt-ins to the ledger and settle unknown sends; gives how many settled.

    Raises Busy during a refresh.
    """
    with held(settings.paths.warehouse_lock, "settling"):
        _open(settings).close()
        loader.load(settings)
        return _settle(settings)


def waiting(settings: Settings, campaign: Campaign) -> tuple[Stage | None, Known | None]:
    """Give the stage the rest of a campaign waits for, and what is known of it: nothing during a refresh."""
    with ledger.opened(settings) as opened:
        stage = judging.waiting(opened, campaign)
        if stage is None:
            return None, None
        try:
            with held(settings.paths.warehouse_lock, "looking"), _opened(settings) as warehouse:
                is_rehearsal = plan.rehearses(settings, campaign.provider)
                return stage, judging.knowledge(opened, warehouse, campaign, stage, is_rehearsal)
        except Busy:
            return stage, None


@dataclass(frozen=True, slots=True)
class _Work:
    """What a step of one refresh works with."""

    settings: Settings
    run: Run
    outcome: Outcome
    full: bool
    engine: Engine
    progress: Progress
    step: str

    def told(self, done: int, total: int) -> None:
        self.progress(self.step, done, total)

    def node(self, name: str, done: int, total: int) -> None:
        self.told(done, total)


def _pull_sources(work: _Work) -> None:
    work.told(0, 0)
    outcomes: list[PullOutcome] = [*pull(work.settings), *history.pull(work.settings)]
    work.outcome.errors += [f"{o.source} {o.stream}: {o.error}" for o in outcomes if o.error]
    _note(work.settings, work.run, error="; ".join(work.outcome.errors) or None)  # so that the published copy has it


def _load(work: _Work) -> None:
    loaded = loader.load(work.settings, work.told)
    work.outcome.loaded, work.outcome.rejected, work.outcome.returned = loaded.rows, loaded.rejected, loaded.returned


def _settle_unknown(work: _Work) -> None:
    work.outcome.settled = _settle(work.settings)


def _copy_ledger(work: _Work) -> None:
    tables = snapshot.copy(work.settings)
    with _opened(work.settings) as connection:
        connection.execute("begin")
        for name, table in tables.items():
            connection.register("copied", table)
            connection.execute(f"delete from raw.{name}")  # noqa: S608 - the names are the ledger's own
            connection.execute(f"insert into raw.{name} by name select * from copied")  # noqa: S608
            connection.unregister("copied")
        connection.execute("commit")


def _build(work: _Work) -> None:
    """Build and test; from scratch also when what incremental models are made of has changed since the last time.

    The snapshot is left out of a refresh that looks back: what it knows of later would be contradicted.
    """
    with _opened(work.settings) as connection:
        snapshots.prepare(work.settings, connection)
        is_next = snapshots.is_next(connection, work.run.as_of, work.run.started_at)
    if work.engine is Engine.SPARK:
        _judge(work, _build_on_spark(work, is_next))
        return
    marker, mark = _marker(work.settings), _fingerprint(work.settings)
    is_changed = not marker.exists() or marker.read_text() != mark
    without = () if is_next else (snapshots.TABLE,)
    _judge(work, dbt.build(work.settings, work.run.as_of, work.full or is_changed, work.node, without=without))
    marker.write_text(mark)


def _build_on_spark(work: _Work, is_next: bool) -> dbt.Build:
    """Build there and take the marts; the snapshot is taken here, of these: Spark can't merge into Parquet."""
    settings, as_of = work.settings, work.run.as_of
    _marker(settings).unlink(missing_ok=True)  # marts that DuckDB would build on are Spark's now
    with parquet.lent(settings):
        done = dbt.build(settings, as_of, progress=work.node, engine=work.engine)
        with _opened(settings) as connection:
            parquet.take(settings, connection)
    done = replace(done, marts=(*done.marts, snapshots.TABLE))
    if done.failed or done.errors or not is_next:
        return done
    taken = dbt.build(settings, as_of, progress=work.node, only=(f"1+{snapshots.TABLE}",))
    return replace(done, tests=done.tests + taken.tests, errors=taken.errors)


def _judge(work: _Work, done: dbt.Build) -> None:
    """Keep what the tests said; whatever of them or of the models failed ends the refresh."""
    with _opened(work.settings) as connection:
        runs.keep_tests(connection, work.run, done.tests)
        counts = {"tests_passed": sum(t.status == "pass" for t in done.tests), "tests_failed": len(done.failed)}
        runs.note(connection, work.run, **counts)
        if done.failed:
            raise TestsFailed(tuple(_failed(connection, done.failed)))
        if done.errors:
            more = f" (and {len(done.errors) - 1} more)" if len(done.errors) > 1 else ""
            raise WabenchError(f"nothing published: {done.errors[0]}{more}; see {dbt.log(work.settings)}")
        marts = tuple(mart for mart in done.marts if mart != snapshots.TABLE or snapshots.exists(connection))
        work.outcome.tests, work.outcome.marts = len(done.tests), marts
        _drop_leftovers(connection, marts)
        _count(connection, work.outcome)
        rows = work.outcome.rows
        events = connection.execute("select count(*) from raw.message_events").fetchall()[0][0]
        runs.note(connection, work.run, events=events, orders=rows["fct_orders"], customers=rows["dim_customers"])


def _publish(work: _Work) -> None:
    work.outcome.version = publish.publish(work.settings, work.run, work.outcome.marts)
    try:
        with published.for_now(work.settings) as version:
            segments.history.note_all(work.settings, version)
    except (WabenchError, duckdb.Error, OSError) as error:  # published it is; only `segment diff` knows less
        work.outcome.errors.append(f"history of segments: {error}")


_STEPS: dict[str, Callable[[_Work], None]] = {
    "pull": _pull_sources,
    "load": _load,
    "settle": _settle_unknown,
    "ledger": _copy_ledger,
    "build": _build,
    "publish": _publish,
}


def _begin(settings: Settings, now: datetime, as_of: datetime) -> Run:
    with _opened(settings) as connection:
        run = Run(runs.new_id(connection, now), now, as_of)
        runs.start(connection, run, publish.version(settings))
    return run


def _note(settings: Settings, run: Run, **facts: datetime | str | None) -> None:
    with _opened(settings) as connection:
        runs.note(connection, run, **facts)


def _settle(settings: Settings) -> int:
    with _opened(settings) as connection:
        return reconcile.read_back(settings, connection)


def _failed(connection: duckdb.DuckDBPyConnection, failed: Iterable[dbt.DataTest]) -> Iterator[FailedTest]:
    for test in failed:
        rows: tuple[dict[str, Any], ...] = ()
        if test.relation and test.status == "fail":
            found = connection.sql(f"select * from {test.relation} limit {ROWS_SHOWN}")  # noqa: S608 - dbt's own name
            rows = tuple(found.to_arrow_table().to_pylist())
        yield FailedTest(test.test, test.model, test.failures, test.message, test.relation, rows)


def _drop_leftovers(connection: duckdb.DuckDBPyConnection, marts: Collection[str]) -> None:
    """Drop what a model that is gone has left among the marts."""
    sql = "select table_name, table_type from information_schema.tables where table_schema = 'marts'"
    for table, kind in connection.execute(sql).fetchall():
        if table not in marts:
            connection.execute(f'drop {"view" if kind == "VIEW" else "table"} marts."{table}"')


def _count(connection: duckdb.DuckDBPyConnection, outcome: Outcome) -> None:
    for table in ("dim_customers", "dim_identities", "fct_messages", "fct_orders", "fct_campaigns", "fct_alerts"):
        outcome.rows[table] = connection.execute(f"select count(*) from marts.{table}").fetchall()[0][0]  # noqa: S608
    for tag in ("frequency_tag", "order_value_tag", "engagement_tag"):
        sql = f"select {tag}, count(*) from marts.dim_customers group by 1 order by 2 desc, 1"  # noqa: S608
        outcome.tags[tag] = dict(connection.execute(sql).fetchall())


def _marker(settings: Settings) -> Path:
    """Tell where it stands of which models the warehouse is."""
    return settings.paths.data / "dbt" / "models.sha256"


def _fingerprint(settings: Settings) -> str:
    """Hash what the rows of incremental models depend on: their own code, what stands below it, the currency."""
    models = (path for path in (ROOT / "models").rglob("*.sql") if "marts" not in path.parts)
    used = sorted(p for p in models if "staging" in p.parts or "is_incremental()" in p.read_text(encoding="utf-8"))
    digest = hashlib.sha256(settings.currency.encode())
    for path in used:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with contextlib.closing(_open(settings)) as connection:
        yield connection


def _open(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the warehouse, waiting a little for who is about to let go of it."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return loader.connect(settings)
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise WabenchError(f"the warehouse can't be opened: {error}") from None
            if time.monotonic() > until:
                raise Busy(f"another program has the warehouse open, close it: {str(error).splitlines()[0]}") from None
            time.sleep(0.1)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _silent(step: str, done: int, total: int) -> None:
    """Report nothing."""
