"""Value: what customers brought and will bring, who they are, and how far the forecast can be trusted."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import backtest, charts, cohorts, filters, look, shop
from parts.lang import N_, _, compact, money, month, n_, number, percent, share
from parts.look import Figure

from wabench import views
from wabench.behind import Behind
from wabench.segments.fields import CLOSED

MEASURES = {"expected": N_("Expected in 12 months"), "historic": N_("Brought so far")}
METHODS = {
    "frequency": N_("Frequency"),
    "order_value": N_("Order value"),
    "engagement": N_("Engagement"),
    "rfm": N_("RFM group"),
}
MONTHLY = {
    "ltv_expected_12m_average": N_("Expected in 12 months"),
    "ltv_historic_average": N_("Brought so far"),
    "customers": N_("Customers"),
    "repeat_share": N_("Bought again"),
}
CHANNELS = {"whatsapp": (N_("Served on WhatsApp"), "strong"), "other": (N_("Others"), "pale")}


def page() -> None:
    look.heading(_("Value"))
    [total] = views.with_ranges([shop.one("worth")])
    currency = total["currency"] or shop.settings().currency
    if not total["bought"]:
        look.nothing(_("Nobody has bought yet. Bring orders in with `wabench ingest`, then `wabench refresh`."))
        return
    figures(total, currency)
    left, right = st.columns([3, 2], gap="large")
    with left:
        distribution(currency)
    with right:
        cohorts.grid(shop.rows("rfm"), currency)
    tags(total, currency)
    cohorts.triangle(shop.rows("cohorts"), currency)
    left, right = st.columns(2, gap="large")
    with left:
        monthly(shop.rows("ltv_months"), currency)
    with right:
        spending(shop.rows("spend_months"), currency)
    backtest.show(shop.rows("fits"), currency)


def figures(total: dict[str, Any], currency: str) -> None:
    bought, expected = total["bought"], total["expected"]
    look.cards((
        Figure(_("Brought so far"), money(total["historic"], currency),
               _("net revenue of {n} who bought, ever", n=number(bought))),
        Figure(_("Expected in 12 months"), money(expected, currency),
               _("80 % range {low} to {high}", low=money(total["low"], currency), high=money(total["high"], currency))),
        Figure(_("Expected of one"), money(expected / total["valued"] if total["valued"] else None, currency),
               _("on average of {n} of whom something is expected", n=number(total["valued"]))),
        Figure(_("Bought again"), percent(total["bought_again"], bought),
               _("of {n} who bought, ever", n=number(bought))),
        Figure(_("At high risk to leave"), number(total["at_risk"]),
               _("{share} of who bought; they brought {money} so far", share=percent(total["at_risk"], bought),
                 money=money(total["historic_at_risk"], currency))),
    ))  # fmt: skip


def distribution(currency: str) -> None:
    look.section(
        _("How value is spread"),
        _("Customers who bought by what they brought or will bring, in {currency}; steps of 1, 2, 5. The line is the "
          "share of the sum that each step holds", currency=currency),
    )  # fmt: skip
    measure = filters.one(
        _("Value"), list(MEASURES), "measure", "expected", lambda name: _(MEASURES[name]), label_visibility="collapsed"
    )
    found = shop.rows("ltv_bins", measure=measure)
    if not found:
        look.nothing(_("Nothing is expected of anybody yet: no fit was possible. `wabench refresh` makes one."))
        return
    labels = [_step(row) for row in found]
    texts = [
        _("{step}: {n} customers ({share}), {of_value} of the sum", step=label, n=number(row["customers"]),
          share=share(row["share_of_customers"]), of_value=share(row["share_of_value"]))
        for label, row in zip(labels, found, strict=True)
    ]  # fmt: skip
    drawn = go.Figure([
        go.Bar(name=_("Customers"), x=labels, y=[row["customers"] for row in found], hovertext=texts, hoverinfo="text",
               marker_color=charts.colour("strong")),
        go.Scatter(name=_("Share of the sum"), x=labels, y=[row["share_of_value"] for row in found], yaxis="y2",
                   mode="lines+markers", line_color=charts.colour("warm"), hovertext=texts, hoverinfo="text"),
    ])  # fmt: skip
    drawn.update_layout(
        bargap=0.12, margin_r=40, xaxis={"type": "category", "range": [-0.5, max(len(found), 6) - 0.5]},
        yaxis_tickformat=charts.ticks(row["customers"] for row in found),
        yaxis2={"overlaying": "y", "side": "right", "tickformat": ".0%", "rangemode": "tozero", "showgrid": False},
    )  # fmt: skip
    charts.chart(drawn, "distribution", _("Customers by value"), found, 300, behind_point=(
        lambda point: valued_at(found[point["point_index"]], measure)
    ))  # fmt: skip


def _step(row: dict[str, Any]) -> str:
    return _("0 or less") if row["low"] is None else f"{compact(row['low'])}–{compact(row['high'])}"


def valued_at(row: dict[str, Any], measure: str) -> Behind:
    asked = {"measure": measure, "low": row["low"], "high": row["high"]}
    return Behind("ltv_bin", asked, f"{_(MEASURES[measure])}: {_step(row)}")


def tags(total: dict[str, Any], currency: str) -> None:
    look.section(
        _("Whose value it is"),
        _("All customers, by tag, in {currency}. The range of a sum is narrower than the sum of its customers' ranges; "
          "nothing is expected of who never bought", currency=currency),
    )  # fmt: skip
    method = filters.one(
        _("By"), list(METHODS), "method", "frequency", lambda name: _(METHODS[name]), label_visibility="collapsed"
    )
    found = views.with_ranges(shop.rows("worth_by_tag", method=method))
    order = {tag: rank for rank, tag in enumerate(CLOSED.get(f"{method}_tag", ()))}
    found.sort(key=lambda row: order.get(row["tag"], 0))
    left, right = st.columns(2, gap="large")
    with left:
        charts.chart(_worth(found), "tags", _("Value by tag"), found, 300, behind_point=(
            lambda point: Behind("tag", {"method": method, "tag": found[point["point_index"]]["tag"]},
                                 look.label(found[point["point_index"]]["tag"]))
        ))  # fmt: skip
    with right:
        charts.table([_tag(row, total) for row in found], "worth")


def _worth(found: list[dict[str, Any]]) -> go.Figure:
    names = [look.label(row["tag"]) for row in found]
    expected = [float(row["expected"]) for row in found]
    drawn = go.Figure([
        go.Bar(name=_("Brought so far"), x=names, y=[float(row["historic"]) for row in found],
               marker_color=charts.colour("pale"), hovertemplate="%{x}: %{y:,.0f}"),
        go.Bar(name=_("Expected in 12 months"), x=names, y=expected, marker_color=charts.colour("strong"),
               hovertemplate="%{x}: %{y:,.0f}", error_y={
                   "type": "data", "array": [row["high"] - value for row, value in zip(found, expected, strict=True)],
                   "arrayminus": [value - row["low"] for row, value in zip(found, expected, strict=True)],
                   "color": charts.colour("warm"), "thickness": 1.5, "width": 5}),
    ])  # fmt: skip
    drawn.update_layout(
        barmode="group", bargap=0.3, xaxis_type="category",
        yaxis_tickformat=charts.ticks([*expected, *(float(row["historic"]) for row in found)]),
    )  # fmt: skip
    return drawn


def _tag(row: dict[str, Any], total: dict[str, Any]) -> dict[str, Any]:
    return {
        _("Tag"): look.label(row["tag"]),
        _("Customers"): f"{number(row['customers'])} ({share(row['share_of_customers'])})",
        _("Brought"): compact(row["historic"]),
        _("Expected"): compact(row["expected"]),
        _("80 % range"): f"{compact(row['low'])}–{compact(row['high'])}",
        _("Share of expected"): percent(row["expected"], total["expected"]),
    }


def monthly(found: list[dict[str, Any]], currency: str) -> None:
    look.section(
        _("Month by month"),
        _("By the month's end (UTC), of who had bought by then, on average of one customer; the last {months} months",
          months=number(len({row["month"] for row in found}))),
    )  # fmt: skip
    if not found:
        look.nothing(_("There is no month with an order yet."))
        return
    measure = filters.one(
        _("Show"), list(MONTHLY), "monthly", "ltv_expected_12m_average", lambda name: _(MONTHLY[name]),
        label_visibility="collapsed",
    )  # fmt: skip
    channels = [name for name in CHANNELS if any(row["channel"] == name for row in found)]
    lines = [[row for row in found if row["channel"] == name] for name in channels]
    tickformat = ".0%" if measure == "repeat_share" else charts.ticks(float(row[measure] or 0) for row in found)
    drawn = go.Figure([_line(name, line, measure, currency) for name, line in zip(channels, lines, strict=True)])
    drawn.update_layout(yaxis_tickformat=tickformat, yaxis_rangemode="tozero")
    charts.chart(drawn, "months", _("Value by month and channel"), found, 280, behind_point=(
        lambda point: bought_by(lines[point["curve_number"]][point["point_index"]])
    ))  # fmt: skip


def _line(channel: str, found: list[dict[str, Any]], measure: str, currency: str) -> go.Scatter:
    name, colour = CHANNELS[channel]
    texts = [f"{month(row['month'])}: {_monthly(row, measure, currency)}" for row in found]
    return go.Scatter(
        name=_(name), x=[row["month"] for row in found], y=[row[measure] for row in found], mode="lines+markers",
        line={"color": charts.colour(colour), "width": 2}, hovertext=texts, hoverinfo="text",
    )  # fmt: skip


def _monthly(row: dict[str, Any], measure: str, currency: str) -> str:
    """Say a month's figure, of how many, and its change against the month before."""
    of = n_("of {n} customer", "of {n} customers", row["customers"])
    if measure == "customers":
        return number(row["customers"])
    if measure == "repeat_share":
        return f"{share(row['repeat_share'])} {of}"
    changed = row[measure.replace("_average", "_change")]
    risen = "" if changed is None else f" ({'+' if changed >= 0 else ''}{share(changed)})"
    return f"{money(row[measure], currency)}{risen} {of}"


