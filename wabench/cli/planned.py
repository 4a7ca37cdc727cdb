"""A plan in lines for people to read, and the counts of sends that every command of a campaign shows."""

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Any

from wabench.campaigns import schedule
from wabench.campaigns.ledger import Tally
from wabench.campaigns.plan import Plan
from wabench.campaigns.schema import SendState
from wabench.cli import console, lifts, simulated, staged
from wabench.settings import Settings


def show(settings: Settings, planned: Plan, asks_for_stages: bool) -> None:
    """Show what a plan came to: the counts, what the first would read, and what was asked of it."""
    name = planned.campaign.name
    console.show_table(rows(planned.tally), f"campaign {name}")
    if planned.sample:
        console.out.print(f"the first would read: {planned.sample}", markup=False)
    for line in _terms(settings, planned):
        console.out.print(line, markup=False, soft_wrap=True)
    simulated.advise(settings, name)
    if asks_for_stages:
        waiting = count(planned.tally, SendState.PLANNED, SendState.HELD)
        lines = list(staged.planned(settings, planned.stages, waiting))
        console.out.print(
            "\n".join(lines or ["too few for stages: all of them go at once"]), markup=False, soft_wrap=True
        )
    console.out.print(f"about {ceil(planned.minutes)} min at the channel's pace; next: wabench campaign test {name}")


def _terms(settings: Settings, planned: Plan) -> Iterator[str]:
    campaign = planned.campaign
    if planned.capped_now:
        yield f"{planned.capped_now} of them had a promotion too lately, or too many, to be written to right now"
    yield lifts.describe_power(planned.power)
    for text in campaign.variants:
        yield f"variant {text.variant}: {text.template_name} to {text.share:.0%}, by chance"
    if campaign.starts_at:
        yield f"it starts at {schedule.told(settings, campaign.starts_at)}, not before"
    if campaign.at_best_hour:
        yield f"each gets it at their own best hour, within {settings.best_hour_within_hours:g} hours"
    if campaign.budget is not None:
        yield f"it pauses itself when its messages cost {campaign.budget:,.2f} {settings.currency}"


def rows(tally: Iterable[Tally]) -> list[dict[str, Any]]:
    """Make the rows of a table of states."""
    return [{"state": t.state, "reason": t.reason or t.error_code, "sends": t.sends} for t in tally]


def count(tally: Iterable[Tally], *states: SendState) -> int:
    """Count the sends in some states."""
    return sum(t.sends for t in tally if t.state in states)
