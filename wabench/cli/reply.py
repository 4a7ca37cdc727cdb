"""`wabench reply`: what an inbound message is answered, tried before it is."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from wabench import published
from wabench import settings as configuration
from wabench.cli import console
from wabench.cli.console import Json
from wabench.errors import WabenchError
from wabench.replies import bench as benches
from wabench.replies import files, history
from wabench.replies.answers import render
from wabench.replies.clusters import Cluster
from wabench.replies.match import Match, Matcher, Situation, Verdict
from wabench.replies.rules import Rule, When
from wabench.settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Keyword rules that answer what customers write.")

_SHOWN = ("rule", "priority", "kind", "pattern", "action", "hours")
_LONGEST_EXAMPLE = 60


@app.command("list")
def list_rules(as_json: Json = False) -> None:
    """List the rules in the order in which they answer, and what is wrong with those that are left out.

    Example: wabench reply list
    """
    settings = configuration.load()
    table = files.rules_table(settings)
    rules, problems = files.load_rules(settings)
    ordered = sorted(rules, key=lambda rule: rule.priority)
    if as_json:
        console.show_json(
            {"file": table.path, "rules": [asdict(rule) for rule in ordered], "problems": [str(p) for p in problems]}
        )
    else:
        console.show_table([_listed(rule) for rule in ordered], str(table.path))
        for problem in problems:
            console.out.print(str(problem), markup=False, soft_wrap=True)
    if problems:
        raise WabenchError(f"{len(problems)} wrong in {table.path.name}; rules that are wrong answer nobody")


@app.command()
def test(
    text: Annotated[str, typer.Argument(help="what a customer might write")],
    hours: Annotated[When, typer.Option(help="when they write it; any leaves it open")] = When.ANY,
    name: Annotated[str, typer.Option(help="what the customer is called")] = "Ana",
    as_json: Json = False,
) -> None:
    """Tell which rule answers a text, with what and why, and which others match it.

    Example: wabench reply test "Есть скидки?"
    """
    rules, _ = files.load_rules(configuration.load())
    is_open = None if hours is When.ANY else hours is When.BUSINESS
    verdict = Matcher(rules).verdict(text, Situation(is_open))
    said = _said(verdict, name)
    if as_json:
        console.show_json(said)
        return
    console.show_facts({key: value for key, value in said.items() if key not in ("others", "kept")})
    for other in said["others"]:
        console.out.print(f"also matches: {other['rule']} ({other['why']})", markup=False, soft_wrap=True)
    for each in said["kept"]:
        console.out.print(f"matches, but {each['why']}: {each['rule']}", markup=False, soft_wrap=True)


@app.command()
def bench(
    rules: Annotated[Path | None, typer.Option(help="a CSV of rules to compare with those in force")] = None,
    days: Annotated[int, typer.Option(min=1, help="how far back, from the last refresh on")] = 90,
    as_json: Json = False,
) -> None:
    """Play the rules over what customers wrote: hits, conflicts, loops, what nobody answers, and what a change moves.

    Example: wabench reply bench --rules replies-new.csv --days 90
    """
    settings = configuration.load()
    version = published.current(settings)
    said = history.read(version, days, settings.timezone, is_masked=False)
    in_force = _right(settings)
    tried = _right(settings, rules) if rules else in_force
    found = benches.replay(tried, said, settings.open_hours)
    moved = benches.changes(in_force, tried, said, settings.open_hours) if rules else ()
    if as_json:
        console.show_json(
            {"days": days, "as_of": version.as_of, **_figures(found), "changes": [asdict(c) for c in moved]}
        )
        return
    console.out.print(_summary(found, days, f"{version.as_of:%Y-%m-%d %H:%M} UTC"), markup=False, soft_wrap=True)
    parts: dict[str, tuple[Any, ...]] = {
        "hits": found.hits,
        "conflicts": found.conflicts,
        "loops": found.loops,
        "unanswered": found.clusters,
        "changes": moved,
    }
    for title, rows in parts.items():
        if rows:
            console.show_table([_row(row) for row in rows], title)


def _listed(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in _SHOWN} | {"pattern": " | ".join(rule.alternatives)}


def _right(settings: Settings, path: Path | None = None) -> list[Rule]:
    rules, problems = files.load_rules(settings, path)
    for problem in problems:
        console.err.print(f"left out: {problem}", markup=False, soft_wrap=True)
    return rules


def _said(verdict: Verdict, name: str) -> dict[str, Any]:
    chosen = verdict.chosen
    return {
        "answers": verdict.command or (chosen.rule.rule if chosen else None),
        "why": _why(verdict),
        "action": chosen.rule.action if chosen else None,
        "answer": render(chosen.rule.answer, name) if chosen else None,
        "others": [{"rule": match.rule.rule, "why": match.why} for match in verdict.others],
        "kept": [{"rule": match.rule.rule, "why": why} for match, why in verdict.kept],
    }


def _why(verdict: Verdict) -> str:
    if verdict.command:
        return "a whole message that comes before any rule"
    chosen: Match | None = verdict.chosen
    return chosen.why if chosen else "no rule matches"


def _summary(found: benches.Replay, days: int, as_of: str) -> str:
    answered = f"{found.answered} of {found.messages} messages answered"
    rest = f"{found.unanswered} by nobody, {found.cooled} not again so soon, {found.commands} commands"
    return f"{answered}, {rest}; {days} days up to {as_of}, {found.customers} customers"


def _figures(found: benches.Replay) -> dict[str, Any]:
    return asdict(replace(found, clusters=())) | {"clusters": [cluster.figures() for cluster in found.clusters]}


def _row(row: Any) -> dict[str, Any]:
    values = row.figures() if isinstance(row, Cluster) else asdict(row)
    return {key: _short(value) for key, value in values.items()}


def _short(value: Any) -> Any:
    text = " ".join(value.split()) if isinstance(value, str) else value
    if isinstance(text, str) and len(text) > _LONGEST_EXAMPLE:
        return text[: _LONGEST_EXAMPLE - 1] + "…"
    return ("yes" if text else "no") if isinstance(text, bool) else text
