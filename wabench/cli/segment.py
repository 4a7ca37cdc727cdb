"""`wabench segment`: saved rules that select customers."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from wabench import segments
from wabench import settings as configuration
from wabench.cli import console
from wabench.errors import UsageError, WabenchError
from wabench.segments import fields, files
from wabench.segments.rules import rule_hash, to_data
from wabench.settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Saved rules that select customers.")

Name = Annotated[str, typer.Argument(help="a segment, as its file in segments/ is called")]


@app.command("list")
def list_segments(as_json: console.Json = False) -> None:
    """List the saved segments with how many customers each selects now.

    Example: wabench segment list
    """
    settings = configuration.load()
    rows = [_listed(settings, name) for name in files.names(settings)]
    (console.show_json if as_json else console.show_table)(rows)


@app.command()
def show(name: Name, as_json: console.Json = False) -> None:
    """Show a segment's rule and the hash that tells it from any other.

    Example: wabench segment show cold_90d
    """
    segment = files.load(configuration.load(), name)
    facts = {"name": segment.name, "description": segment.description, "rule_hash": rule_hash(segment.where)}
    if as_json:
        console.show_json({**facts, "where": to_data(segment.where)})
    else:
        console.show_facts(facts)
        console.out.print(files.text(segment), markup=False, soft_wrap=True, end="")


@app.command()
def count(name: Name, as_json: console.Json = False) -> None:
    """Count a segment's customers, how many can be reached, and for how many an unset value decided.

    Example: wabench segment count cold_90d
    """
    settings = configuration.load()
    counts = segments.count(settings, files.load(settings, name).where)
    (console.show_json if as_json else console.show_facts)({"segment": name, **asdict(counts)})


@app.command()
def worth(name: Name, as_json: console.Json = False) -> None:
    """Tell what a segment's customers have brought and are expected to bring in 12 months, with its 80 % range.

    Example: wabench segment worth high_value_active_7d
    """
    settings = configuration.load()
    found = segments.worth(settings, files.load(settings, name).where)
    (console.show_json if as_json else console.show_facts)({"segment": name, **asdict(found)})


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="segments to check; none: all of them")] = None,
    as_json: console.Json = False,
) -> None:
    """Check segments against the published columns: one line for everything that is wrong, exit code 1 if any is.

    Example: wabench segment check
    """
    settings = configuration.load()
    against = segments.catalog(settings)
    chosen = names or files.names(settings)
    found = [f"{name}.yml: {problem}" for name in chosen for problem in _problems(settings, name, against)]
    if as_json:
        console.show_json({"checked": chosen, "problems": found})
    for line in [] if as_json else found:
        console.out.print(line, markup=False, soft_wrap=True)
    if found:
        raise WabenchError(f"{len(found)} wrong in {len(chosen)} segments checked")
    console.err.print(f"{len(chosen)} segments checked, nothing wrong")


@app.command()
def export(
    name: Name,
    to: Annotated[Path | None, typer.Option(help="CSV to write; default data/exports/<name>-<version>.csv")] = None,
    with_phones: Annotated[bool, typer.Option("--with-phones", help="phones and e-mails whole, not masked")] = False,
    as_json: console.Json = False,
) -> None:
    """Write a segment's customers to CSV, with a manifest beside it that says which rule, when, and that it is whole.

    Example: wabench segment export cold_90d --to cold.csv
    """
    settings = configuration.load()
    path, manifest = segments.export(settings, files.load(settings, name), to, with_phones)
    if as_json:
        console.show_json({"path": path, **asdict(manifest)})
    else:
        masked = f"; masked: {', '.join(manifest.masked)} (--with-phones writes them whole)" if manifest.masked else ""
        console.out.print(f"{manifest.rows} customers in {path}{masked}", markup=False, soft_wrap=True)


def _listed(settings: Settings, name: str) -> dict[str, Any]:
    """Count one segment for the list; a broken one is listed with what is wrong with it."""
    try:
        segment = files.load(settings, name)
        counts = segments.count(settings, segment.where)
    except UsageError as error:
        return {"segment": name, "customers": None, "reachable": None, "description": f"broken: {error}"}
    return {
        "segment": name,
        "customers": counts.customers,
        "reachable": counts.reachable,
        "description": segment.description,
    }


def _problems(settings: Settings, name: str, against: fields.Catalog) -> list[str]:
    path = settings.paths.segments / f"{name}.yml"
    if not path.is_file():
        files.load(settings, name)
    segment, found = files.read(path)
    return found if segment is None else fields.problems(segment.where, against)