def bought_by(row: dict[str, Any]) -> Behind:
    """Tell who had bought by the end of a month, on a channel."""
    until = min(views.next_month(row["month"]), shop.version().as_of)
    return Behind("ltv_month", {"until": until, "channel": row["channel"]},
                  f"{_(CHANNELS[row['channel']][0])}, {month(row['month'])}")  # fmt: skip


def spending(found: list[dict[str, Any]], currency: str) -> None:
    look.section(
        _("Per 1 spent"),
        _("Net revenue attributed to campaigns ÷ what their messages cost, by the month (UTC) of the sends; only where "
          "every message's cost is known. It says what followed, not what the campaign caused"),
    )  # fmt: skip
    if not found:
        look.nothing(_("No campaign yet. Choose customers on the Segments page and plan one."))
        return
    texts = [
        _("{month}: {revenue} by {cost} spent on {delivered} delivered<br>{unknown} messages without a known cost",
          month=month(row["month"]), revenue=money(row["revenue"], currency), cost=money(row["cost"], currency),
          delivered=number(row["delivered"]), unknown=number(row["messages_without_cost"]))
        for row in found
    ]  # fmt: skip
    drawn = go.Figure(go.Bar(
        x=[month(row["month"]) for row in found], y=[row["revenue_per_1_spent"] for row in found], hovertext=texts,
        hoverinfo="text", marker_color=charts.colour("strong"), width=0.6,
        text=[number(row["revenue_per_1_spent"], 1) for row in found],
    ))  # fmt: skip
    drawn.update_layout(xaxis={"type": "category", "range": [-0.5, max(len(found), 6) - 0.5]}, yaxis_tickformat="~g")
    charts.chart(drawn, "spending", _("Revenue per 1 spent by month"), found, 325, behind_point=(
        lambda point: Behind("spend_month", {"month": found[point["point_index"]]["month"]},
                             month(found[point["point_index"]]["month"]))
    ))  # fmt: skip


page()
