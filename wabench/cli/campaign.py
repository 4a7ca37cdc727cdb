"""`wabench campaign`: plan, test, approve, run; the export step."""

import getpass
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer

from wabench import refresh
from wabench import settings as configuration
from wabench.campaigns import judging, ledger, retries, runner, schedule, simulation, trial, variants
from wabench.campaigns import plan as planning
from wabench.campaigns.schema import SendState
from wabench.campaigns.staging import Asked
from wabench.cli import console, lifts, retrying, simulated, staged
from wabench.cli import planned as told
from wabench.cli.console import Json
from wabench.errors import WabenchError
from wabench.settings import Settings

app = typer.Typer(help="Send a segment through a provider, once to each customer.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="the campaign's name")]
RunAs = Annotated[str, typer.Option("--run-as", help="in whose name; the audit keeps it", show_default=False)]
Live = Annotated[bool, typer.Option("--live", help="send to real customers, through the provider's own address")]


@app.command()
def plan(
    name: Name,
    segment: Annotated[str, typer.Option(help="a saved segment, or an exported .csv")] = "",
    template: Annotated[str, typer.Option(help="a template, as `wabench template list` names it")] = "",
    param: Annotated[list[str] | None, typer.Option(help="variable=column or variable=literal:text")] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="name=template or name=template:share; two or more, instead of --template")
    ] = None,
    at: Annotated[str, typer.Option(help="not before this time of the shop's zone, like '2026-12-01 10:00'")] = "",
    provider: Annotated[str, typer.Option(help="through whom")] = "meta",
    holdout: Annotated[
        float | None, typer.Option(min=0, max=0.99, help="share that chance keeps back, to measure the lift")
    ] = None,
    skip_cold: Annotated[bool, typer.Option("--skip-cold", help="leave out who gave no sign of life for long")] = False,
    best_hour: Annotated[bool, typer.Option("--best-hour", help="to each at their own best hour of the day")] = False,
    budget: Annotated[
        float | None, typer.Option(min=0, help="what its messages may cost, in the project's currency; then it pauses")
    ] = None,
    canary: Annotated[
        float | None, typer.Option(help="share that goes first, alone; the rest goes if it goes well")
    ] = None,
    canary_hours: Annotated[float | None, typer.Option(min=0, help="how long the rest waits for the canary")] = None,
    winner_after_share: Annotated[
        float | None, typer.Option(help="share that tries the variants; the rest gets the better one")
    ] = None,
    winner_by: Annotated[str | None, typer.Option(help="reply, read, click or order")] = None,
    winner_hours: Annotated[float | None, typer.Option(min=0, help="how long the rest waits for a winner")] = None,
    retry_of: Annotated[
        str,
        typer.Option(help="a campaign that is over: to those alone who failed for a passing reason, the same texts"),
    ] = "",
    as_json: Json = False,
) -> None:
    """Freeze who gets what: one ledger row per customer, with its parameters and, where a rule forbids it, the reason.

    A parameter is for all variants, or for one: --param b.2=literal:SALE20.

    Example: wabench campaign plan spring --segment loyal --template spring_sale --param 1=name --param 2=literal:SALE
    """
    settings = configuration.load()
    texts, starts_at = variants.read(variant or ()), schedule.read(settings, at) if at else None
    stages = Asked(canary, canary_hours, winner_after_share, winner_by, winner_hours)
    retrying.must_say_whom(segment, retry_of)
    if retry_of:
        retrying.only(segment, template, param, variant, holdout, skip_cold, best_hour, canary, winner_after_share)
        planned = retries.plan(settings, name, retry_of, starts_at=starts_at, budget=budget)
    else:
        planned = planning.plan(
            settings, name, segment, template, param or [], provider, holdout=holdout, variants=texts,
            starts_at=starts_at, skips_cold=skip_cold, at_best_hour=best_hour, budget=budget, in_stages=stages,
        )  # fmt: skip
    if as_json:
        console.show_json(asdict(planned))
        return
    told.show(settings, planned, canary is not None or winner_after_share is not None)


@app.command()
def simulate(name: Name, as_json: Json = False) -> None:
    """Tell what a plan would come to: who is left out, the cost on each plan, when it ends, what it will likely bring.

    Ranges hold in 80 cases of 100, by what came of the shop's earlier sends. What was expected is kept for the report.

    Example: wabench campaign simulate spring
    """
    settings = configuration.load()
    made = simulation.simulate(settings, name, getpass.getuser())
    if as_json:
        console.show_json(asdict(made))
        return
    simulated.show(settings, made)
    simulated.advise(settings, name)


