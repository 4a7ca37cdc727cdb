"""`wabench template`: what providers have, what reviewers would refuse, and handing in."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from wabench import settings as configuration
from wabench.campaigns import effects, submission
from wabench.campaigns import lint as linting
from wabench.cli import console
from wabench.cli.console import Json
from wabench.errors import Refused, WabenchError

app = typer.Typer(help="Templates at the providers: list, lint, submit.", no_args_is_help=True)

Provider = Annotated[str | None, typer.Argument(help="a provider; none named: all that list their templates")]
Empty = Annotated[bool, typer.Option("--empty", help="take it, though a provider with approved ones lists none now")]
Name = Annotated[str, typer.Argument(help="a template of wabench.toml")]


@app.command()
def sync(provider: Provider = None, empty: Empty = False, as_json: Json = False) -> None:
    """Read the templates a provider has, in place of what was known of them.

    A provider that lists none though some were approved is not believed, unless --empty says so.

    Example: wabench template sync twilio
    """
    synced = submission.sync(configuration.load(), provider, may_be_empty=empty)
    if as_json:
        console.show_json([asdict(each) for each in synced])
    for each in synced if not as_json else ():
        if each.error is None:
            gone = f", {each.gone} no longer there" if each.gone else ""
            console.out.print(f"{each.provider}: {each.templates} templates{gone}")
    if failed := [each.error for each in synced if each.error]:
        raise WabenchError(failed[0] if len(failed) == 1 else f"{failed[0]} (and {len(failed) - 1} more)")


@app.command("list")
def list_templates(as_json: Json = False) -> None:
    """List the templates there are, with their status and where that is known from.

    Example: wabench template list
    """
    known = submission.known(configuration.load())
    console.show_json(known) if as_json else console.show_table([_row(each) for each in known])


def _row(template: Mapping[str, Any]) -> dict[str, Any]:
    """Draw a template's row together, so that it fits a terminal."""
    quality = template["quality"] if template["quality"] not in (None, "unknown") else None
    status = ", ".join(filter(None, (template["status"], quality, template["reason"])))
    shown = ("name", "language", "category")
    return {**{key: template[key] for key in shown}, "status": status, "known from": template["known from"],
            "variables": template["variables"]}  # fmt: skip


@app.command()
def lint(
    name: Annotated[str | None, typer.Argument(help="a template of wabench.toml; none named: all")] = None,
    provider: Annotated[str | None, typer.Option(help="find also what only this one refuses")] = None,
    as_json: Json = False,
) -> None:
    """Find what reviewers would refuse, and what would do better, with what that was worth in this shop.

    Exit code 3 where something would be refused for certain.

    Example: wabench template lint spring_sale
    """
    settings = configuration.load()
    findings, known = submission.findings(settings, name, provider), effects.effects(settings)
    rows = [
        {"template": template, "severity": finding.severity, "what": finding.what, "do": finding.do,
         "here": effects.told(finding, known)}
        for template, found in findings.items()
        for finding in found
    ]  # fmt: skip
    if as_json:
        console.show_json(rows)
    elif rows:
        console.show_table(rows)
    else:
        console.out.print(f"nothing against {name or f'any of {len(findings)} templates'}")
    if refused := [template for template, found in findings.items() if linting.is_refused(found)]:
        raise Refused(f"{', '.join(refused)} would be refused")


@app.command()
def submit(
    name: Name,
    provider: Annotated[str, typer.Option(help="where to")] = "meta",
    live: Annotated[bool, typer.Option("--live", help="hand it in at the provider's own address")] = False,
    as_json: Json = False,
) -> None:
    """Lint a template and hand it in for review.

    Example: wabench template submit spring_sale --provider meta --live
    """
    state = submission.submit(configuration.load(), name, provider, live)
    if as_json:
        console.show_json(asdict(state))
        return
    why = f" ({state.reason})" if state.reason else ""
    console.out.print(f"{name} is {state.status}{why} at {provider}; a webhook or `wabench template sync` tells more")
