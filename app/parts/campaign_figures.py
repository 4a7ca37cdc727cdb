"""What came of a campaign: its funnel, its variants side by side, what it caused, what failed."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import campaign_forecast, charts, failures, lang, look, shop
from parts.lang import N_, NONE, _, money, n_, number, percent, share
from parts.look import Figure
from plotly.subplots import make_subplots

from wabench import display
from wabench.behind import Behind
from wabench.campaigns import holdout, recipients, simulation
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.recipients import Outcome
from wabench.campaigns.schema import SendState

STEPS = (
    (N_("Accepted"), "accepted", "accepted", None),
    (N_("Delivered"), "delivered", "delivered", "accepted"),
    (N_("Read"), "read", "read", "delivered"),
    (N_("Replied"), "replied", "replied", "customers_delivered"),
    (N_("Converted"), "converted", "converted", "customers_delivered"),
)
EFFECTS = (
    (N_("customers who ordered"), "incremental_conversions", False),
    (N_("orders"), "incremental_orders", False),
    (N_("net revenue"), "incremental_net_revenue", True),
)


def show(campaign: Campaign) -> None:
    rows = shop.rows("campaign_variants", campaign_id=campaign.campaign_id)
    if not rows:
        look.nothing(_("What came of it (deliveries, replies, orders, ROI) is known after the next `wabench refresh`."))
    else:
        published(campaign, rows)
    failed(campaign)


def published(campaign: Campaign, rows: list[dict[str, Any]]) -> None:
    currency = rows[0]["currency"] or shop.settings().currency
    look.cards(figures(rows, currency))
    left, right = st.columns(2, gap="large")
    with left:
        funnel(campaign, rows)
    with right:
        found = simulation.compared(shop.settings(), campaign, rows)
        if found:
            campaign_forecast.against(found, currency)
        else:
            look.section(_("Forecast against what came"))
            look.nothing(_("Nobody simulated this campaign before it was sent."))
    if len(rows) > 1:
        variants(rows, currency)
    lift(rows, currency)


def total(rows: list[dict[str, Any]], column: str) -> float:
    return sum(float(row[column] or 0) for row in rows)


def figures(rows: list[dict[str, Any]], currency: str) -> list[Figure]:
    of = {name: total(rows, name) for name in ("accepted", "delivered", "read", "customers_delivered", "replied",
          "converted", "opted_out", "cost", "attributed_net_revenue", "attributed_orders")}  # fmt: skip
    is_costed = not total(rows, "messages_without_cost")
    cost, revenue = of["cost"], of["attributed_net_revenue"]
    unknown = n_("of {n} message the cost is not known", "of {n} messages the cost is not known",
                 total(rows, "messages_without_cost"))  # fmt: skip
    return [
        Figure(_("Delivered"), percent(of["delivered"], of["accepted"]),
               _("{part} of {whole} accepted", part=number(of["delivered"]), whole=number(of["accepted"]))),
        Figure(_("Read"), percent(of["read"], of["delivered"]),
               _("{part} of {whole} delivered", part=number(of["read"]), whole=number(of["delivered"]))),
        Figure(_("Replied"), percent(of["replied"], of["customers_delivered"]),
               _("{part} within 24 h, of {whole} customers", part=number(of["replied"]),
                 whole=number(of["customers_delivered"]))),
        Figure(_("Converted"), percent(of["converted"], of["customers_delivered"]),
               _("{part} of {whole} ordered within {days} days", part=number(of["converted"]),
                 whole=number(of["customers_delivered"]), days=number(shop.settings().attribution_days))),
        Figure(_("Cost"), money(cost, currency), _("charged or by the price book") if is_costed else unknown),
        Figure(_("Revenue"), money(revenue, currency),
               _("net, of {orders} orders after its messages", orders=number(of["attributed_orders"]))),
        Figure(_("ROI"), number((revenue - cost) / cost, 1) if is_costed and cost else NONE,
               _("net of cost, by cost: {times} came back for 1 spent", times=number(revenue / cost, 1))
               if is_costed and cost else _("known once every message's cost is")),
    ]  # fmt: skip


def funnel(campaign: Campaign, rows: list[dict[str, Any]]) -> None:
    look.section(
        _("Funnel"),
        _("Since it began, up to {moment}; replied and converted are of the customers delivered to",
          moment=look.as_of()),
    )  # fmt: skip
    data = [
        {"variant": row["variant"], "step": step, "customers": row[column]}
        for row in rows
        for _name, step, column, _of in STEPS
    ]
    charts.chart(
        steps(rows), "campaign_funnel", _("Funnel"), data, 120 + 100 * min(len(rows), 2),
        behind_point=lambda point: reached(campaign, rows, point),
    )  # fmt: skip


def steps(rows: list[dict[str, Any]]) -> go.Figure:
    names = [_(name) for name, _step, _column, _of in STEPS]
    drawn = go.Figure()
    for row, colour in zip(rows, ("strong", "cool", "warm", "pale", "bad"), strict=False):
        texts = [
            number(row[column]) + (f" · {percent(row[column], row[of])}" if of else "")
            for _name, _step, column, of in STEPS
        ]
        drawn.add_bar(
            y=names, x=[row[column] for _name, _step, column, _of in STEPS], orientation="h", text=texts,
            name=row["variant"] or _("all"), marker_color=charts.colour(colour), hoverinfo="none", cliponaxis=False,
            textposition="auto", insidetextanchor="start", showlegend=len(rows) > 1, textfont_size=12,
            insidetextfont_color=charts.ink(),
        )  # fmt: skip
    drawn.update_layout(
        bargap=0.3, barmode="group", margin_r=100, xaxis={"visible": False},
        yaxis={"autorange": "reversed", "title": None, "showgrid": False},
    )  # fmt: skip
    return drawn


def reached(campaign: Campaign, rows: list[dict[str, Any]], point: charts.Point) -> Behind:
    name, step, _column, _of = STEPS[point["point_index"]]
    variant = rows[point["curve_number"]]["variant"]
    asked = {"campaign_id": campaign.campaign_id, "variant": variant if len(rows) > 1 else None, "step": step}
    return Behind("campaign", asked, " · ".join(filter(None, (campaign.name, variant, _(name)))))


def variants(rows: list[dict[str, Any]], currency: str) -> None:
    look.section(
        _("Variants side by side"),
        _("Chance gave each customer one of the texts; a difference between them may be chance too"),
    )
    charts.table([variant(row, currency) for row in rows], "variants")


def variant(row: dict[str, Any], currency: str) -> dict[str, Any]:
    def of(part: str, whole: str) -> str:
        return f"{number(row[part])} ({percent(row[part], row[whole])})"

    return {
        _("Variant"): row["variant"],
        _("Template"): row["template_name"],
        _("Share"): share(row["variant_share"], 0),
        _("Accepted"): row["accepted"],
        _("Delivered"): of("delivered", "accepted"),
        _("Read"): of("read", "delivered"),
        _("Replied"): of("replied", "customers_delivered"),
        _("Converted"): of("converted", "customers_delivered"),
        _("Opted out"): of("opted_out", "customers_delivered"),
        _("Cost"): money(row["cost"], currency),
        _("Revenue"): money(row["attributed_net_revenue"], currency),
        _("ROI"): number(row["roi"], 1),
    }


def lift(rows: list[dict[str, Any]], currency: str) -> None:
    """Say what the campaign caused, beside those who were held out, and what such a holdout can show."""
    measured = [row for row in rows if row["customers_held_out"]]
    until = measured[0]["lift_measured_until"] if measured else None
    look.section(
        _("What it caused"),
        _("Those written to against those held out by chance, orders up to {moment}; lines are 95 % intervals",
          moment=lang.moment(until)) if measured else None,
    )  # fmt: skip
    if not measured:
        look.nothing(_("Nobody was held out, so what would have come anyway can't be told apart. Hold out a tenth of "
                       "the next one."))  # fmt: skip
        return
    for row in measured:
        left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
        with left:
            effects(row, currency)
        right.markdown("\n".join(f"- {line}" for line in said(row)))


def effects(row: dict[str, Any], currency: str) -> None:
    known = [(name, column, is_money) for name, column, is_money in EFFECTS if row[column] is not None]
    if not known:
        look.nothing(_("Too few customers or no orders at all: nothing can be said of what it caused."))
        return
    for cell, (name, column, is_money) in zip(st.columns(len(known)), known, strict=True):
        with cell:
            values = [row[f"{column}{end}"] for end in ("", "_low", "_high")]
            value, low, high = (money(each, currency) if is_money else number(each, 1) for each in values)
            st.metric(_("Extra {what}", what=_(name)), value)
            st.caption(_("95 % between {low} and {high}", low=low, high=high))
    data = [
        {"metric": column, "estimate": row[column], "low": row[f"{column}_low"], "high": row[f"{column}_high"]}
        for _name, column, _is_money in known
    ]
    key = f"lift_{row['variant'] or 'all'}"
    charts.chart(intervals(row, [column for _name, column, _money in known]), key, _("What it caused"), data, 90)


def intervals(row: dict[str, Any], columns: list[str]) -> go.Figure:
    """Draw each effect with its interval in a field of its own, for their units differ; the dotted line is none."""
    drawn = make_subplots(1, len(columns), horizontal_spacing=0.06)
    for place, column in enumerate(columns, 1):
        low, value, high = (float(row[f"{column}{end}"]) for end in ("_low", "", "_high"))
        drawn_in = charts.colour("strong" if low > 0 or high < 0 else "warm")
        drawn.add_scatter(
            x=[value], y=[""], mode="markers", marker={"size": 11, "color": drawn_in}, row=1, col=place,
            error_x={"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
                     "color": drawn_in, "thickness": 3},
            hovertemplate="%{x:,.1f}<extra></extra>", showlegend=False,
        )  # fmt: skip
        drawn.add_vline(x=0, line={"color": charts.colour("bad"), "dash": "dot", "width": 1}, row=1, col=place)
    drawn.update_yaxes(visible=False)
    drawn.update_xaxes(nticks=4, tickformat="~s")
    return drawn


def said(row: dict[str, Any]) -> list[str]:
    """Say in words on what a lift stands, and what it does not tell."""
    rates = [share(row[f"{arm}_conversion_rate"] or 0) for arm in ("treated", "held_out")]
    lines = [
        _("{rate} of {n} written to ordered, {other} of {held_out} held out", rate=rates[0],
          n=number(row["customers_treated"]), other=rates[1], held_out=number(row["customers_held_out"])),
    ]  # fmt: skip
    if row["variant"]:
        lines[0] = _("Variant {name}: {line}", name=row["variant"], line=lines[0])
    if row["is_sample_ratio_off"]:
        lines.append(_("The split is not the one that was planned: something took customers out of one arm, so these "
                       "figures mean nothing"))  # fmt: skip
    low, high = row["incremental_orders_low"], row["incremental_orders_high"]
    if low is not None and low <= 0 <= high:
        lines.append(_("It may have brought no order at all: the interval contains 0"))
    customers = row["customers_treated"] + row["customers_held_out"]
    power = holdout.shown(shop.settings(), row["held_out_conversion_rate"], customers, row["customers_held_out"])
    if power.smallest_effect:
        lines.append(_("With so many held out, a rise by {points} points is found four times of five; a smaller one is "
                       "more often missed", points=number(power.smallest_effect * 100, 1)))  # fmt: skip
    if row["cost_per_incremental_order"] is not None:
        lines.append(
            _("One extra order cost {amount}", amount=money(row["cost_per_incremental_order"], row["currency"]))
        )
    return lines


@dataclass(frozen=True, slots=True)
class Failure:
    """Messages that failed for one code; `turned` is the ledger's outcome where they were turned away at once."""

    code: str
    family: str
    messages: int
    turned: Outcome | None = None


