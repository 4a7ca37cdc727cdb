"""`wabench ingest` and `wabench receive`: what brings facts in."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from ingest import files, history, loader, pull, receiver
from ingest.traffic import told
from wabench import monitoring
from wabench import settings as settings_module
from wabench.cli import console
from wabench.errors import UsageError, WabenchError
from wabench.locks import held
from wabench.providers import names as provider_names
from wabench.settings import Settings


def ingest(
    sources: Annotated[
        list[str] | None, typer.Argument(help="sources and providers of wabench.toml; none named: all")
    ] = None,
    file: Annotated[list[str] | None, typer.Option(help="orders=PATH, order_lines=PATH or customers=PATH")] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", help="our field=the file's column, or =a value")] = None,
    source: Annotated[str, typer.Option(help="the shop the files belong to: orders and customers meet by it")] = "file",
    date_format: Annotated[str | None, typer.Option(help="how the files write times, e.g. %d.%m.%Y %H:%M")] = None,
    encoding: Annotated[str, typer.Option(help="the files' encoding")] = "utf-8",
    full: Annotated[bool, typer.Option(help="pull everything again, not just what changed")] = False,
    json: console.Json = False,
) -> None:
    """Pull the configured sources and what providers can tell again, or take files once, and load landing.

    A provider that is named is asked for its history at once, however lately that was read.

    Example: wabench ingest --file orders=orders.csv --map order_id=Number --map ordered_at=Date --map total=Sum
    """
    settings = settings_module.load()
    answer: dict[str, Any] = {"files": [], "pulled": []}
    with held(settings.paths.warehouse_lock, "ingest"):
        for spec in file or ():
            answer["files"].append(_land(settings, spec, map_ or [], source, date_format, encoding))
        if not file:
            answer["pulled"] = _pull(settings, sources or None, full)
        answer["loaded"] = _load(settings)
    console.show_json(answer) if json else _show(answer)
    if failed := [p["error"] for p in answer["pulled"] if p["error"]]:
        raise WabenchError(failed[0] if len(failed) == 1 else f"{failed[0]} (and {len(failed) - 1} more)")


def receive(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port to listen on; 0 takes a free one")] = None,
) -> None:
    """Receive webhooks until stopped: each body is on disk before its 200; then answer by rule, if auto_reply says so.

    Example: wabench receive --port 8400
    """
    settings = settings_module.load()
    app = receiver.create(settings)
    listening = _listen(host or settings.receive_host, settings.receive_port if port is None else port)
    address = "{}:{}".format(*listening.getsockname()[:2])
    console.err.print(f"receiving at http://{address}/webhooks/<provider>", soft_wrap=True)
    console.err.print(receiver.answering(settings), soft_wrap=True)
    for name, lacking in receiver.unheard(settings).items():
        console.err.print(f"not from {name}: set {' and '.join(lacking)} in .env", soft_wrap=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, backlog=2048)
    watch, traffic = (settings.metrics_host, settings.receive_metrics_port), app.state.traffic
    with monitoring.watched(*watch, lambda: told(traffic, settings, datetime.now(UTC)), lambda: True, _say):
        uvicorn.Server(config).run(sockets=[listening])


def _say(line: str) -> None:
    console.err.print(line, markup=False, soft_wrap=True)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise WabenchError(f"can't listen on {host}:{port}: {error.strerror}; choose another --port") from None
    return listening


def _land(
    settings: Settings, spec: str, maps: list[str], source: str, date_format: str | None, encoding: str
) -> dict[str, Any]:
    stream, _, path = spec.partition("=")
    if not path:
        raise UsageError(f"--file {spec}: write what it holds and where it is, like orders=orders.csv")
    landed = files.land_file(
        settings, stream, Path(path), _fields(maps), source=source, date_format=date_format, encoding=encoding
    )
    return {"file": path, "stream": stream, "rows": landed.rows, "new": landed.is_new}


def _fields(maps: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in maps]
    if bad := next((text for text, (_, _, column) in zip(maps, pairs, strict=True) if not column), None):
        raise UsageError(f"--map {bad}: write our field and the file's column, like order_id=InvoiceNo")
    return {ours: column for ours, _, column in pairs}


def _pull(settings: Settings, names: list[str] | None, full: bool) -> list[dict[str, Any]]:
    with console.progress() as bars:
        task = bars.add_task("pulling", total=None)

        def show(outcome: pull.PullOutcome) -> None:
            bars.update(task, description=f"{outcome.source} {outcome.stream}: page {outcome.pages}")

        providers = [name for name in names or () if name not in settings.sources and name in provider_names()]
        sources = [name for name in names or () if name not in providers]
        outcomes = pull.pull(settings, sources or None, full, progress=show) if sources or not names else []
        if providers or not names:
            outcomes += history.pull(settings, providers or None, full, progress=show)
    return [
        {
            "source": o.source,
            "stream": o.stream,
            "pages": o.pages,
            "records": o.records,
            "resumed": o.resumed,
            "error": o.error,
        }
        for o in outcomes
    ]


def _load(settings: Settings) -> dict[str, Any]:
    with console.progress() as bars:
        task = bars.add_task("loading", total=None)
        outcome = loader.load(settings, lambda done, total: bars.update(task, completed=done, total=total))
    told = {"bytes": outcome.bytes, "rows": outcome.rows, "rejected": outcome.rejected, "seconds": outcome.seconds}
    return told | {"returned": outcome.returned}


def _show(answer: dict[str, Any]) -> None:
    for landed in answer["files"]:
        state = "landed" if landed["new"] else "was landed before, nothing to do"
        console.out.print(f"{landed['file']}: {landed['rows']:,} rows of {landed['stream']}, {state}", soft_wrap=True)
    for pulled in answer["pulled"]:
        began = " (went on where it had stopped)" if pulled["resumed"] else ""
        name = f"{pulled['source']} {pulled['stream']}"
        console.out.print(f"{name}: {pulled['records']:,} records on {pulled['pages']:,} pages{began}")
    loaded = answer["loaded"]
    rows = ", ".join(f"{count:,} {table}" for table, count in loaded["rows"].items()) or "nothing new"
    console.out.print(f"loaded {rows}; {loaded['rejected']:,} rejected; {loaded['seconds']:.1f} s")
    for source, rows in loaded["returned"].items():
        console.out.print(f"{source} still has who was erased here ({rows:,} rows, kept out): erase them there too")
