"""A simulation in lines for people to read, and afterwards what came beside it."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from wabench.campaigns import schedule, submission
from wabench.campaigns.costs import PlanCost
from wabench.campaigns.forecast import Expected
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.simulation import Compared, Simulation, Wave
from wabench.cli import console
from wabench.settings import Settings


def show(settings: Settings, made: Simulation) -> None:
    """Print what a plan would come to."""
    left_out = [{"left out": reason, "customers": count} for reason, count in made.left_out.items()]
    if made.capped:
        left_out.append({"left out": "a promotion too lately, if it began now", "customers": made.capped})
    if made.pressed:
        left_out.append({"left out": "too many promotions, if it began now", "customers": made.pressed})
    if left_out:
        console.show_table(left_out)
    console.show_table([_cost(cost) for cost in made.costs], f"cost in {made.currency}, the monthly fee aside")
    console.show_table([_range(each) for each in made.expected], "to be expected, in 80 cases of 100")
    for line in _notes(settings, made):
        console.out.print(line, markup=False, soft_wrap=True)


def compared(expected: Sequence[Compared]) -> list[dict[str, Any]]:
    """Give a row a metric: what was expected, in which range, and what came."""
    return [{**_range(each), "came": "" if each.actual is None else _number(each.actual)} for each in expected]


def basis(made: Simulation) -> str:
    """Say on what a forecast stands."""
    if not made.campaigns and not made.months:
        return "the shop has no earlier sends of this category: the rates are the trade's, and orders can't be forecast"
    parts = [f"{made.campaigns} earlier campaigns or variants"] if made.campaigns else []
    parts += [f"{made.months} months of other messages"] if made.months else []
    return f"the forecast stands on {' and '.join(parts)} of this category"


def _notes(settings: Settings, made: Simulation) -> Iterator[str]:
    begins, ends = (schedule.told(settings, moment) for moment in (made.begins_at, made.finishes_at))
    yield f"to {made.reachable:,} customers from {begins} to {ends} at the allowed pace"
    for wave in made.waves:
        until = schedule.told(settings, made.begins_at + timedelta(minutes=wave.left_after))
        yield f"{wave.kind}: {wave.customers:,} until {until}{_then(settings, made, wave)}"
    if made.held:
        yield f"{made.held:,} of them wait for the end of their night or for their best hour"
    if made.campaign.budget is not None and made.cost and (total := made.cost.total) and total > made.campaign.budget:
        yield f"the budget of {made.campaign.budget:,.2f} {made.currency} is less than it costs: it will pause itself"
    if made.limit:
        yield f"the provider allows {made.limit.allowed:,} people in 24 hours; {made.limit.written:,} were written to"
    yield basis(made)
    replied = next(each for each in made.expected if each.metric == "replied")
    if made.support:
        waiting = f"{made.support.open_dialogs:,} dialogs are open ({made.support.overdue_dialogs:,} overdue)"
        yield (
            f"{waiting}, {made.support.answered_per_day:.1f} a day were answered lately; "
            f"{_number(replied.expected)} more are to be expected"
        )


def _then(settings: Settings, made: Simulation, wave: Wave) -> str:
    if wave.decided_after is None:
        return ""
    return f"; decided at the latest {schedule.told(settings, made.begins_at + timedelta(minutes=wave.decided_after))}"


def _cost(cost: PlanCost) -> dict[str, Any]:
    return {
        "plan": f"{cost.provider} {cost.plan}" + (" (this one)" if cost.is_own else ""),
        "messages": cost.messages,
        "free": cost.free,
        "cost": "no price for some countries" if cost.total is None else f"{cost.total:,.2f}",
        "monthly fee": "" if cost.monthly_fee is None else f"{cost.monthly_fee:,.2f}",
    }


def _range(each: Expected | Compared) -> dict[str, Any]:
    shown = {"expected": each.expected, "from": each.low, "to": each.high}
    return {"metric": each.metric.replace("_", " "), **{name: _number(value) for name, value in shown.items()}}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:,.1f}"


def advise(settings: Settings, campaign: Campaign) -> None:
    """Say in a line each what would do better in a campaign's texts, and what that was worth in this shop."""
    for finding, here in submission.advice(settings, campaign):
        more = f" ({here})" if here else ""
        console.out.print(f"advice: {finding.what}; {finding.do}{more}", markup=False, soft_wrap=True)
