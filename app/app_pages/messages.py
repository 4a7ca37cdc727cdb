"""Messages: when customers are there, how soon they reply, what contents bring, why some fail."""

from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import charts, failures, filters, heat, look, shop
from parts.lang import N_, _, date_of, day, n_, number, percent, share, weekday
from parts.look import Figure, Window

from wabench import display, seeds, views
from wabench.behind import Behind

KINDS = {
    "marketing": (N_("Marketing"), "strong"),
    "utility": (N_("Utility"), "cool"),
    "authentication": (N_("Authentication"), "pale"),
    "service": (N_("Service"), "soft"),
    "unknown": (N_("Category not known"), "pale"),
    "inbound": (N_("From customers"), "warm"),
}
HOURS = {
    "delivered": (N_("Delivered"), "delivered", "delivered"),
    "read": (N_("Read"), "read_rate", "read"),
    "reply": (N_("Reply"), "reply_rate", "replied"),
    "inbound": (N_("Inbound"), "inbound_messages", "inbound_messages"),
}
DIMENSIONS = {
    "length_band": N_("Length"),
    "is_personalised": N_("Personalised"),
    "content_kind": N_("Kind"),
    "has_call_to_action": N_("Call to action"),
    "category": N_("Category"),
}
RATES = {
    "delivery": N_("Delivery rate"),
    "read": N_("Read rate"),
    "reply": N_("Reply rate"),
    "conversion": N_("Conversion rate"),
}
THIN = 30  # delivered in an hour; of fewer, a rate may be off by 18 points either way


def page() -> None:
    window = look.windowed_heading(_("Messages"), note=_("times of day are the customers' own"))
    over_time = shop.windowed(
        "volume", window.days, grain=views.grain(window.days), zone=shop.settings().timezone
    )  # fmt: skip
    funnel = shop.windowed("funnel", window.days)[0]
    figures(funnel, over_time, window)
    volume(over_time, window)
    left, right = st.columns([3, 2], gap="large")
    with left:
        hours(shop.rows("hours"))
    with right:
        delays(shop.rows("reply_delays"))
    content()
    if funnel["accepted"]:
        failed(shop.windowed("failures", window.days), funnel, window)


def figures(funnel: dict[str, Any], over_time: list[dict[str, Any]], window: Window) -> None:
    inbound = sum(row["messages"] for row in over_time if row["kind"] == "inbound")
    delivered = _("of {delivered} delivered, {window}", delivered=number(funnel["delivered"]), window=window.label)
    accepted = _("of {accepted} accepted, {window}", accepted=number(funnel["accepted"]), window=window.label)
    look.cards((
        Figure(_("Accepted"), number(funnel["accepted"]), _("ours, taken by providers; {window}", window=window.label)),
        Figure(_("Delivery rate"), percent(funnel["delivered"], funnel["accepted"]), accepted),
        Figure(_("Read rate"), percent(funnel["read"], funnel["delivered"]), delivered),
        Figure(_("Reply rate"), percent(funnel["replied"], funnel["delivered"]), _("within 24 h, {of}", of=delivered)),
        Figure(_("Failure rate"), percent(funnel["failed"], funnel["accepted"]), accepted),
        Figure(_("Inbound"), number(inbound), _("written by customers; {window}", window=window.label)),
    ))  # fmt: skip


def volume(found: list[dict[str, Any]], window: Window) -> None:
    grain = views.grain(window.days)
    by = {"day": _("by day"), "week": _("by week"), "month": _("by month")}[grain]
    look.section(
        _("Volume"),
        _("Messages {by}, {window}: ours by category above the line, the customers' below", by=by, window=window.label),
    )
    if not found:
        look.nothing(_("No messages, {window}. Send a campaign, or point the provider's webhooks at `wabench receive`.",
                       window=window.label))  # fmt: skip
        return
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in found)]
    kinds += sorted({row["kind"] for row in found} - set(kinds))
    traces = [_kind_bars(kind, [row for row in found if row["kind"] == kind]) for kind in kinds]
    drawn = go.Figure(traces)
    tickformat = charts.ticks(row["messages"] for row in found)
    drawn.update_layout(barmode="relative", bargap=0.25, yaxis_tickformat=tickformat)
    charts.chart(drawn, "volume", _("Messages over time"), found, 240, behind_point=(
        lambda point: writers(kinds[point["curve_number"]], traces[point["curve_number"]].x[point["point_index"]],
                              grain, window)
    ))  # fmt: skip


