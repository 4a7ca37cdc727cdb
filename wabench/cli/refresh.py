"""`wabench refresh`: everything brought up to date, tested and published."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from wabench import refresh as refresh_module
from wabench import settings as settings_module
from wabench.cli import console
from wabench.dbt import Engine
from wabench.errors import UsageError, WabenchError
from wabench.refresh import Outcome, TestsFailed
from wabench.settings import Settings


def refresh(
    full: Annotated[bool, typer.Option(help="build every model from scratch, not only what is new")] = False,
    as_of: Annotated[str | None, typer.Option(help="end trailing windows here: a date (its 00:00 UTC) or time")] = None,
    target: Annotated[Engine, typer.Option(help="what builds the models")] = Engine.DUCKDB,
    json: console.Json = False,
) -> None:
    """Pull and load what is new, build and test the models, publish them.

    Example: wabench refresh --as-of 2026-07-01
    """
    settings = settings_module.load()
    moment = _moment(as_of) if as_of else None
    try:
        outcome = _run(settings, moment, full, target)
    except TestsFailed as error:
        console.show_json({"error": str(error), "failed": [asdict(t) for t in error.failed]}) if json else _complain(
            error
        )
        raise
    console.show_json(asdict(outcome)) if json else _show(outcome)
    if outcome.errors:
        more = f" (and {len(outcome.errors) - 1} more)" if len(outcome.errors) > 1 else ""
        raise WabenchError(f"published, but without what is new in {outcome.errors[0]}{more}")


def _run(settings: Settings, as_of: datetime | None, full: bool, engine: Engine) -> Outcome:
    with console.progress() as bars:
        task = bars.add_task("refresh", total=None)

        def show(step: str, done: int, total: int) -> None:
            bars.update(task, description=step, completed=done, total=total or None)

        return refresh_module.refresh(settings, as_of, full, show, engine)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of {text}: write a date like 2026-07-01 or a time like 2026-07-01T12:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _complain(error: TestsFailed) -> None:
    for test in error.failed:
        console.show_table(
            test.rows or [{"message": test.message}], f"{test.test} ({test.model}): {test.failures} rows"
        )


def _show(outcome: Outcome) -> None:
    tags: dict[str, Any] = {
        name: ", ".join(f"{tag} {customers:,}" for tag, customers in sizes.items())
        for name, sizes in outcome.tags.items()
    }
    facts = {
        "published": outcome.version,
        "as of": f"{outcome.as_of:%Y-%m-%d %H:%M:%S} UTC",
        "loaded": ", ".join(f"{rows:,} {table}" for table, rows in outcome.loaded.items()) or "nothing new",
        "rejected": f"{outcome.rejected:,}",
        **({"still has who was erased": ", ".join(outcome.returned)} if outcome.returned else {}),
        "unknown sends settled": outcome.settled,
        **{table: f"{rows:,}" for table, rows in outcome.rows.items()},
        **tags,
        "tests passed": outcome.tests,
        "seconds": ", ".join(f"{step} {seconds:.1f}" for step, seconds in outcome.seconds.items()),
    }
    console.show_facts(facts)
