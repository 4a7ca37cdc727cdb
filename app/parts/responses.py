"""How fast dialogs are answered: how long they waited, over time, by the hour they began, and what followed."""

from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from babel.dates import get_day_names
from parts import charts, filters, look, shop
from parts.lang import NONE, _, language, lasting, number, percent
from parts.look import Figure, Window

from wabench import support, views
from wabench.behind import Behind

EDGES = tuple(support.WAIT_SECONDS)
FEW = 10  # of whom a share says little


def show(hours: float) -> None:
    """Show it all, for a window that is kept in the address."""
    look.section(_("How fast we answer"))
    window = _window()
    found = shop.windowed("responses", window.days, hours=hours)[0]
    if not found["dialogs"]:
        look.nothing(_("Nobody wrote in the {window}. Choose a longer window.", window=window.label))
        return
    _figures(found, hours, window)
    left, right = st.columns(2, gap="large")
    with left:
        _bands(window)
    with right:
        _over_time(window, hours)
    left, right = st.columns(2, gap="large")
    with left:
        _hours(window, hours)
    with right:
        _orders(window)


def _window() -> Window:
    name = filters.one(
        _("Window"), list(views.WINDOWS), "window", "90d", look.short, label_visibility="collapsed"
    )  # fmt: skip
    words = _(look.WINDOW_NAMES[name])
    label = _("all time") if name == "all" else _("last {window}", window=words)
    st.caption(_("Dialogs that began in the {window}, up to {moment}. A dialog is one customer's wait, from the first "
                 "message we had not answered.", window=label, moment=look.as_of()))  # fmt: skip
    return Window(name, views.WINDOWS[name], label)


def _figures(found: dict[str, Any], hours: float, window: Window) -> None:
    dialogs, answered = found["dialogs"], found["answered"]
    look.cards(
        (
            Figure(_("Dialogs"), number(dialogs),
                   _("{lapsed} never answered, {open} still wait; {window}", lapsed=number(found["lapsed"]),
                     open=number(found["still_open"]), window=window.label)),
            Figure(_("Answered"), percent(answered, dialogs),
                   _("of {dialogs} dialogs: {rule} by a rule, {person} by a person here", dialogs=number(dialogs),
                     rule=number(found["by_rule"]), person=number(found["by_person"]))),
            Figure(_("Median wait"), lasting(found["median_seconds"]) if answered else NONE,
                   _("of {answered} answered", answered=number(answered))),
            Figure(_("90 % within"), lasting(found["p90_seconds"]) if answered else NONE,
                   _("of {answered} answered", answered=number(answered))),
            Figure(_("Within {hours} hours", hours=number(hours)), percent(found["in_time"], found["decided"]),
                   _("of {decided} dialogs, answered or not", decided=number(found["decided"]))),
        )
    )  # fmt: skip


def band_name(band: int) -> str:
    """Name a band of waiting times by its edges."""
    if band == 0:
        return _("unanswered")
    start, end = EDGES[band - 1], EDGES[band] if band < len(EDGES) else None
    if end is None:
        return _("over {time}", time=lasting(start))
    return _("under {time}", time=lasting(end)) if start == 0 else f"{_plain(start)}–{lasting(end)}"


