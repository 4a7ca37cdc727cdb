"""Overview: is the data fresh, what do messages bring, what needs a person."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import alerts, charts, look, refreshing, shop
from parts.lang import N_, NONE, _, ago, change, day, moment, money, number, percent
from parts.look import Figure, Window

from wabench import display, views
from wabench.behind import Behind

OF = {"accepted": N_("of accepted"), "delivered": N_("of delivered")}
STEPS = (
    (N_("Accepted"), "accepted", None),
    (N_("Delivered"), "delivered", "accepted"),
    (N_("Read"), "read", "delivered"),
    (N_("Replied"), "replied", "delivered"),
)


def page() -> None:
    window = look.windowed_heading(_("Overview"))
    alerts.show(shop.rows("alerts"))
    headline = shop.one("headline", **views.headline_window(shop.version(), window.days))
    funnel = shop.windowed("funnel", window.days)[0]
    figures(headline, funnel, window)
    left, right = st.columns([2, 1], gap="large")
    with left:
        revenue(headline, window)
    with right:
        messages(funnel, window)
    campaigns(shop.rows("campaigns"))
    left, right = st.columns([2, 1], gap="large")
    with left:
        sources(shop.rows("sources"))
    with right:
        refreshes(shop.rows("refreshes"))


def figures(headline: dict[str, Any], funnel: dict[str, Any], window: Window) -> None:
    currency = headline["currency"] or shop.settings().currency
    net, attributed = headline["net_revenue"] or 0, headline["attributed_net_revenue"] or 0
    shown = (
        Figure(_("Customers"), number(headline["customers"]),
               _("{reachable} reachable, {opted_in} of them opted in", reachable=number(headline["reachable"]),
                 opted_in=number(headline["opted_in"]))),
        Figure(_("Net revenue"), money(net, currency),
               _("{orders} paid orders, {window}", orders=number(headline["orders"]), window=window.label)
               + trend(net, headline["net_revenue_before"], window)),
        Figure(_("From messages"), money(attributed, currency),
               _("{share} of net revenue, {window}", share=percent(attributed, net), window=window.label)
               + trend(attributed, headline["attributed_before"], window)),
        Figure(_("Read rate"), percent(funnel["read"], funnel["delivered"]),
               _("of {delivered} delivered, {window}", delivered=number(funnel["delivered"]), window=window.label)),
        Figure(_("Reply rate"), percent(funnel["replied"], funnel["delivered"]),
               _("within 24 h, of {delivered} delivered, {window}", delivered=number(funnel["delivered"]),
                 window=window.label)),
        Figure(_("Per 1 spent"), number(float(attributed) / float(funnel["cost"]), 1) if funnel["cost"] else NONE,
               _("net revenue from messages by their cost, {cost}; {window}",
                 cost=money(funnel["cost"], currency), window=window.label)),
    )  # fmt: skip
    look.cards(shown)


def trend(now: Any, before: Any, window: Window) -> str:
    """Say how much more or less it is than in the window before."""
    risen = change(now, before)
    return _("; {change} on the {days} days before", change=risen, days=window.days) if risen else ""


def revenue(headline: dict[str, Any], window: Window) -> None:
    settings = shop.settings()
    currency = headline["currency"] or settings.currency
    grain = views.grain(window.days)
    by = {"day": _("by day"), "week": _("by week"), "month": _("by month")}[grain]
    touch = _("first") if settings.attribution_model == "first_touch" else _("last")
    note = _("{currency} {by}, {window}; an order counts for the {touch} message delivered before it",
             currency=currency, by=by, window=window.label, touch=touch)  # fmt: skip
    look.section(_("Net revenue"), note)
    periods = shop.windowed("revenue", window.days, grain=grain, zone=settings.timezone)
    if not periods:
        has_orders = headline["first_order_at"] is not None
        hint = _("Choose a longer window.") if has_orders else _("Bring them in with `wabench ingest`.")
        look.nothing(_("No orders, {window}. {hint}", window=window.label, hint=hint))
        return
    charts.chart(bars(periods, currency), "revenue", _("Net revenue over time"), periods, behind_point=(
        lambda point: buyers(periods, point, grain, window)
    ))  # fmt: skip


def bars(periods: list[dict[str, Any]], currency: str) -> go.Figure:
    x = [row["period"] for row in periods]
    attributed = [float(row["attributed"]) for row in periods]
    others = [float(row["net_revenue"] - row["attributed"]) for row in periods]
    hover = "%{x|%-d %b %Y}: " + currency + " %{y:,.0f}"
    drawn = go.Figure(
        [
            go.Bar(
                name=_("After a message"), x=x, y=attributed, marker_color=charts.colour("strong"), hovertemplate=hover
            ),
            go.Bar(name=_("Other orders"), x=x, y=others, marker_color=charts.colour("pale"), hovertemplate=hover),
        ]
    )
    drawn.update_layout(barmode="relative", bargap=0.25, yaxis_tickformat="~s", xaxis_title=None)
    return drawn


def buyers(periods: list[dict[str, Any]], point: charts.Point, grain: str, window: Window) -> Behind:
    """Tell who ordered in the period of a bar, after a message or otherwise."""
    begun = periods[point["point_index"]]["period"]
    asked = views.period(shop.version(), begun, grain, shop.settings().zone, window.days)
    return Behind("orders", {**asked, "is_attributed": point["curve_number"] == 0})


def messages(funnel: dict[str, Any], window: Window) -> None:
    look.section(_("Messages"), _("Ours to customers, {window}", window=window.label))
    if not funnel["accepted"]:
        look.nothing(_("No messages, {window}. Send a campaign, or point the provider's webhooks at `wabench receive`.",
                       window=window.label))  # fmt: skip
        return
    values = [funnel[key] for _name, key, _of in STEPS]
    names = {key: _(name) for name, key, _of in STEPS}
    texts = [
        number(value) if of is None else f"{number(value)} · {percent(value, funnel[of])} {_(OF[of])}"
        for value, (_name, _key, of) in zip(values, STEPS, strict=True)
    ]
    drawn = go.Figure(
        go.Bar(
            y=list(names.values()), x=values, text=texts, orientation="h", marker_color=charts.colour("strong"),
            textposition="auto", insidetextanchor="start", hoverinfo="none", cliponaxis=False, textfont_size=12,
        )
    )  # fmt: skip
    drawn.update_layout(
        bargap=0.35, margin_r=130, xaxis={"visible": False}, yaxis={"autorange": "reversed", "title": None}
    )
    data = [{"step": key, "messages": funnel[key]} for key in (*names, "failed")]
    since = views.window(shop.version(), window.days)
    charts.chart(drawn, "funnel", _("Message funnel"), data, 190, behind_point=(
        lambda point: reached(list(names)[point["point_index"]], names, since)
    ))  # fmt: skip
    st.caption(_("{failed} failed ({share} of accepted)", failed=number(funnel["failed"]),
                 share=percent(funnel["failed"], funnel["accepted"])))  # fmt: skip


def reached(step: str, names: dict[str, str], since: dict[str, Any]) -> Behind:
    return Behind("funnel", {**since, "step": step}, names[step])


def campaigns(found: list[dict[str, Any]]) -> None:
    look.section(
        _("Campaigns"),
        _("Since each began. Delivered is of accepted, read of delivered; replied and converted are customers, of "
          "those delivered to; ROI is net of cost, where every message's cost is known"),
    )  # fmt: skip
    if not found:
        look.nothing(_("No campaign yet. Choose customers on the Segments page and plan one."))
        return
    charts.table([campaign(row) for row in found], "campaigns")


def campaign(row: dict[str, Any]) -> dict[str, Any]:
    def of(part: str, whole: str) -> str:
        return f"{number(row[part])} ({percent(row[part], row[whole])})" if row[whole] else NONE

    currency = row["currency"] or shop.settings().currency
    return {
        _("Campaign"): row["name"],
        _("Status"): _(row["status"]),
        _("Since"): day(row["since"]),
        _("Planned"): row["planned"],
        _("Left out"): row["suppressed"],
        _("Accepted"): row["accepted"],
        _("Delivered"): of("delivered", "accepted"),
        _("Read"): of("read", "delivered"),
        _("Replied"): of("replied", "customers_delivered"),
        _("Converted"): of("converted", "customers_delivered"),
        _("Cost"): money(row["cost"], currency),
        _("Revenue"): money(row["revenue"], currency),
        _("ROI"): NONE if row["roi"] is None else number(row["roi"], 1),
    }


def sources(found: list[dict[str, Any]]) -> None:
    look.section(_("Sources"), _("How far each source reaches, when it last brought something, what could not be read"))
    if not found:
        look.nothing(_("No source has brought anything yet: `wabench ingest`."))
        return
    shown = [
        {
            _("Source"): row["source"],
            _("Newest record"): moment(row["newest_at"]),
            _("Last received"): ago(row["last_received_at"]),
            _("Rows"): row["rows"],
            _("Rejected"): row["rejected"],
        }
        for row in found
    ]
    charts.table(shown, "sources")


def refreshes(found: list[dict[str, Any]]) -> None:
    look.section(_("Refreshes"))
    last = next((row for row in found if row["status"] == "published"), None)
    if last:
        st.caption(_("Last published {moment}; {tests} tests passed", moment=moment(last["finished_at"]),
                     tests=number(last["tests_passed"])))  # fmt: skip
    for row in found[:5]:
        mark = refreshing.MARKS.get(row["status"], ":gray[:material/pending:]")
        note = f": {display.verbatim(row['error'])}" if row["error"] else ""
        st.caption(f"{mark} {moment(row['started_at'])} {_(row['status'])}{note}")


page()
