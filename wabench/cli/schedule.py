"""`wabench schedule`: refreshes and due campaigns by the clock."""

import signal
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from threading import Event
from typing import Annotated, Any

import typer

from wabench import settings as configuration
from wabench.campaigns.schedule import told
from wabench.cli import console
from wabench.cli.console import Json
from wabench.errors import Busy
from wabench.schedule import jobs, scheduler, state
from wabench.settings import Settings

_SHOWN_RUNS = 20


def schedule(
    once: Annotated[
        bool, typer.Option("--once", help="do what is due now and end, as a crontab line wants it")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="show what runs when, and the last runs; start nothing")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run refreshes and due campaigns by the lines of [schedule] until stopped, each as a process of its own.

    Example: wabench schedule --list
    """
    settings = configuration.load()
    if list_:
        _show(settings, as_json)
        return
    stopping = Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _stopper(stopping))
    try:
        scheduler.run(settings, lambda: datetime.now(UTC), stopping, _say, once=once)
    except Busy as error:
        if not once:
            raise
        _say(f"nothing done: {error}")  # the one before is still at work, which is no failure of a crontab line


def _stopper(stopping: Event) -> Callable[[int, Any], None]:
    def stop(number: int, _frame: Any) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)  # the second one does not wait

    return stop


def _say(line: str) -> None:
    console.err.print(line, markup=False, soft_wrap=True)


def _show(settings: Settings, as_json: bool) -> None:
    known, now = state.load(settings), datetime.now(UTC)
    lines: list[dict[str, Any]] = [
        {"job": job, "line": line, "next": jobs.next_at(line, past, now, settings.zone), "failures": past.failures}
        for job, past in known.pasts.items()
        if (line := str(getattr(settings.schedule, job, "")))
    ]
    runs = [asdict(run) for run in reversed(known.runs)]
    if as_json:
        console.show_json({"lines": lines, "runs": runs})
        return
    console.show_table([line | {"next": told(settings, line["next"])} for line in lines], "next")
    console.show_table([_row(settings, run) for run in runs[:_SHOWN_RUNS]], "last runs")


def _row(settings: Settings, run: dict[str, Any]) -> dict[str, Any]:
    ended = run["ended_at"]
    seconds = f"{(ended - run['started_at']).total_seconds():.0f}" if ended else ""
    return {
        "run": run["job"],
        "began": told(settings, run["started_at"]),
        "seconds": seconds,
        "outcome": str(run["outcome"]),
        "said": run["said"],
    }
