"""How commands speak: tables and progress for people on a terminal, JSON for programs on stdout, errors on stderr."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="print JSON for a program to read")]


def show_json(data: Any) -> None:
    """Print one JSON document; times in ISO 8601, money as text so that no digit is lost."""
    typer.echo(json.dumps(data, default=_plain, ensure_ascii=False, indent=2))


def show_table(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> None:
    """Print rows as a table; the columns are the first row's keys."""
    if not rows:
        out.print("nothing to show")
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in rows[0]:
        numeric = isinstance(rows[0][column], int | float | Decimal)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if v is None else escape(str(v)) for v in row.values()))
    out.print(table)


def show_findings(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows as a table, and below it what to do (`do`), each in a line of its own: a variable to set is whole."""
    show_table([{key: value for key, value in row.items() if key != "do"} for row in rows])
    for row in rows:
        if row["do"]:
            about = " ".join(list(row.values())[: list(row).index("status")])
            out.print(f"{about}: {row['do']}", markup=False, soft_wrap=True)


def show_facts(facts: Mapping[str, Any]) -> None:
    """Print name and value, a line each."""
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        out.print(f"{name:<{width}}  {'' if value is None else value}", markup=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress bars with elapsed and remaining time on a terminal's stderr; silent elsewhere."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("eta"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        yield bars


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case Path():
            return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
