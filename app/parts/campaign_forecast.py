"""What a plan would come to, before it is sent; and afterwards what came beside what was expected."""

import plotly.graph_objects as go
import streamlit as st
from parts import charts, look, shop
from parts.lang import N_, NONE, _, lasting, moment, money, n_, number
from parts.look import Figure

from wabench.campaigns import simulation
from wabench.campaigns.costs import PlanCost
from wabench.campaigns.forecast import Expected
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.simulation import Compared, Simulation

METRICS = {
    "delivered": N_("Delivered"),
    "read": N_("Read"),
    "replied": N_("Replied"),
    "opted_out": N_("Opted out"),
    "orders": N_("Orders"),
    "net_revenue": N_("Net revenue"),
    "margin": N_("Margin"),
    "cost": N_("Cost"),
}
AMOUNTS = ("net_revenue", "margin", "cost")


def show(campaign: Campaign) -> None:
    made = simulation.kept(shop.settings(), campaign)
    if made is None:
        look.nothing(_("Not simulated yet. Simulate it to see whom it reaches, what it costs and what it will bring."))
        return
    look.cards(figures(made))
    left, right = st.columns([3, 2], gap="large")
    with left:
        expected(made)
    with right:
        costs(made)
    support(made)


def figures(made: Simulation) -> list[Figure]:
    by = {each.metric: each for each in made.expected}
    cost = made.cost
    total = cost.total if cost else None
    begins, ends = (at.replace(tzinfo=None) for at in (made.begins_at, made.finishes_at))
    left_out = sum(made.left_out.values())
    capped = _("; {n} more had a promotion lately", n=number(made.capped)) if made.capped else ""
    capped += _("; {n} more had many promotions", n=number(made.pressed)) if made.pressed else ""
    waits = _("; {n} wait for morning or their best hour", n=number(made.held)) if made.held else ""
    orders, revenue = by.get("orders"), by.get("net_revenue")
    return [
        Figure(_("Reached"), number(made.reachable),
               n_("{n} customer left out", "{n} customers left out", left_out) + capped),
        Figure(_("Cost"), money(total, made.currency),
               _("{plan}, the monthly fee aside", plan=f"{cost.provider} {cost.plan}") if cost else
               _("no plan of this provider in the price book")),
        Figure(_("Sending takes"), lasting(max((ends - begins).total_seconds(), 1)),
               _("from {begin} until {end}, at the allowed pace", begin=moment(begins), end=moment(ends)) + waits),
        Figure(_("Replies expected"), number(by["replied"].expected), between(by["replied"])),
        Figure(_("Orders expected"), number(orders.expected) if orders else NONE,
               between(orders) if orders else _("no earlier sends to tell from")),
        Figure(_("Revenue expected"), money(revenue.expected, made.currency) if revenue else NONE,
               _("net; 80 % between {low} and {high}", low=money(revenue.low, made.currency),
                 high=money(revenue.high, made.currency)) if revenue else _("no earlier sends to tell from")),
    ]  # fmt: skip


def between(each: Expected) -> str:
    return _("80 % between {low} and {high}", low=number(each.low), high=number(each.high))


def basis(made: Simulation) -> str:
    """Say on what the forecast stands."""
    if not made.campaigns and not made.months:
        return _("The shop has no earlier sends of this category: rates are the trade's, and orders can't be forecast")
    parts = []
    if made.campaigns:
        parts.append(n_("{n} earlier campaign", "{n} earlier campaigns", made.campaigns))
    if made.months:
        parts.append(n_("{n} month of other messages", "{n} months of other messages", made.months))
    return _("Stands on {parts}; in 80 cases of 100 it lies within the line", parts=_(" and ").join(parts))


def expected(made: Simulation) -> None:
    look.section(_("To be expected"), basis(made))
    counted = [each for each in made.expected if each.metric not in AMOUNTS]
    data = [
        {"metric": each.metric, "expected": each.expected, "low": each.low, "high": each.high} for each in made.expected
    ]
    charts.chart(ranges(counted, made.reachable), "expected", _("To be expected"), data, 60 + 38 * len(counted))