def _plain(seconds: int) -> str:
    """Write where a band begins; its unit stands only where the end has another."""
    return number(seconds // 60) if seconds < 1800 else lasting(seconds)


def _banded(window: Window) -> list[dict[str, Any]]:
    days = shop.settings().attribution_days
    found = shop.windowed("response_bands", window.days, edges=EDGES, days=days)
    by_band = {row["band"]: row for row in found}
    empty = {"dialogs": 0, "followed": 0, "ordered": 0}
    return [by_band.get(band, {"band": band, **empty}) for band in (*range(1, len(EDGES) + 1), 0)]


def _behind(window: Window, **narrowed: Any) -> Behind:
    asked = {"band": None, "weekday": None, "hour": None, "edges": EDGES, "zone": shop.settings().timezone}
    return Behind("dialogs", {**views.window(shop.version(), window.days), **asked, **narrowed})


def _bands(window: Window) -> None:
    found = _banded(window)
    total = sum(row["dialogs"] for row in found)
    st.markdown(f"**{_('How long they waited')}**")
    st.caption(_("{total} dialogs that ended, by the time to the first answer; {window}", total=number(total),
                 window=window.label))  # fmt: skip
    names = [band_name(row["band"]) for row in found]
    drawn = go.Figure(
        go.Bar(
            x=names, y=[row["dialogs"] for row in found], text=[percent(row["dialogs"], total) for row in found],
            marker_color=[charts.colour("bad" if row["band"] in (0, len(EDGES)) else "strong") for row in found],
            textposition="outside", cliponaxis=False, hovertemplate="%{x}: %{y:,}<extra></extra>",
        )
    )  # fmt: skip
    drawn.update_layout(bargap=0.3, xaxis_type="category")
    data = [{"wait": name, "dialogs": row["dialogs"]} for name, row in zip(names, found, strict=True)]
    charts.chart(drawn, "waits", _("How long they waited"), data, behind_point=(
        lambda point: _behind(window, band=found[point["point_index"]]["band"])
    ))  # fmt: skip


def _over_time(window: Window, hours: float) -> None:
    grain = "week" if window.days <= 180 else "month"
    zone = shop.settings().timezone
    found = shop.windowed("response_periods", window.days, grain=grain, zone=zone, hours=hours)
    st.markdown(f"**{_('Over time')}**")
    by = _("by week") if grain == "week" else _("by month")
    st.caption(_("Hours to the first answer {by}, of answered dialogs; {window}", by=by, window=window.label))
    x = [row["period"] for row in found]
    drawn = go.Figure(
        [
            go.Scatter(name=name, x=x, y=[_in_hours(row[key]) for row in found], mode="lines+markers",
                       line_color=charts.colour(colour), hovertemplate="%{x|%-d %b %Y}: %{y:.1f}" + _(" h"),
                       marker_size=7)
            for name, key, colour in ((_("Median"), "median_seconds", "strong"),
                                      (_("90 % within"), "p90_seconds", "warm"))
        ]
    )  # fmt: skip
    drawn.add_hline(y=hours, line_dash="dot", line_color=charts.colour("bad"))
    drawn.update_layout(yaxis={"rangemode": "tozero", "ticksuffix": _(" h")})
    charts.chart(drawn, "answer_times", _("Time to the first answer"), found, behind_point=(
        lambda point: _began(found[point["point_index"]]["period"], grain, window)
    ))  # fmt: skip


def _began(begun: datetime, grain: str, window: Window) -> Behind:
    asked = views.period(shop.version(), begun, grain, shop.settings().zone, window.days)
    return _behind(window, **asked)


def _in_hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


def _hours(window: Window, hours: float) -> None:
    zone = shop.settings().timezone
    found = shop.windowed("response_hours", window.days, zone=zone, hours=hours)
    st.markdown(f"**{_('When they wait')}**")
    st.caption(_("Median time to the first answer by when the dialog began, on the shop's clock; {window}. The "
                 "stronger the colour, the longer.", window=window.label))  # fmt: skip
    days = [get_day_names("abbreviated", locale=language())[day] for day in range(7)]
    cells = {(row["weekday"], row["hour"]): row for row in found}
    z = [[_in_hours(cells[day, hour]["median_seconds"]) if (day, hour) in cells else None for hour in range(24)]
         for day in range(1, 8)]  # fmt: skip
    said = [[_cell(cells.get((day, hour))) for hour in range(24)] for day in range(1, 8)]
    drawn = go.Figure(
        go.Heatmap(
            z=z, x=list(range(24)), y=days, customdata=said, colorscale=charts.scale(), xgap=2, ygap=2,
            zmin=0, zmax=max(4.0 * hours, 1), colorbar={"ticksuffix": _(" h"), "thickness": 8},
            hovertemplate="%{y} %{x}:00<br>%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    drawn.update_layout(yaxis={"autorange": "reversed"}, xaxis={"dtick": 3})
    data = [{**row, "weekday": days[row["weekday"] - 1]} for row in found]
    charts.chart(drawn, "answer_hours", _("When they wait"), data, behind_point=(
        lambda point: _behind(window, weekday=days.index(point["y"]) + 1, hour=int(point["x"]))
    ))  # fmt: skip


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return _("nobody wrote")
    waits = lasting(row["median_seconds"]) if row["median_seconds"] is not None else NONE
    return _("{dialogs} dialogs, median {time}", dialogs=number(row["dialogs"]), time=waits)


def _orders(window: Window) -> None:
    days = shop.settings().attribution_days
    found = [row for row in _banded(window) if row["followed"]]
    st.markdown(f"**{_('What follows an answer')}**")
    st.caption(_("Share of dialogs whose customer paid for an order within {days} days of writing, by the time to the "
                 "first answer; {window}; pale are fewer than {few} dialogs. That is beside the wait, not because of "
                 "it: who asks about an order they made is answered as well.", days=number(days), window=window.label,
                 few=number(FEW)))  # fmt: skip
    if found:
        names = [band_name(row["band"]) for row in found]
        shares = [row["ordered"] / row["followed"] for row in found]
        colours = [charts.colour("pale" if row["followed"] < FEW else "strong") for row in found]
        texts = [f"{percent(row['ordered'], row['followed'])} · {number(row['followed'])}" for row in found]
        drawn = go.Figure(
            go.Bar(x=names, y=shares, text=texts, marker_color=colours, textposition="outside", cliponaxis=False,
                   hovertemplate="%{x}: %{text}<extra></extra>")
        )  # fmt: skip
        drawn.update_layout(bargap=0.3, xaxis_type="category", yaxis_tickformat=".0%", yaxis_rangemode="tozero")
        charts.chart(drawn, "answer_orders", _("What follows an answer"), found, behind_point=(
            lambda point: _behind(window, band=found[point["point_index"]]["band"])
        ))  # fmt: skip
    look.nothing(
        _("How content they were is not known: WhatsApp tells no such thing. Ask for it with a utility template such "
          "as “Was our answer helpful? Reply 1 to 5”, and count the replies with a rule on the Replies page.")
    )  # fmt: skip