def _kind_bars(kind: str, found: list[dict[str, Any]]) -> go.Bar:
    name, colour = KINDS.get(kind, (kind, "pale"))
    sign = -1 if kind == "inbound" else 1
    return go.Bar(
        name=_(name), x=[row["period"] for row in found], y=[sign * row["messages"] for row in found],
        hovertext=[f"{_(name)}, {date_of(row['period'])}: {number(row['messages'])}" for row in found],
        hoverinfo="text", marker_color=charts.colour(colour),
    )  # fmt: skip


def writers(kind: str, begun: datetime, grain: str, window: Window) -> Behind:
    """Tell who got, or wrote, the messages of a bar."""
    asked = views.period(shop.version(), begun, grain, shop.settings().zone, window.days)
    return Behind("volume", {**asked, "kind": kind})


def hours(found: list[dict[str, Any]]) -> None:
    look.section(
        _("When customers are there"),
        _("By weekday and hour on the customer's own clock, of their delivery; all time. Read and reply (within 24 h) "
          "are shares of the messages delivered in the hour"),
    )  # fmt: skip
    if not any(row["delivered"] or row["inbound_messages"] for row in found):
        look.nothing(
            _("No message was delivered yet. Send a campaign, or bring past messages in with `wabench ingest`.")
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        step = filters.one(
            _("Show"), list(HOURS), "hours", "read", lambda name: _(HOURS[name][0]), label_visibility="collapsed"
        )
        hides = st.toggle(_("Grey under {n} delivered", n=number(THIN)), value=True, key="thin", bind="query-params")
    heat.draw(
        [_hour(row, step, hides) for row in found], "heat", _("Messages by weekday and hour"), found,
        percent=step in ("read", "reply"), height=290, columns=[str(hour) for hour in range(24)],
        rows=[weekday(day) for day in range(1, 8)],
        behind_cell=(lambda cell: Behind("hours", {**cell.of, "step": step}, f"{cell.y} {cell.x}:00")) if _is_located()
        else None,
    )  # fmt: skip


def _hour(row: dict[str, Any], step: str, hides: bool) -> heat.Cell:
    _name, value, part = HOURS[step]
    begun = f"{weekday(row['weekday'])} {row['hour']}:00"
    said = f"{begun}: {number(row[part])}"
    if value.endswith("_rate"):
        low, high = share(row[f"{value}_low"]), share(row[f"{value}_high"])
        said = _("{hour}: {share} ({part} of {delivered} delivered)<br>95 % interval {low} to {high}",
                 hour=begun, share=share(row[value]), part=number(row[part]), delivered=number(row["delivered"]),
                 low=low, high=high)  # fmt: skip
    is_thin = value.endswith("_rate") and (not row["delivered"] or (hides and row["delivered"] < THIN))
    of = {"weekday": row["weekday"], "hour": row["hour"]}
    return heat.Cell(str(row["hour"]), weekday(row["weekday"]), row[value], said, is_grey=is_thin, of=of)


def _is_located() -> bool:
    """Tell whether the published file knows everybody's clock; one of an older version doesn't."""
    return "local_timezone" in shop.version().columns("dim_customers")


def delays(found: list[dict[str, Any]]) -> None:
    replied = found[0]["all_replied"] if found else 0
    look.section(
        _("How soon they reply"),
        _("Share of the {replied} messages replied to, by time since they reached the customer; within 24 h, all time. "
          "Whiskers: 95 % interval", replied=number(replied)),
    )  # fmt: skip
    if not replied:
        look.nothing(_("Nobody has replied yet. A question or a button in the text asks for an answer."))
        return
    texts = [
        _("{share}; {part} of {whole} replied to<br>{rate} of {delivered} delivered had been replied to by then",
          share=share(row["share_of_replied"]), part=number(row["replied"]), whole=number(row["all_replied"]),
          rate=share(row["reply_rate_until"]), delivered=number(row["delivered"]))
        for row in found
    ]  # fmt: skip
    drawn = go.Figure(go.Bar(
        x=[_(row["delay_band"]) for row in found], y=[row["share_of_replied"] for row in found],
        error_y=_whiskers(found, "share_of_replied"), marker_color=charts.colour("strong"), hovertext=texts,
        hoverinfo="text",
    ))  # fmt: skip
    drawn.update_layout(bargap=0.3, yaxis_tickformat=".0%")
    charts.chart(drawn, "delays", _("Replies by delay"), found, 290, behind_point=(
        lambda point: replied_after(found[point["point_index"]])
    ))  # fmt: skip


def replied_after(row: dict[str, Any]) -> Behind:
    return Behind("reply_delays", {name: row[name] for name in ("from_minutes", "to_minutes")}, _(row["delay_band"]))


def _whiskers(found: list[dict[str, Any]], rate: str) -> dict[str, Any]:
    low, high = (
        [abs(row[f"{rate}_{end}"] - row[rate]) if row[rate] is not None else 0 for row in found]
        for end in ("low", "high")
    )  # fmt: skip
    return {
        "type": "data",
        "array": high,
        "arrayminus": low,
        "color": charts.colour("warm"),
        "thickness": 1.5,
        "width": 4,
    }


def content() -> None:
    look.section(
        _("What contents bring"),
        _("Messages of ours, all time, by one side of their content; replied within 24 h, converted within {days} days "
          "of delivery. Whiskers: 95 % interval. Rows may differ by whom they went to and not by what they say: only "
          "an experiment tells", days=number(shop.settings().attribution_days)),
    )  # fmt: skip
    with st.container(horizontal=True):
        dimension = filters.one(_("By"), list(DIMENSIONS), "by", "category", lambda name: _(DIMENSIONS[name]))
        rate = filters.one(_("Rate"), list(RATES), "rate", "read", lambda name: _(RATES[name]))
    found = shop.rows("content", dimension=dimension, rate=rate, z=views.INTERVAL_Z)
    if not found:
        look.nothing(
            _("No message was delivered yet. Send a campaign, or bring past messages in with `wabench ingest`.")
        )
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        charts.chart(
            _dots(found), "content", f"{_(RATES[rate])} · {_(DIMENSIONS[dimension])}", found, 80 + 44 * len(found),
            behind_point=lambda point: moved(found[point["point_index"]]["value"], dimension, rate),
        )  # fmt: skip
    with right:
        st.markdown("\n".join(f"- {line}" for line in _verdicts(found)))


def _dots(found: list[dict[str, Any]]) -> go.Figure:
    texts = [
        f"{look.label(row['value'])}: {share(row['rate'])} ({number(row['part'])} / {number(row['whole'])})"
        for row in found
    ]
    drawn = go.Figure(go.Scatter(
        x=[row["rate"] for row in found], y=[look.label(row["value"]) for row in found], mode="markers",
        marker={"size": 11, "color": charts.colour("strong")}, hovertext=texts, hoverinfo="text",
        error_x={
            "type": "data", "array": [row["high"] - row["rate"] for row in found],
            "arrayminus": [row["rate"] - row["low"] for row in found], "color": charts.colour("warm"), "width": 5,
        },
    ))  # fmt: skip
    drawn.update_layout(xaxis_tickformat="~%", yaxis={"autorange": "reversed", "type": "category"})
    return drawn


def _verdicts(found: list[dict[str, Any]]) -> list[str]:
    """Say of each how far it is from the best, and whether that is more than chance makes."""
    best = next(row for row in found if row["is_best"])
    lines = [_("**{name}** is best: {share} of {whole}", name=look.label(best["value"]), share=share(best["rate"]),
               whole=number(best["whole"]))]  # fmt: skip
    for row in (row for row in found if not row["is_best"]):
        text = (
            N_("**{name}**: no difference that chance would not make ({low} to {high} points, of {whole})")
            if row["is_within_noise"]
            else N_("**{name}**: {behind} points lower (95 %: {low} to {high}, of {whole})")
        )
        lines.append(
            _(text, name=look.label(row["value"]), behind=number(100 * row["behind"], 1), whole=number(row["whole"]),
              low=number(100 * row["behind_low"], 1), high=number(100 * row["behind_high"], 1))
        )  # fmt: skip
    if len(found) == 1:
        lines.append(_("There is nothing to compare it with."))
    return lines


def moved(value: str, dimension: str, rate: str) -> Behind:
    """Tell whom messages of a side of the content reached as far as the rate counts."""
    begins, ends = seeds.length_band(value) if dimension == "length_band" else (None, None)
    asked = {"dimension": dimension, "rate": rate, "value": value, "from_characters": begins, "to_characters": ends}
    return Behind("content", asked, f"{look.label(value)} · {_(RATES[rate])}")


def failed(found: list[dict[str, Any]], funnel: dict[str, Any], window: Window) -> None:
    look.section(
        _("What failed, and what to do"),
        _("{failed} of {accepted} accepted ({share}), {window}", failed=number(funnel["failed"]),
          accepted=number(funnel["accepted"]), share=percent(funnel["failed"], funnel["accepted"]),
          window=window.label),
    )  # fmt: skip
    if not found:
        look.nothing(_("No message failed, {window}.", window=window.label))
        return
    drawn = go.Figure(go.Bar(
        y=[f"{row['provider']} {_code(row)}" for row in found], x=[row["failed"] for row in found], orientation="h",
        text=[f"{number(row['failed'])} · {percent(row['failed'], funnel['failed'])}" for row in found],
        marker_color=charts.colour("bad"), hoverinfo="none", cliponaxis=False,
    ))  # fmt: skip
    drawn.update_layout(xaxis_visible=False, yaxis={"autorange": "reversed", "type": "category"}, margin_r=90)
    left, right = st.columns([2, 3], gap="large")
    with left:
        charts.chart(drawn, "failures", _("Failures by code"), found, 60 + 30 * len(found), behind_point=(
            lambda point: refused(found[point["point_index"]], window)
        ))  # fmt: skip
    with right:
        for advice, rows in _advised(found).items():
            st.markdown(_advice(advice, rows))


def _advised(found: list[dict[str, Any]]) -> dict[failures.Advice, list[dict[str, Any]]]:
    """Gather failures by what is to be done: providers have codes of their own for the same thing."""
    gathered: dict[failures.Advice, list[dict[str, Any]]] = {}
    for row in found:
        gathered.setdefault(failures.advice(row["error_code"], row["error_family"]), []).append(row)
    return gathered


def _advice(advice: failures.Advice, rows: list[dict[str, Any]]) -> str:
    names = ", ".join(f"{row['provider']} {_code(row)}" for row in rows)
    family = failures.FAMILIES.get(rows[0]["error_family"], rows[0]["error_family"])
    about = n_("{family}; {n} message, the last on {day}", "{family}; {n} messages, the last on {day}",
               sum(row["failed"] for row in rows), family=_(family),
               day=day(max(row["last_at"] for row in rows)))  # fmt: skip
    return f"**{display.verbatim(names)}** · :gray[{about}]  \n{_(advice.means)} → {_(advice.do)}"


def _code(row: dict[str, Any]) -> str:
    return _("no code") if row["error_code"] == "unknown" else str(row["error_code"])


def refused(row: dict[str, Any], window: Window) -> Behind:
    """Tell to whom messages failed with a code."""
    asked = {**views.window(shop.version(), window.days), "provider": row["provider"], "error_code": row["error_code"]}
    return Behind("failures", asked, f"{row['provider']} {_code(row)}")


page()
