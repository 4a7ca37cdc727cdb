"""Costs: what messages cost and bring, what other plans would ask, what may run out, what isn't known."""

from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import charts, filters, look, plans, shop
from parts.lang import N_, NONE, _, date_of, day, fine, moment, money, month, number, percent, share
from parts.look import Figure, Window

from wabench import display, seeds, views
from wabench.behind import Behind

PER = {
    "delivered": N_("Per delivered"),
    "read": N_("Per read"),
    "replied": N_("Per reply"),
    "orders": N_("Per order"),
}
SIDES = {"category": N_("Category"), "country": N_("Country"), "provider": N_("Provider")}
LIMITS = {"quota": "quota_nearly_used", "tier": "tier_nearly_used"}


def page() -> None:
    window = look.windowed_heading(_("Costs"))
    headline = shop.windowed("cost_headline", window.days)[0]
    currency = headline["currency"] or shop.settings().currency
    if headline["messages"]:
        figures(headline, currency, window)
        left, right = st.columns(2, gap="large")
        with left:
            over_time(currency, window)
        with right:
            by_side(currency, window)
    else:
        look.nothing(_("No messages, {window}. Send a campaign, or point the provider's webhooks at `wabench receive`.",
                       window=window.label))  # fmt: skip
    plans.compared(shop.rows("plan_months"))
    left, right = st.columns(2, gap="large")
    with left:
        limits()
    with right:
        unknown(headline, window)


def figures(headline: dict[str, Any], currency: str, window: Window) -> None:
    cost = headline["cost"]
    known = headline["messages"] - headline["messages_without_cost"]
    shown = [
        Figure(_("Cost"), money(cost, currency), _("of {n} messages whose cost is known, {window}", n=number(known),
                                                   window=window.label))
    ]  # fmt: skip
    of = {
        "delivered": N_("{n} delivered, {window}"),
        "read": N_("{n} read, {window}"),
        "replied": N_("{n} replied to within 24 h, {window}"),
        "orders": N_("{n} paid orders after a message, {window}"),
    }
    shown += [
        Figure(_(name), _each(cost, headline[key], currency), _(of[key], n=number(headline[key]), window=window.label))
        for key, name in PER.items()
    ]
    brought = float(headline["revenue"]) / float(cost) if cost else None
    shown.append(
        Figure(_("Per 1 spent"), NONE if brought is None else number(brought, 1),
               _("{revenue} net revenue after messages by their cost, {window}",
                 revenue=money(headline["revenue"], currency), window=window.label))
    )  # fmt: skip
    look.cards(shown)


def _each(cost: Any, count: int, currency: str) -> str:
    """Say what one cost; parts of a cent matter for a message."""
    if cost is None or not count:
        return NONE
    one = float(cost) / count
    return money(one, currency) if one >= 1 else fine(one, currency)


def over_time(currency: str, window: Window) -> None:
    grain = views.grain(window.days)
    by = {"day": _("by day"), "week": _("by week"), "month": _("by month")}[grain]
    look.section(
        _("Cost over time"),
        _("{currency} {by}, {window}. The line is cost ÷ what is chosen, of the same time; an order counts when it was "
          "placed, for the message it follows", currency=currency, by=by, window=window.label),
    )  # fmt: skip
    per = filters.one(_("Per"), list(PER), "per", "delivered", lambda name: _(PER[name]), label_visibility="collapsed")
    found = shop.windowed("cost_over_time", window.days, grain=grain, zone=shop.settings().timezone)
    each = [float(row["cost"]) / row[per] if row[per] else None for row in found]
    texts = [
        f"{date_of(row['period'])}: {money(row['cost'], currency)}<br>"
        f"{_(PER[per])}: {_each(row['cost'], row[per], currency)} ({number(row[per])})"
        for row in found
    ]
    x = [row["period"] for row in found]
    drawn = go.Figure([
        go.Bar(name=_("Cost"), x=x, y=[float(row["cost"]) for row in found], marker_color=charts.colour("strong"),
               hovertext=texts, hoverinfo="text"),
        go.Scatter(name=_(PER[per]), x=x, y=each, yaxis="y2", mode="lines+markers", hovertext=texts, hoverinfo="text",
                   line={"color": charts.colour("warm"), "width": 2}),
    ])  # fmt: skip
    drawn.update_layout(
        bargap=0.25, margin_r=50, yaxis_tickformat=charts.ticks(float(row["cost"]) for row in found),
        yaxis2={"overlaying": "y", "side": "right", "rangemode": "tozero", "showgrid": False, "tickformat": ".2~g",
                "tickmode": "auto", "nticks": 5},
    )  # fmt: skip
    charts.chart(drawn, "cost_over_time", _("Cost over time"), found, 290, behind_point=(
        lambda point: paid_for(found[point["point_index"]]["period"], grain, window)
    ))  # fmt: skip


def paid_for(begun: datetime, grain: str, window: Window) -> Behind:
    """Tell to whom the messages of a bar went."""
    asked = views.period(shop.version(), begun, grain, shop.settings().zone, window.days)
    return Behind("cost", {**asked, "by": None, "value": None, "is_unknown": False})


