"""Overview: is the data fresh, what do messages bring, what needs a person."""

from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from wabench import display, locks, published, views
from wabench import settings as configuration
from wabench.published import Published
from wabench.settings import Settings

GREEN, PALE, LINE = "#0B6E5B", "#C9D6D2", "#DEE4E2"
WINDOW_NAMES = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "365 days", "all": "All time"}
MARKS = {"published": ":green[:material/check_circle:]", "failed": ":red[:material/error:]"}
ALERTS = {
    "low_reply_rate": "Campaign **{subject_name}**: {value:.1%} of {denominator:,} delivered were answered, under "
    "{threshold:.0%}. Look at whom it goes to before the next one.",
    "high_failure_rate": "Campaign **{subject_name}**: {value:.1%} of {denominator:,} accepted failed, over "
    "{threshold:.0%}. Check the numbers' source and the template.",
    "template_stopped": "Template **{subject_name}** at the provider: nothing more is sent with it.",
    "template_quality_red": "Template **{subject_name}** has red quality; the provider may pause it.",
    "stale_source": "Source **{subject_name}** has brought nothing for {value:,.0f} hours. Check it, then "
    "`wabench ingest`.",
    "rejected_rows": "Source **{subject_name}**: {value:,.0f} records of the last 7 days could not be read; "
    "`raw.rejected` says why.",
    "refund_over_order": "Source **{subject_name}**: {value:,.0f} orders gave back more than was charged; "
    "their net is below zero.",
    "future_event": "Provider **{subject_name}**: {value:,.0f} events happened later than they were received; "
    "its clock is wrong.",
    "shrunken_source": "{value:,.0f} **{subject_name}**. A full pull did not show them, and too little or nothing else "
    "to take them for deleted; they count on.",
    "unknown_order_status": "{value:,.0f} orders of **{subject_name}** are in a status nobody knows and count as never "
    "paid. Name it in the source's table.",
    "shared_identity": "**{subject_name}** stands with {value:,.0f} others, so it leads to nobody.",
    "dialogs_waiting": "{denominator:,} dialogs on **{subject_name}** wait for an answer, the longest for "
    "{value:,.1f} hours; the line is {threshold:,.0f}. High order values first.",
    "tier_nearly_used": "**{subject_name}**: {value:.0%} of the {denominator:,} customers who may be written to in 24 "
    "hours are used up. Spread the next campaign over several days.",
    "quota_nearly_used": "**{subject_name}**: {value:.0%} of this month's {denominator:,} free messages are used up; "
    "those after them cost the plan's price.",
}


@st.cache_data(show_spinner=False, max_entries=200)
def ask(view: str, path: str, days: int, zone: str, _version: Published) -> Any:
    """Ask a view once for each published version."""
    match view:
        case "headline":
            return views.headline(_version, days)
        case "revenue":
            return views.revenue(_version, days, zone)
        case "funnel":
            return views.windowed(_version, view, days)[0]
        case _:
            return views.rows(_version, view)


def page() -> None:
    settings = configuration.load()
    version = published.current(settings)

    def view(name: str, days: int = 0) -> Any:
        return ask(name, str(version.path), days, settings.timezone, version)

    days, label = heading(settings, version)
    alerts(view("alerts"))
    headline, funnel = view("headline", days), view("funnel", days)
    figures(headline, funnel, label, days, settings)
    left, right = st.columns([2, 1], gap="large")
    with left:
        revenue(view("revenue", days), headline, settings, label, days)
    with right:
        messages(funnel, label)
    campaigns(view("campaigns"), settings)
    left, right = st.columns([2, 1], gap="large")
    with left:
        sources(view("sources"), settings)
    with right:
        refreshes(view("refreshes"), settings)


