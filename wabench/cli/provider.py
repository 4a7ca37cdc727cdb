"""`wabench provider`: what each can do, and whether ours is ready."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from wabench import account_checks, accounts, providers
from wabench import settings as configuration
from wabench.cli import compare, console
from wabench.cli.console import Json
from wabench.errors import UsageError, WabenchError

app = typer.Typer(help="The providers: what they can do, whether they are set up.", no_args_is_help=True)
app.command("compare")(compare.compare)


@app.command("list")
def list_providers(as_json: Json = False) -> None:
    """List the providers with what each can do and what is set of it; secrets by name only.

    Example: wabench provider list
    """
    settings = configuration.load()
    facts = [account_checks.facts(settings, name) for name in providers.names()]
    if as_json:
        console.show_json(facts)
        return
    for each in facts:
        console.out.print(f"[bold]{each['provider']}[/bold]")
        console.show_facts({f"  {key}": _plain(value) for key, value in each.items() if key != "provider"})


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="a provider; none named: all that are set up")] = None,
    as_json: Json = False,
) -> None:
    """Ask a provider's account whether it is ready, without writing to anybody; exit code 1 where it is not.

    Example: wabench provider check twilio
    """
    settings = configuration.load()
    names = [name] if name else list(settings.providers)
    if not names:
        raise UsageError("wabench.toml has no [providers.NAME] to check; see docs/registration.md")
    if name:
        accounts.find(name)
    lines = [line for each in names for line in account_checks.check(settings, each)]
    rows = [asdict(line) for line in lines]
    console.show_json(rows) if as_json else console.show_findings(rows)
    if failed := [line for line in lines if line.status == account_checks.FAILED]:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise WabenchError(f"{failed[0].provider} {failed[0].check}: {failed[0].what}{more}")


def _plain(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return "; ".join(f"{key}: {_plain(each)}" for key, each in value.items()) or "none"
    return str(value)