def by_side(currency: str, window: Window) -> None:
    look.section(
        _("Where it goes"),
        _("Cost of our messages, {window}; what one delivered costs stands behind each bar", window=window.label),
    )
    side = filters.one(
        _("By"), list(SIDES), "by", "category", lambda name: _(SIDES[name]), label_visibility="collapsed"
    )
    found = (
        shop.windowed("cost_by_country", window.days)
        if side == "country"
        else shop.windowed("cost_by", window.days, by=side)
    )
    shown = [row for row in found if row["cost"]] or found
    drawn = go.Figure(go.Bar(
        y=[look.label(row["value"]) for row in shown], x=[float(row["cost"]) for row in shown], orientation="h",
        text=[f"{money(row['cost'], currency)} · {share(row['share_of_cost'])} · "
              f"{_each(row['cost'], row['delivered'], currency)}" for row in shown],
        marker_color=charts.colour("strong"), cliponaxis=False, hovertext=[_side(row, currency) for row in shown],
        hoverinfo="text",
    ))  # fmt: skip
    drawn.update_layout(xaxis_visible=False, yaxis={"autorange": "reversed", "type": "category"}, margin_r=210)
    charts.chart(drawn, "cost_by", _("Cost by {side}", side=_(SIDES[side]).lower()), found, 60 + 36 * len(shown),
                 behind_point=lambda point: charged(shown[point["point_index"]]["value"], side, window))  # fmt: skip


def _side(row: dict[str, Any], currency: str) -> str:
    return _("{name}: {cost} for {messages} messages<br>{delivered} delivered, {read} read, {replied} replied to",
             name=look.label(row["value"]), cost=money(row["cost"], currency), messages=number(row["messages"]),
             delivered=number(row["delivered"]), read=number(row["read"]), replied=number(row["replied"]))  # fmt: skip


def charged(value: str, side: str, window: Window) -> Behind:
    asked = views.window(shop.version(), window.days)
    return Behind("cost", {**asked, "by": side, "value": value, "is_unknown": False}, look.label(value))


def limits() -> None:
    look.section(
        _("What may run out"),
        _("Free messages of this month (UTC) by plan in use, and people written to by template in the last 24 hours of "
          "those the provider allows; as of {moment}", moment=look.as_of()),
    )  # fmt: skip
    if not shop.version().columns("fct_limits"):
        look.nothing(_("The published file is of an older version; `wabench refresh` adds this."))
        return
    found = shop.rows("limits")
    if not found:
        look.nothing(_("No plan in use has free messages this month, and no provider told a limit. Plans stand in "
                       "`seeds/price_book.csv`; limits come by webhook."))  # fmt: skip
    for row in found:
        _limit(row)


def _limit(row: dict[str, Any]) -> None:
    names = {"category": row["category"] and look.label(row["category"]), "channel": row["channel"]}
    what = _("people in 24 h") if row["kind"] == "tier" else _("free messages, {month}", month=month(row["month"]))
    name = " · ".join(filter(None, (row["provider"], row["plan"], *names.values(), what)))
    threshold = seeds.alert_threshold(LIMITS[row["kind"]])
    is_near = threshold is not None and row["share_used"] is not None and row["share_used"] > threshold
    mark = ":red[:material/warning:] " if is_near else ""
    told = _(", told {moment}", moment=moment(row["told_at"])) if row["told_at"] else ""
    st.progress(
        min(1.0, row["share_used"] or 0.0),
        f"{mark}{display.verbatim(name)}: **{number(row['used'])}** / {number(row['allowed'])} "
        f"({share(row['share_used'])}){told}",
    )


def unknown(headline: dict[str, Any], window: Window) -> None:
    missing, messages = headline["messages_without_cost"], headline["messages"]
    look.section(
        _("What isn't known"),
        _("{missing} of {messages} messages have no cost ({share}), {window}: the provider told none, and the price "
          "book has no line for them. No sum holds them", missing=number(missing), messages=number(messages),
          share=percent(missing, messages), window=window.label),
    )  # fmt: skip
    if not messages:
        return
    if not missing:
        st.markdown(f":green[:material/check_circle:] {_('The cost of every message is known.')}")
        return
    found = shop.windowed("cost_unknown", window.days)
    charts.table([
        {
            _("Provider"): row["provider"],
            _("Category"): look.label(row["category"]),
            _("Content"): look.label(row["content_kind"]),
            _("Messages"): row["messages"],
            _("Delivered"): row["delivered"],
            _("Last"): day(row["last_at"]),
        }
        for row in found
    ], "cost_unknown")  # fmt: skip
    st.caption(_("Add a line for them to `seeds/price_book.csv`; the next refresh prices them."))
    if st.toggle(_("Show the customers behind them"), key="unknown", bind="query-params"):
        asked = views.window(shop.version(), window.days)
        of = Behind("cost", {**asked, "by": None, "value": None, "is_unknown": True})
        charts.who(of, _("messages without a cost"), "unknown_cost")


page()
