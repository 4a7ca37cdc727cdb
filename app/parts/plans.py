"""Plans compared: what a month's messages would have cost on each, beside what was charged."""

from datetime import date
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import charts, filters, look, shop
from parts.lang import N_, NONE, _, money, month, number

from wabench import costs
from wabench.costs import MonthOnPlan


def compared(months: list[dict[str, Any]]) -> None:
    """Let a month be chosen, and show its messages on each plan of the price book, the cheapest marked."""
    look.section(
        _("Plans compared"),
        _("All messages delivered in the month (UTC), as if each plan had carried all of them, free quota included; "
          "list prices of `seeds/price_book.csv`, to be replaced by your contract's"),
    )  # fmt: skip
    if not months:
        look.nothing(_("No month has a delivered message yet, so there is nothing to price."))
        return
    keys = {f"{row['month']:%Y-%m}": row for row in months}
    usual = next(
        (key for key, row in keys.items() if costs.is_whole(row["month"], shop.version().as_of)), next(iter(keys))
    )
    chosen = keys[filters.one(_("Month"), list(keys), "month", usual, lambda key: month(keys[key]["month"]),
                              widget=st.selectbox, width=200)]  # fmt: skip
    found = costs.months(shop.version(), chosen["month"])
    cheapest = next((plan for plan in found if plan.total_cost is not None), None)
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        _bars(found, cheapest)
    with right:
        _said(chosen, found, cheapest)
        _volumes(found, chosen["month"])
    charts.table([_row(plan, plan is cheapest) for plan in found], "plans")


def _said(chosen: dict[str, Any], found: list[MonthOnPlan], cheapest: MonthOnPlan | None) -> None:
    first = found[0]
    text = _("{messages} messages in {month}; charged **{charged}**", messages=number(first.messages),
             month=month(chosen["month"]), charged=money(first.charged_cost, first.currency))  # fmt: skip
    if first.messages_without_cost:
        text += _(", without {n} whose cost is not known", n=number(first.messages_without_cost))
    if cheapest is not None:
        text += _(
            ". Cheapest: **{plan}** at {total}", plan=cheapest.name, total=money(cheapest.total_cost, first.currency)
        )
    if not costs.is_whole(chosen["month"], shop.version().as_of):
        text += _(". The month is not over")
    st.markdown(f"{text}.")


def _bars(found: list[MonthOnPlan], cheapest: MonthOnPlan | None) -> None:
    priced = [plan for plan in found if plan.total_cost is not None]
    names = [f"{plan.name} ✓" if plan is cheapest else plan.name for plan in priced]
    parts = (
        (N_("The plan's own"), "strong", [float(plan.own_cost or 0) for plan in priced]),
        (N_("Meta's fees"), "pale", [float(plan.meta_fees) for plan in priced]),
    )
    drawn = go.Figure([
        go.Bar(name=_(name), y=names, x=values, orientation="h", marker_color=charts.colour(colour),
               hovertemplate="%{y}: %{x:,.2f}")
        for name, colour, values in parts
    ])  # fmt: skip
    drawn.add_vline(float(found[0].charged_cost), line={"color": charts.colour("warm"), "width": 2, "dash": "dot"},
                    annotation_text=_("charged"), annotation_position="bottom right")  # fmt: skip
    drawn.update_layout(barmode="stack", bargap=0.35, yaxis={"autorange": "reversed"})
    data = [{"plan": plan.name, "own_cost": plan.own_cost, "meta_fees": plan.meta_fees, "total_cost": plan.total_cost,
             "charged_cost": plan.charged_cost} for plan in found]  # fmt: skip
    charts.chart(drawn, "plan_costs", _("The month on each plan"), data, 80 + 38 * len(priced))


def _row(plan: MonthOnPlan, is_cheapest: bool) -> dict[str, Any]:
    price = plan.price_per_message
    return {
        _("Plan"): f"{plan.name} ✓" if is_cheapest else plan.name,
        _("Total"): money(plan.total_cost, plan.currency),
        _("Own"): money(plan.own_cost, plan.currency),
        _("Meta's fees"): money(plan.meta_fees, plan.currency),
        _("Went through it"): plan.messages_on_plan,
        _("Free"): _("{used} of {quota}", used=number(plan.free_messages), quota=number(plan.free_quota))
        if plan.free_quota
        else NONE,
        _("Each"): NONE if price is None else number(price, 4),
        _("A month"): money(plan.monthly_fee, plan.currency),
        _("Without price"): plan.messages_without_price,
        _("Days to verify"): plan.verification_days or NONE,
    }


def _volumes(found: list[MonthOnPlan], of: date) -> None:
    """Say from which number of messages on which plan is the cheapest, at the month's mix."""
    priced = [plan for row in found if (plan := row.as_plan()) is not None]
    steps = costs.cheapest_from(priced)
    if len(priced) < 2 or not steps:
        return
    said = "; ".join(_("from {n}: **{plan}**", n=number(step.messages), plan=step.plan) for step in steps)
    st.caption(_("Cheapest by messages a month, at the mix of {month}: {said}", month=month(of), said=said))