@app.command("list")
def list_campaigns(as_json: Json = False) -> None:
    """List all campaigns, newest first.

    Example: wabench campaign list
    """
    with ledger.opened(configuration.load()) as opened:
        campaigns = [asdict(campaign) for campaign in opened.campaigns()]
    if as_json:
        console.show_json(campaigns)
    else:
        shown = ("name", "status", "segment", "template_name", "created_at", "reason")
        console.show_table([_shown(campaign, shown) for campaign in campaigns])


@app.command()
def test(
    name: Name,
    to: Annotated[list[str] | None, typer.Option(help="send each text to this number, and nothing else")] = None,
    live: Live = False,
) -> None:
    """Show every planned message to the sandbox's checks, without sending; with --to send the texts to some numbers.

    Example: wabench campaign test spring
    """
    if to:
        _try_on(name, to, live)
        return
    tested = runner.test(configuration.load(), name, getpass.getuser())
    console.out.print(
        f"{tested} messages are as the provider wants them; next: wabench campaign approve {name}", soft_wrap=True
    )


def _try_on(name: str, phones: Sequence[str], live: bool) -> None:
    tried = trial.send(configuration.load(), name, phones, getpass.getuser(), live=live)
    for each in tried:
        variant = f" (variant {each.variant})" if each.variant else ""
        console.out.print(f"{each.phone}{variant}: {each.problem or 'accepted'}", markup=False, soft_wrap=True)
    if failed := sum(each.problem is not None for each in tried):
        raise WabenchError(f"{failed} of {len(tried)} were not taken")


@app.command()
def approve(name: Name, approve_as: Annotated[str, typer.Option(help="who approves")]) -> None:
    """Approve a tested campaign, by name; the audit keeps who and when.

    Example: wabench campaign approve spring --approve-as maria
    """
    runner.approve(configuration.load(), name, approve_as)
    console.out.print(f"approved by {approve_as}; next: wabench campaign run {name}")


@app.command()
def run(name: Name, live: Live = False, run_as: RunAs = "", as_json: Json = False) -> None:
    """Send an approved campaign, or go on with one that was killed. Ctrl-C pauses it once the calls in flight ended.

    Example: wabench campaign run spring --live
    """
    settings = configuration.load()
    _send(settings, name, as_json, partial(runner.run, settings, name, run_as or getpass.getuser(), live=live))


@app.command()
def resume(
    name: Name,
    live: Live = False,
    retry_unknown: Annotated[
        bool, typer.Option("--retry-unknown", help="send again what stayed unknown; some may get it twice")
    ] = False,
    budget: Annotated[float | None, typer.Option(min=0, help="what it may cost in all from now on")] = None,
    run_as: RunAs = "",
    as_json: Json = False,
) -> None:
    """Go on with a paused campaign.

    Example: wabench campaign resume spring --live --retry-unknown
    """
    settings, actor = configuration.load(), run_as or getpass.getuser()
    go_on = partial(runner.resume, settings, name, actor, live=live, retry_unknown=retry_unknown, budget=budget)
    _send(settings, name, as_json, go_on)


@app.command()
def pause(name: Name) -> None:
    """Pause a running campaign, from any terminal.

    Example: wabench campaign pause spring
    """
    runner.pause(configuration.load(), name, getpass.getuser())
    console.out.print(f"paused; wabench campaign resume {name} goes on")


@app.command()
def cancel(name: Name) -> None:
    """Cancel a campaign for good: what was not sent yet never will be.

    Example: wabench campaign cancel spring
    """
    runner.cancel(configuration.load(), name, getpass.getuser())
    console.out.print("cancelled")


