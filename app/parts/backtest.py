"""How far the forecast can be trusted: what past fits expected beside what came, and the model in words."""

from datetime import timedelta
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from babel.dates import format_date
from parts import charts, filters, look, shop
from parts.lang import N_, _, language, money, n_, number, share

PROCESSES = {"bg_nbd": "BG/NBD", "mbg_nbd": "MBG/NBD"}
VERDICTS = {True: N_("in its range"), False: N_("outside its range")}


def show(fits: list[dict[str, Any]], currency: str) -> None:
    """Show the back-test of the last quarters."""
    look.section(
        _("Can it be trusted?"),
        _("Each quarter the model is fitted as it would have been then, and what it expected of the {days} days after "
          "is held against what came. Net revenue, not discounted, of customers known by then",
          days=number(next((fit["backtest_days"] for fit in fits if fit["backtest_days"]), None))),
    )  # fmt: skip
    if not fits:
        look.nothing(_("There is no forecast yet: it needs orders. `wabench ingest`, then `wabench refresh`."))
        return
    past = [fit for fit in fits if fit["actual_value"] is not None]
    left, right = st.columns([3, 2], gap="large")
    with right:
        _words(fits[0], past)
    with left:
        if not past:
            look.nothing(_("The shop is too young to look back: a back-test needs a quarter and 85 days before it."))
            return
        _deciles(past, currency)
    charts.table([_row(fit, currency) for fit in past], "fits")


def _deciles(past: list[dict[str, Any]], currency: str) -> None:
    names = {str(fit["quarters_ago"]): _period(fit) for fit in past}
    chosen = filters.one(_("Quarter"), list(names), "quarter", next(iter(names)), names.__getitem__,
                         label_visibility="collapsed")  # fmt: skip
    found = shop.rows("deciles", quarters_ago=int(chosen))
    texts = [
        n_("{n} customer: {expected} expected, {actual} came ({error})",
           "{n} customers: {expected} expected, {actual} came ({error})", row["customers"],
           expected=money(row["expected_value"], currency), actual=money(row["actual_value"], currency),
           error=_signed(row["error"]))
        for row in found
    ]  # fmt: skip
    drawn = go.Figure([
        go.Bar(name=_(name), x=[str(row["decile"]) for row in found], y=[float(row[key]) for row in found],
               marker_color=charts.colour(colour), hovertext=texts, hoverinfo="text")
        for name, key, colour in (
            (N_("Expected"), "expected_value", "strong"), (N_("Came"), "actual_value", "warm"),
        )
    ])  # fmt: skip
    drawn.update_layout(barmode="group", bargap=0.25, yaxis_tickformat="~s", xaxis={
        "type": "category", "title": _("Tenths of the customers, by what was expected of them; 1 is the highest")
    })  # fmt: skip
    charts.chart(drawn, "deciles", _("Expected and came, by tenths"), found, 300)


def _words(now: dict[str, Any], past: list[dict[str, Any]]) -> None:
    numbers = {"customers": number(now["customers"]), "repeaters": number(now["repeaters"])}
    if now["ltv_basis"] == "model":
        process = PROCESSES.get(now["process"], now["process"])
        lines = [_("**The model**: {process} for when they order, Gamma-Gamma for how much; fitted to {customers} who "
                   "bought, {repeaters} of them again. It sees how often and how lately each bought, and for how much; "
                   "it knows nothing of messages, prices or news.", process=process, **numbers)]  # fmt: skip
    else:
        lines = [_("**No model yet**: of {customers} who bought, only {repeaters} bought again. All have the mean rate "
                   "or the mean spend, so that customers can't be told apart by it.", **numbers)]  # fmt: skip
    if past:
        lines += [_record(past), _against_naive(past)]
    shared = share(now["value_sd"], 0)
    lines.append(_("**The range**: one sum in five is expected to end outside its 80 % range. What all customers "
                   "share, such as a bad season, may take it {sd} either way.", sd=shared))  # fmt: skip
    st.markdown("\n\n".join(lines))


def _record(past: list[dict[str, Any]]) -> str:
    biases = [fit["bias"] for fit in past]
    kept = sum(bool(fit["is_in_range"]) for fit in past)
    return _("**Its record**: its range held what came in {kept} of {n} quarters; it was off by {low} to {high}.",
             kept=number(kept), n=number(len(past)), low=_signed(min(biases)), high=_signed(max(biases)))  # fmt: skip


def _against_naive(past: list[dict[str, Any]]) -> str:
    """Say in how many quarters the model was nearer than last year's same days."""
    told = [fit for fit in past if fit["naive_bias"] is not None]
    nearer = sum(abs(fit["bias"]) < abs(fit["naive_bias"]) for fit in told)
    return _("**Against “last year repeats itself”**: nearer in {nearer} of {n} quarters.", nearer=number(nearer),
             n=number(len(told)))  # fmt: skip


def _row(fit: dict[str, Any], currency: str) -> dict[str, Any]:
    return {
        _("Quarter"): _period(fit),
        _("Customers"): fit["customers"],
        _("Expected"): money(fit["expected_value"], currency),
        _(
            "80 % range"
        ): f"{money(fit['expected_value_low'], currency)} – {money(fit['expected_value_high'], currency)}",
        _("Came"): money(fit["actual_value"], currency),
        _("Off by"): _signed(fit["bias"]),
        _("Verdict"): _(VERDICTS[bool(fit["is_in_range"])]),
        _("Last year repeated"): _signed(fit["naive_bias"]),
        _("Off for one customer"): money(fit["mae"], currency),
        _("Last year's for one"): money(fit["naive_mae"], currency),
        _("The best tenth brought"): share(fit["capture"]),
    }


def _period(fit: dict[str, Any]) -> str:
    """Write the days that a back-test is about, in short."""
    begun, ended = fit["ends_on"] + timedelta(days=1), fit["ends_on"] + timedelta(days=fit["backtest_days"])
    return "–".join(format_date(day, "d MMM yy", language()) for day in (begun, ended))


def _signed(value: float | None) -> str:
    return f"{'+' if value is not None and value >= 0 else ''}{share(value)}"