def heading(settings: Settings, version: Published) -> tuple[int, str]:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title("Overview", anchor=False)
    with right:
        chosen = st.segmented_control(
            "Window", list(views.WINDOWS), default="30d", required=True, key="window", bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
    name = str(chosen)
    until = display.moment(version.as_of, settings.zone)
    label = "all time" if name == "all" else f"{WINDOW_NAMES[name]} up to {until}"
    left.caption(f"{label[0].upper()}{label[1:]}; amounts in {settings.currency}")
    return views.WINDOWS[name], "all time" if name == "all" else f"last {WINDOW_NAMES[name]}"


def alerts(found: list[dict[str, Any]]) -> None:
    for alert in found:
        text = ALERTS.get(alert["alert"], "{alert}: **{subject_name}**, {value:,.2f} against {threshold:,.2f}")
        box = st.error if alert["severity"] == "critical" else st.warning
        box(text.format(**alert | {"subject_name": display.verbatim(alert["subject_name"])}), icon=":material/warning:")


def figures(headline: dict[str, Any], funnel: dict[str, Any], label: str, days: int, settings: Settings) -> None:
    currency = headline["currency"] or settings.currency
    net, attributed = headline["net_revenue"] or 0, headline["attributed_net_revenue"] or 0
    change = display.change(net, headline["net_revenue_before"])
    trend = f"; {change} on the {days} days before" if change else ""
    delivered = display.number(funnel["delivered"])
    shown = (
        ("Customers", display.number(headline["customers"]),
         f"{display.number(headline['reachable'])} reachable, {display.number(headline['opted_in'])} of them opted in"),
        ("Net revenue", display.money(net, currency),
         f"{display.number(headline['orders'])} paid orders, {label}{trend}"),
        ("From messages", display.money(attributed, currency),
         f"{display.percent(attributed, net)} of net revenue, {label}"),
        ("Read rate", display.percent(funnel["read"], funnel["delivered"]), f"of {delivered} delivered, {label}"),
        ("Reply rate", display.percent(funnel["replied"], funnel["delivered"]),
         f"within 24 h, of {delivered} delivered, {label}"),
    )  # fmt: skip
    for cell, (name, value, note) in zip(st.columns(len(shown), gap="small"), shown, strict=True):
        with cell.container(border=True, height="stretch", gap="xxsmall"):
            st.metric(name, value)
            st.caption(note)


def revenue(periods: list[dict[str, Any]], headline: dict[str, Any], settings: Settings, label: str, days: int) -> None:
    currency = headline["currency"] or settings.currency
    st.subheader("Net revenue", anchor=False)
    grain = "day" if days <= 30 else "week" if days <= 120 else "month"
    touch = "first" if settings.attribution_model == "first_touch" else "last"
    st.caption(f"{currency} by {grain}, {label}; an order counts for the {touch} message delivered before it")
    if not periods:
        has_orders = headline["first_order_at"] is not None
        hint = "Choose a longer window." if has_orders else "Bring them in with `wabench ingest`."
        st.info(f"No orders, {label}. {hint}", icon=":material/info:")
        return
    x = [row["period"] for row in periods]
    attributed = [float(row["attributed"]) for row in periods]
    others = [float(row["net_revenue"] - row["attributed"]) for row in periods]
    hover = "%{x|%-d %b %Y}: " + currency + " %{y:,.0f}"
    chart = go.Figure(
        [
            go.Bar(name="After a message", x=x, y=attributed, marker_color=GREEN, hovertemplate=hover),
            go.Bar(name="Other orders", x=x, y=others, marker_color=PALE, hovertemplate=hover),
        ]
    )
    chart.update_layout(
        barmode="relative", bargap=0.25, height=260, margin={"l": 0, "r": 0, "t": 4, "b": 0},
        legend={"orientation": "h", "y": 1.12, "x": 0}, yaxis={"gridcolor": LINE, "tickformat": "~s"}, xaxis_title=None,
    )  # fmt: skip
    st.plotly_chart(chart, key="revenue", config={"displayModeBar": False}, alt="Net revenue over time")


def messages(funnel: dict[str, Any], label: str) -> None:
    st.subheader("Messages", anchor=False)
    st.caption(f"Ours to customers, {label}")
    if not funnel["accepted"]:
        st.info(
            f"No messages, {label}. Send a campaign from Segments, or point the provider's webhooks at "
            "`wabench receive`.",
            icon=":material/info:",
        )
        return
    steps = (("Accepted", "accepted", None), ("Delivered", "delivered", "accepted"), ("Read", "read", "delivered"),
             ("Replied", "replied", "delivered"))  # fmt: skip
    values = [funnel[key] for _, key, _ in steps]
    texts = [
        f"{value:,}" if of is None else f"{value:,} · {display.percent(value, funnel[of])} of {of}"
        for value, (_, _, of) in zip(values, steps, strict=True)
    ]
    chart = go.Figure(
        go.Bar(
            y=[name for name, _, _ in steps], x=values, text=texts, orientation="h", marker_color=GREEN,
            textposition="auto", insidetextanchor="start", hoverinfo="skip", cliponaxis=False, textfont_size=12,
        )
    )  # fmt: skip
    chart.update_layout(
        height=190, bargap=0.35, margin={"l": 0, "r": 110, "t": 0, "b": 0},
        xaxis={"visible": False}, yaxis={"autorange": "reversed", "title": None},
    )  # fmt: skip
    st.plotly_chart(chart, key="funnel", config={"displayModeBar": False}, alt="Message funnel")
    st.caption(f"{funnel['failed']:,} failed ({display.percent(funnel['failed'], funnel['accepted'])} of accepted)")


def campaigns(found: list[dict[str, Any]], settings: Settings) -> None:
    st.subheader("Campaigns", anchor=False)
    st.caption(
        "Since each began. Delivered is of accepted, read of delivered; replied and converted are customers, of those "
        "delivered to; ROI is net of cost, where every message's cost is known"
    )
    if not found:
        st.info("No campaign yet. Choose customers on the Segments page and plan one.", icon=":material/info:")
        return
    st.dataframe([_campaign(row, settings) for row in found], hide_index=True, height="auto")


def _campaign(row: dict[str, Any], settings: Settings) -> dict[str, Any]:
    def of(part: str, whole: str) -> str:
        share = display.percent(row[part], row[whole])
        return f"{display.number(row[part])} ({share})" if row[whole] else display.NONE

    currency = row["currency"] or settings.currency
    return {
        "Campaign": row["name"],
        "Status": row["status"],
        "Since": display.day(row["since"], settings.zone),
        "Planned": row["planned"],
        "Left out": row["suppressed"],
        "Accepted": row["accepted"],
        "Delivered": of("delivered", "accepted"),
        "Read": of("read", "delivered"),
        "Replied": of("replied", "customers_delivered"),
        "Converted": of("converted", "customers_delivered"),
        "Cost": display.money(row["cost"], currency),
        "Revenue": display.money(row["revenue"], currency),
        "ROI": display.NONE if row["roi"] is None else f"{row['roi']:.1f}",
    }


def sources(found: list[dict[str, Any]], settings: Settings) -> None:
    st.subheader("Sources", anchor=False)
    st.caption("How far each source reaches, when it last brought something, what could not be read")
    now = datetime.now(UTC).replace(tzinfo=None)
    shown = [
        {
            "Source": row["source"],
            "Newest record": display.moment(row["newest_at"], settings.zone),
            "Last received": display.ago(row["last_received_at"], now),
            "Rows": row["rows"],
            "Rejected": row["rejected"],
        }
        for row in found
    ]
    if shown:
        st.dataframe(shown, hide_index=True, height="auto")
    else:
        st.info("No source has brought anything yet: `wabench ingest`.", icon=":material/info:")


def refreshes(found: list[dict[str, Any]], settings: Settings) -> None:
    st.subheader("Refreshes", anchor=False)
    unpublished(found, settings)
    last = next((row for row in found if row["status"] == "published"), None)
    if last:
        tests = display.number(last["tests_passed"])
        st.caption(f"Last published {display.moment(last['finished_at'], settings.zone)}; {tests} tests passed")
    for row in found[:5]:
        mark = MARKS.get(row["status"], ":gray[:material/pending:]")
        note = f": {display.verbatim(row['error'])}" if row["error"] else ""
        st.caption(f"{mark} {display.moment(row['started_at'], settings.zone)} {row['status']}{note}")


def unpublished(found: list[dict[str, Any]], settings: Settings) -> None:
    """Tell of a refresh that is at work, or ended without publishing: the published file can't know of it."""
    begun = locks.last(settings.paths.warehouse_lock)
    if not begun or begun.purpose != "refresh" or (found and begun.since <= found[0]["started_at"]):
        return
    since = display.moment(begun.since, settings.zone)
    if begun.is_running:
        st.info(f"A refresh is at work since {since}.", icon=":material/sync:")
    else:
        st.error(f"The refresh of {since} published nothing. `wabench refresh` says why.", icon=":material/error:")


page()