def failed(campaign: Campaign) -> None:
    """Show what was turned away, or taken and not delivered, by the provider's code, and what to do."""
    turned = [each for each in recipients.outcomes(shop.settings(), campaign) if each.state is SendState.REJECTED]
    lost = shop.rows("campaign_failures", campaign_id=campaign.campaign_id)
    found = [Failure(each.error_code or "unknown", each.error_family or "unknown", each.sends, each) for each in turned]
    found += [Failure(row["error_code"], row["error_family"], row["failed"]) for row in lost]
    if not found:
        return
    look.section(
        _("What failed, and what to do"),
        _("Messages, by what the provider said; turned away at once as of now, not delivered up to {moment}",
          moment=look.as_of()),
    )  # fmt: skip
    left, right = st.columns([2, 3], gap="large")
    data = [{"code": each.code, "messages": each.messages, "turned_away": bool(each.turned)} for each in found]
    with left:
        charts.chart(
            failures_drawn(found), "campaign_failed", _("What failed"), data, 70 + 34 * len(found),
            behind_point=lambda point: failed_to(campaign, found[point["point_index"]]),
        )  # fmt: skip
    with right:
        for each in found:
            advice = failures.advice(each.code, each.family)
            st.markdown(f"**{display.verbatim(each.code)}** {_(advice.means)}  \n:gray[{_(advice.do)}]")


def failures_drawn(found: list[Failure]) -> go.Figure:
    names = [f"{each.code} · {_('turned away') if each.turned else _('not delivered')}" for each in found]
    drawn = go.Figure(
        go.Bar(
            y=names, x=[each.messages for each in found], orientation="h", marker_color=charts.colour("bad"),
            text=[number(each.messages) for each in found], textposition="outside", hoverinfo="none", cliponaxis=False,
        )
    )  # fmt: skip
    drawn.update_layout(
        bargap=0.35, margin_r=50, xaxis={"visible": False},
        yaxis={"autorange": "reversed", "title": None, "automargin": True, "showgrid": False},
    )  # fmt: skip
    return drawn


def failed_to(campaign: Campaign, failure: Failure) -> Behind:
    title = f"{campaign.name}: {failure.code}"
    if failure.turned:
        listed = recipients.customers(shop.settings(), campaign, failure.turned)
        return Behind("listed", {"customers": listed}, title)
    return Behind("campaign_failed", {"campaign_id": campaign.campaign_id, "error_code": failure.code}, title)
