"""Charts and tables that lead on: a click shows the customers behind a point, and each can be taken along as CSV."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
import streamlit as st
from parts import person, shop
from parts.lang import N_, _, language, n_, number

from wabench import behind, sheets
from wabench.acts import exports
from wabench.behind import Behind
from wabench.roles import Action

Point = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]

_LIGHT = {
    "strong": "#0B6E5B",
    "soft": "#7FB3A6",
    "pale": "#C9D6D2",
    "line": "#E6EBE9",
    "warm": "#D9A441",
    "cool": "#5B7DB1",
    "bad": "#B3372B",
}
_DARK = {
    "strong": "#4DB79F",
    "soft": "#2F7F6D",
    "pale": "#3A4A46",
    "line": "#2B3432",
    "warm": "#E0B45C",
    "cool": "#87A6D8",
    "bad": "#E0786D",
}
_SCALES = {"light": ["#F1F5F3", "#9CC7BC", "#0B6E5B"], "dark": ["#1C2422", "#2F6F61", "#7FDCC5"]}
SHOWN = 20
PEOPLE = {
    "name": N_("Name"), "phone": N_("Phone"), "country": N_("Country"), "consent": N_("Consent"),
    "frequency_tag": N_("Frequency"), "order_value_tag": N_("Order value"), "engagement_tag": N_("Engagement"),
    "orders": N_("Orders"), "net_revenue": N_("Net revenue"), "ltv_expected_12m": N_("Expected in 12 months"),
    "last_order_at": N_("Last order"), "last_interaction_at": N_("Last interaction"),
}  # fmt: skip
"""Columns of a table of customers, in their order, and their names."""


def is_dark() -> bool:
    return bool(st.context.theme.type == "dark")


def colour(name: str) -> str:
    """Give a colour of the theme: strong, soft, pale, line, warm, cool or bad."""
    return (_DARK if is_dark() else _LIGHT)[name]


def ink() -> str:
    """Give the colour of words on a bar of the strong colour."""
    return "#101514" if is_dark() else "#FFFFFF"


def shade(name: str) -> str:
    """Give a colour of the theme so thin that lines are seen through it."""
    red, green, blue = (int(colour(name)[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"


def scale() -> list[str]:
    """Give the colours from little to much."""
    return _SCALES["dark" if is_dark() else "light"]


def ticks(values: Iterable[float]) -> str:
    """Give the format of an axis: 12k where numbers are that large, 0.5 and not 500m where they are small."""
    return "~s" if max((abs(value) for value in values), default=0) >= 1000 else "~g"


def chart(
    figure: go.Figure, key: str, title: str, data: Rows, height: int = 260,
    behind_point: Callable[[Point], Behind | None] | None = None,
) -> None:  # fmt: skip
    """Draw a chart with a way to its data as CSV; `behind_point` tells who is behind a point that is clicked.

    A point has `curve_number`, `point_index`, `x`, `y` and what else the trace's kind tells.
    """
    _dress(figure, height)
    box = st.container(key=f"chart_{key}", gap="xxsmall")
    with box:
        drawn = st.plotly_chart(
            figure, key=key, config={"displayModeBar": False}, alt=title,
            on_select="rerun" if behind_point else "ignore", selection_mode="points",
        )  # fmt: skip
        note = _("Click a point to see the customers behind it.") if behind_point else ""
        _take_along(key, data, note)
    points = drawn.selection.points if behind_point else []
    if behind_point and points and (found := behind_point(points[0])):
        who(found, found.title or f"{title}: {points[0].get('label') or points[0].get('x')}", key)


def who(of: Behind, title: str, key: str) -> None:
    """Show the customers behind a figure: how many, those who brought most, and the way to all of them as CSV."""
    version, actor = shop.version(), person.actor()
    found = _counted(str(version.path), of.view, tuple(sorted(of.params.items())), version)
    with st.container(border=True, key=f"behind_{key}"):
        st.markdown(n_("**{n} customer** behind {title}", "**{n} customers** behind {title}", found[0], title=title))
        if not found[0]:
            return
        people(found[1])
        if found[0] > SHOWN:
            st.caption(_("The {n} who brought most; all are in the export.", n=number(SHOWN)))
        if actor is not None:
            with st.container(horizontal=True):
                whole = actor.may(Action.SEE_PHONES) and st.checkbox(_("Whole phones"), key=f"whole_{key}")
                _sheet_buttons(of, title, key, bool(whole))


def people(table: pa.Table, key: str | None = None, on_select: str = "ignore") -> Any:
    """Show a table of customers; a row that is chosen, where `on_select` is rerun, is told."""
    kept = [name for name in ("customer_id", *PEOPLE) if name in table.column_names]
    config: dict[str, Any] = {name: _(PEOPLE[name]) for name in kept if name in PEOPLE}
    config["customer_id"] = None
    for name in ("net_revenue", "ltv_expected_12m"):
        config[name] = st.column_config.NumberColumn(_(PEOPLE[name]), format="localized")
    for name in ("last_order_at", "last_interaction_at"):
        config[name] = st.column_config.DatetimeColumn(_(PEOPLE[name]), format="D MMM YYYY")
    return st.dataframe(
        _labelled(table.select(kept)), hide_index=True, column_config=config, key=key, placeholder="–",
        height=min(38 + 35 * max(table.num_rows, 1), 400), on_select=on_select, selection_mode="single-row",
    )  # fmt: skip


def table(
    rows: Rows, key: str, config: Mapping[str, Any] | None = None, height: int | str = "auto", chooses: str = ""
) -> int | None:
    """Show rows whose keys are the columns' names, with a way to take them along as CSV.

    Where it says what choosing a row does (`chooses`), a row can be chosen, and its place is given.
    """
    with st.container(key=f"table_{key}", gap="xxsmall"):
        shown = st.dataframe(
            list(rows), hide_index=True, column_config=dict(config or {}), height=height, placeholder="–",
            key=f"rows_{key}", on_select="rerun" if chooses else "ignore", selection_mode="single-row",
        )  # fmt: skip
        _take_along(key, rows, chooses)
    chosen = shown.selection.rows if chooses else []
    return chosen[0] if chosen else None


def _take_along(key: str, data: Rows, note: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(note)
        st.download_button(
            "CSV", lambda: _csv(data), f"{key}.csv", "text/csv", key=f"csv_{key}", on_click="ignore",
            type="tertiary", icon=":material/download:", disabled=not data, help=_("The data of this as CSV"),
        )  # fmt: skip


def _sheet_buttons(of: Behind, title: str, key: str, whole: bool) -> None:
    settings, actor = shop.settings(), person.actor()
    if actor is None:
        return
    st.download_button(
        _("All as CSV"), lambda: exports.customers_behind(settings, actor, of, title, whole).csv, f"{of.view}.csv",
        "text/csv", key=f"people_{key}", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    st.download_button(
        _("Manifest"), lambda: exports.customers_behind(settings, actor, of, title, whole).manifest,
        f"{of.view}.manifest.json", "application/json", key=f"manifest_{key}", on_click="ignore",
    )  # fmt: skip


def _csv(data: Rows) -> bytes:
    plain = pa.Table.from_pylist([{name: _cell(value) for name, value in row.items()} for row in data])
    return sheets.content(plain.to_reader())


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


@st.cache_data(show_spinner=False, max_entries=200)
def _counted(path: str, view: str, params: tuple[tuple[str, Any], ...], _version: Any) -> tuple[int, pa.Table]:
    of = Behind(view, {name: list(value) if isinstance(value, tuple) else value for name, value in params})
    return behind.count(_version, of), behind.sample(_version, of, SHOWN)


def _labelled(table: pa.Table) -> pa.Table:
    """Say tags and consent in the reader's language."""
    for name in ("consent", "frequency_tag", "order_value_tag", "engagement_tag"):
        if name in table.column_names:
            said = pa.array([value and _(value) for value in table[name].to_pylist()], pa.string())
            table = table.set_column(table.column_names.index(name), name, said)
    return table


def _dress(figure: go.Figure, height: int) -> None:
    grid = {"gridcolor": colour("line"), "zerolinecolor": colour("line")}
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": figure.layout.margin.r or 0, "t": 4, "b": 0},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        clickmode="event+select",
    )
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    if language() != "en":
        figure.update_layout(separators=", ")
        if any(isinstance(x, date) for trace in figure.data for x in (getattr(trace, "x", None) or ())[:1]):
            figure.update_xaxes(tickformat="%d.%m.%y", hoverformat="%d.%m.%Y")