def ranges(counted: list[Expected], reachable: int) -> go.Figure:
    names = [_(METRICS[each.metric]) for each in counted]
    drawn = go.Figure(
        go.Scatter(
            y=names, x=[each.expected for each in counted], mode="markers+text", marker_size=10,
            marker_color=charts.colour("strong"), cliponaxis=False, textposition="top center",
            text=[number(each.expected) for each in counted], showlegend=False,
            error_x={
                "type": "data", "symmetric": False, "color": charts.colour("strong"), "thickness": 2,
                "array": [each.high - each.expected for each in counted],
                "arrayminus": [each.expected - each.low for each in counted],
            },
            hovertemplate="%{y}: %{x:,.0f}<extra></extra>",
        )
    )  # fmt: skip
    drawn.update_layout(
        yaxis={"autorange": "reversed", "title": None, "automargin": True, "showgrid": False}, margin_r=40, margin_t=14
    )
    drawn.update_xaxes(range=[0, max(reachable, 1) * 1.03], title=None)
    return drawn


def costs(made: Simulation) -> None:
    look.section(
        _("Cost by plan"),
        _("Of {n} messages, category {category}, after what is left of each plan's free quota this month; Meta's fee "
          "included", n=number(made.reachable), category=_(made.campaign.category)),
    )  # fmt: skip
    charts.table([cost_row(each, made.currency) for each in by_price(made)], "plan_costs")


def by_price(made: Simulation) -> list[PlanCost]:
    return sorted(made.costs, key=lambda each: (each.total is None, each.total))


def cost_row(each: PlanCost, currency: str) -> dict[str, str | None]:
    return {
        _("Plan"): f"{each.provider} {each.plan}" + (" ✓" if each.is_own else ""),
        _("Free"): number(each.free),
        _("Cost"): money(each.total, currency) if each.total is not None else _("no price known"),
        _("Monthly fee"): money(each.monthly_fee, currency),
    }


def support(made: Simulation) -> None:
    """Say what it means for who answers, and for the provider's limit."""
    if made.support:
        replied = next(each for each in made.expected if each.metric == "replied")
        st.caption(
            _("Support: {open} dialogs are open now, {overdue} of them overdue; {day} a day were answered in the last "
              "28 days. About {replies} replies are to be expected on top.",
              open=number(made.support.open_dialogs), overdue=number(made.support.overdue_dialogs),
              day=number(made.support.answered_per_day, 1), replies=number(replied.expected))
        )  # fmt: skip
    if made.limit:
        st.caption(
            _("The provider lets {allowed} people be written to in 24 hours; {written} were in the last 24.",
              allowed=number(made.limit.allowed), written=number(made.limit.written))
        )  # fmt: skip


def against(found: list[Compared], currency: str) -> None:
    """Set what came beside what was expected."""
    look.section(
        _("Forecast against what came"),
        _("Each line is what was expected in 80 cases of 100, by what was expected; the dot is what came, as of "
          "{moment}", moment=look.as_of()),
    )  # fmt: skip
    data = [
        {"metric": each.metric, "expected": each.expected, "low": each.low, "high": each.high, "came": each.actual}
        for each in found
    ]
    shown = [each for each in found if each.expected > 0 and each.metric != "cost"]
    charts.chart(ratios(shown, currency), "against", _("Forecast against what came"), data, 60 + 36 * len(shown))


def ratios(found: list[Compared], currency: str) -> go.Figure:
    names = [_(METRICS[each.metric]) for each in found]
    drawn = go.Figure()
    drawn.add_scatter(
        y=names, x=[1] * len(found), mode="markers", name=_("Expected"),
        marker={"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": charts.colour("cool")}},
        error_x={
            "type": "data", "symmetric": False, "color": charts.colour("cool"), "thickness": 3, "width": 0,
            "array": [each.high / each.expected - 1 for each in found],
            "arrayminus": [1 - each.low / each.expected for each in found],
        },
        text=[amount(each.metric, each.expected, currency) for each in found], hovertemplate="%{y}: %{text}",
    )  # fmt: skip
    came = [each for each in found if each.actual is not None]
    drawn.add_scatter(
        y=[_(METRICS[each.metric]) for each in came], x=[(each.actual or 0) / each.expected for each in came],
        mode="markers+text", name=_("Came"), textposition="top center", cliponaxis=False,
        text=[amount(each.metric, each.actual, currency) for each in came],
        marker={"size": 11, "color": [charts.colour("strong" if inside(each) else "warm") for each in came]},
        hovertemplate="%{y}: %{text}",
    )  # fmt: skip
    drawn.update_layout(yaxis={"autorange": "reversed", "title": None, "automargin": True, "showgrid": False})
    drawn.update_xaxes(rangemode="tozero", title=None, tickformat=".0%")
    return drawn


def inside(each: Compared) -> bool:
    return each.actual is not None and each.low <= each.actual <= each.high


def amount(metric: str, value: float | None, currency: str) -> str:
    return money(value, currency) if metric in AMOUNTS else number(value)