@app.command()
def status(
    name: Name,
    failed: Annotated[
        bool, typer.Option("--failed", help="name each who failed, and when they may be retried")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show where a campaign stands, which sends stayed unknown longer than their wait, and what failed.

    Example: wabench campaign status spring --failed --json
    """
    settings = configuration.load()
    with ledger.opened(settings) as opened:
        campaign = opened.campaign(name)
        tally = opened.tally(campaign.campaign_id)
        waited = datetime.now(UTC) - timedelta(minutes=settings.unknown_wait_minutes)
        unsettled = opened.unsettled(campaign.campaign_id, waited)
        stages = judging.listed(opened, campaign)
    waits, found = refresh.waiting(settings, campaign)
    failures = retries.failures(settings, campaign)
    if as_json:
        known = judging.figures(waits, found) if waits and found else None
        each = {"failed": [asdict(f) for f in failures]} if failed else {}
        console.show_json({**asdict(campaign), "tally": [asdict(t) for t in tally], "unsettled": unsettled,
                           "failures": [asdict(s) for s in retries.summed(failures)], **each, "known": known,
                           "stages": [asdict(stage) for stage in stages]})  # fmt: skip
        return
    console.show_facts({"campaign": name, "status": campaign.status, "reason": campaign.reason})
    console.show_table(told.rows(tally))
    staged.show(settings, stages, waits, found)
    if unsettled:
        rows = [_shown(row, row) for row in unsettled]
        console.show_table(rows, "unknown, and no status came: send again with resume --retry-unknown, or leave")
    retrying.show(settings, name, failures, failed)


@app.command()
def report(name: Name, as_json: Json = False) -> None:
    """Tell what became of a campaign: its sends, what was done to it, and its funnel as of the last refresh.

    Example: wabench campaign report spring
    """
    settings = configuration.load()
    with ledger.opened(settings) as opened:
        campaign = opened.campaign(name)
        tally = opened.tally(campaign.campaign_id)
        history = [line for line in opened.audit_lines(campaign.campaign_id) if not line["send_id"]]
        stages = judging.listed(opened, campaign)
    funnels = planning.funnels(settings, campaign)
    expected = simulation.compared(settings, campaign, funnels)
    failures = retries.failures(settings, campaign)
    if as_json:
        data = {**asdict(campaign), "tally": [asdict(t) for t in tally], "history": history, "funnels": funnels,
                "forecast": [asdict(each) for each in expected],
                "stages": [asdict(each) for each in stages],
                "failures": [asdict(each) for each in retries.summed(failures)]}  # fmt: skip
        console.show_json(data)
        return
    console.show_table(told.rows(tally), f"campaign {name}: {campaign.status}")
    console.show_table([_shown(line, ("at", "actor", "action", "detail")) for line in history], "history")
    staged.show(settings, stages)
    if not funnels:
        console.show_facts({"funnel": "not in the published file yet; wabench refresh"})
    for funnel in funnels:
        _show_funnel(funnel)
    if expected:
        console.show_table(simulated.compared(expected), "forecast against what came")
    retrying.show(settings, name, failures)


def _show_funnel(funnel: Mapping[str, Any]) -> None:
    """Show what became of a campaign, or of one of its variants."""
    console.show_facts(lifts.without_lift(funnel))
    if lift := lifts.rows(funnel):
        console.show_table(lift, "lift: the treated against the held out")
    for line in lifts.notes(funnel):
        console.out.print(line, markup=False, soft_wrap=True)


def _send(settings: Settings, name: str, as_json: bool, send: Callable[..., runner.Run]) -> None:
    with ledger.opened(settings) as opened:
        campaign_id = opened.campaign(name).campaign_id
        waiting = told.count(opened.tally(campaign_id), SendState.PLANNED, SendState.HELD, SendState.CLAIMED)
    with console.progress() as bars:
        task = bars.add_task(f"sending {name}", total=waiting)

        def on_turn(counts: Counter[str]) -> None:
            bars.update(task, completed=counts.total() - counts["retry"])

        done = send(settle=partial(refresh.settle, settings), on_turn=on_turn)
    if as_json:
        tally = [asdict(t) for t in done.tally]
        console.show_json(
            {**asdict(done.campaign), "calls": done.calls, "settled": done.settled, "late": done.late, "tally": tally}
        )
        return
    console.show_table(told.rows(done.tally), f"campaign {name}: {done.campaign.status}")
    console.show_facts({"accepted now": done.calls["accepted"], "settled now": done.settled})
    if done.campaign.reason:
        console.out.print(f"{done.campaign.status}: {done.campaign.reason}", markup=False, soft_wrap=True)
    if done.late:
        console.err.print(f"what came back is read later: {done.late}", markup=False, soft_wrap=True)


def _shown(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """Choose columns for people: times to the second, in UTC as everywhere."""
    values = {column: row[column] for column in columns}
    return {k: f"{v:%Y-%m-%d %H:%M:%S}" if isinstance(v, datetime) else v for k, v in values.items()}
