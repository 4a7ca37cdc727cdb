"""Data health: is it fresh, is it right, what could not be read, what refreshes did; the audit for admins."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import alerts, audit, charts, look, refreshing, shop
from parts.lang import N_, NONE, _, ago, compact, lasting, moment, n_, number
from parts.look import Figure

from wabench import display, published, seeds

ABOUT_DATA = {
    "stale_source", "rejected_rows", "unknown_order_status", "refund_over_order", "future_event", "shrunken_source",
    "shared_identity",
}  # fmt: skip
MEANINGS = {
    "not_null": N_("A value is missing that every row has."),
    "unique": N_("Two rows stand for the same thing."),
    "accepted_values": N_("A value is none of those that are known."),
    "relationships": N_("A row leads to one that is not there."),
    "assert": N_("A statement about the data does not hold."),
}
STATUSES = {"published": "strong", "failed": "bad"}
REASONS = """python -c "import duckdb
duckdb.connect('{warehouse}', read_only=True).sql(
    'select source, stream, reason, count(*), max(received_at) from raw.rejected group by all order by 4 desc'
).show()\""""


def page() -> None:
    look.heading(_("Data health"), _("As of {moment}, when the refresh behind these pages began", moment=look.as_of()))
    refreshes = shop.rows("refresh_history")
    refreshing.unpublished(refreshes)
    alerts.show([row for row in shop.rows("alerts") if row["alert"] in ABOUT_DATA])
    found = shop.rows("freshness", as_of=shop.version().as_of)
    tests = shop.rows("tests")
    figures(found, refreshes, tests)
    left, right = st.columns([3, 2], gap="large")
    with left:
        sources(found)
    with right:
        rejected(found)
    left, right = st.columns([3, 2], gap="large")
    with left:
        history(refreshes)
    with right:
        tested(tests)
        versions(published.kept(shop.settings()))
    audit.show()


def figures(found: list[dict[str, Any]], refreshes: list[dict[str, Any]], tests: list[dict[str, Any]]) -> None:
    last = next((row for row in refreshes if row["status"] == "published"), None)
    threshold = _threshold()
    stale = [row for row in found if threshold and (row["hours_silent"] or 0) > threshold]
    failed = sum(row["status"] == "failed" for row in refreshes)
    first = tests[0]
    look.cards((
        Figure(_("Published"), ago(last["finished_at"]) if last else NONE,
               _("took {time}; of {n} refreshes known", time=lasting(last["seconds"]) if last else NONE,
                 n=number(len(refreshes)))),
        Figure(_("Tests passed"), f"{number(first['passed'])} / {number(first['tests'])}",
               _("in the last refresh; {n} warned", n=number(first["warned"] or 0))),
        Figure(_("Silent sources"), f"{number(len(stale))} / {number(len(found))}",
               _("brought nothing for over {hours} hours", hours=number(threshold))),
        Figure(_("Rows"), compact(sum(row["rows"] for row in found)), _("in {n} sources, ever", n=number(len(found)))),
        Figure(_("Rejected"), number(sum(row["rejected"] for row in found)), _("could not be read, ever")),
        Figure(_("Failed refreshes"), number(failed), _("of the last {n}", n=number(len(refreshes)))),
    ))  # fmt: skip


def _threshold() -> float | None:
    return seeds.alert_threshold("stale_source")


def sources(found: list[dict[str, Any]]) -> None:
    threshold = _threshold()
    look.section(
        _("Sources"),
        _("Hours from the last thing received to as-of; over the line ({hours}) an alert is raised. Newest record is "
          "how far the data reach", hours=number(threshold)),
    )  # fmt: skip
    if not found:
        look.nothing(_("No source has brought anything yet: `wabench ingest`."))
        return
    is_stale = [bool(threshold and (row["hours_silent"] or 0) > threshold) for row in found]
    drawn = go.Figure(go.Bar(
        y=[row["source"] for row in found], x=[row["hours_silent"] for row in found], orientation="h",
        text=[_("{n} h", n=number(row["hours_silent"], 1)) for row in found], textposition="outside", cliponaxis=False,
        marker_color=[charts.colour("bad" if stale else "strong") for stale in is_stale], hoverinfo="none",
    ))  # fmt: skip
    if threshold:
        drawn.add_vline(threshold, line={"color": charts.colour("warm"), "width": 2, "dash": "dot"})
    drawn.update_layout(yaxis={"type": "category", "autorange": "reversed"}, margin_r=60, xaxis_rangemode="tozero")
    charts.chart(drawn, "freshness", _("Hours without anything received"), found, 70 + 30 * len(found))
    charts.table([
        {
            _("Source"): row["source"],
            _("Newest record"): moment(row["newest_at"]),
            _("Last received"): moment(row["last_received_at"]),
            _("Rows"): row["rows"],
            _("Rejected"): row["rejected"],
        }
        for row in found
    ], "sources")  # fmt: skip


def rejected(found: list[dict[str, Any]]) -> None:
    look.section(
        _("What could not be read"),
        _("Records, ever. Each lies whole in the warehouse beside its reason: nothing is dropped, and none is in a "
          "figure"),
    )  # fmt: skip
    of = [row for row in found if row["rejected"]]
    if not of:
        st.markdown(f":green[:material/check_circle:] {_('Everything that came could be read.')}")
        return
    charts.table([
        {_("Source"): row["source"], _("Rejected"): row["rejected"], _("Of rows"): row["rows"] + row["rejected"],
         _("Last"): moment(row["last_rejected_at"])}
        for row in of
    ], "rejected")  # fmt: skip
    st.caption(_("The reasons, which may quote what customers sent, are read where the warehouse is:"))
    st.code(REASONS.format(warehouse="data/warehouse.duckdb"), language="bash", wrap_lines=True)
    st.caption(_("Correct the source, its `map` or the file; then `wabench ingest SOURCE --full` brings them again."))


def history(found: list[dict[str, Any]]) -> None:
    look.section(_("Refreshes"), _("How long each took, the last {n}; one that failed published nothing",
                                   n=number(len(found))))  # fmt: skip
    if not found:
        look.nothing(_("There was no refresh yet: `wabench refresh`."))
        return
    shown = list(reversed(found))
    texts = [f"{moment(row['started_at'])}: {_(row['status'])}, {lasting(row['seconds'])}" for row in shown]
    drawn = go.Figure(go.Bar(
        x=[row["run_id"] for row in shown], y=[row["seconds"] or 0 for row in shown], hovertext=texts, hoverinfo="text",
        marker_color=[charts.colour(STATUSES.get(row["status"], "pale")) for row in shown],
    ))  # fmt: skip
    drawn.update_layout(
        xaxis={"type": "category", "showticklabels": False, "range": [-0.5, max(len(shown), 12) - 0.5]}, bargap=0.25,
        yaxis={"ticksuffix": _(" s"), "rangemode": "tozero"},
    )  # fmt: skip
    charts.chart(drawn, "refreshes", _("Seconds each refresh took"), found, 200)
    charts.table([_refresh(row) for row in found], "refresh_history")


def _refresh(row: dict[str, Any]) -> dict[str, Any]:
    return {
        _("Began"): moment(row["started_at"]),
        _("Status"): _(row["status"]),
        _("Took"): lasting(row["seconds"]),
        _("Events"): row["events"],
        _("Orders"): row["orders"],
        _("Customers"): row["customers"],
        _(
            "Tests"
        ): f"{number(row['tests_passed'])} / {number((row['tests_passed'] or 0) + (row['tests_failed'] or 0))}",
        _("Error"): row["error"],
    }


def tested(found: list[dict[str, Any]]) -> None:
    first = found[0]
    look.section(_("Tests"), _("Of the newest refresh; one that fails keeps it from being published"))
    if not first["tests"]:
        look.nothing(_("No refresh was tested yet: `wabench refresh`."))
        return
    mark = ":green[:material/check_circle:]" if first["passed"] == first["tests"] else ":orange[:material/warning:]"
    text = n_("{n} test passed of {all}", "{n} tests passed of {all}", first["passed"], all=number(first["tests"]))
    st.markdown(f"{mark} {text}")
    for row in (row for row in found if row["test"]):
        colour = "orange" if row["status"] == "warn" else "red"
        st.markdown(f":{colour}[**{_(row['status'])}**] `{row['test']}` · {number(row['failures'])}  \n{_meaning(row)}")


def _meaning(row: dict[str, Any]) -> str:
    """Say what a test that did not pass means, by the kind its name begins with."""
    kind = next((kind for kind in MEANINGS if row["test"].startswith(kind)), "assert")
    table = _("Look at `{table}`.", table=row["model"]) if row["model"] else ""
    return f"{_(MEANINGS[kind])} {table} {display.verbatim(row['message'] or '')}"


def versions(found: list[published.Kept]) -> None:
    look.section(_("Versions kept"), _("Readers have the newest; the ones before it are kept to go back to"))
    charts.table([
        {
            _("Version"): each.version,
            _("Size"): _("{n} MB", n=number(each.size / 2**20, 1)),
            _("Read now"): _("yes") if each.is_current else "",
        }
        for each in found
    ], "versions")  # fmt: skip


page()
