"""Where everybody of a campaign stands, by the ledger: left out and why, accepted, turned away; and who they are."""

import plotly.graph_objects as go
from parts import charts, look, shop
from parts.lang import N_, _, number, percent

from wabench.behind import Behind
from wabench.campaigns import recipients
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.recipients import Outcome
from wabench.campaigns.schema import SendState

STATES = {
    SendState.PLANNED: N_("To be sent"),
    SendState.HELD: N_("Held for later"),
    SendState.CLAIMED: N_("Under way"),
    SendState.ACCEPTED: N_("Accepted"),
    SendState.REJECTED: N_("Rejected"),
    SendState.UNKNOWN: N_("Unknown: the answer was lost"),
    SendState.SUPPRESSED: N_("Left out"),
}
REASONS = {
    "no way to reach": N_("no way to reach them"),
    "no consent": N_("no consent"),
    "opted out": N_("opted out"),
    "already in this campaign": N_("their number is in it already"),
    "promotional cap": N_("had a promotion lately"),
    "contact pressure": N_("had many promotions lately"),
    "marketing not delivered in their country": N_("promotions are not delivered in their country"),
    "cold": N_("no sign of life for long"),
    "quiet hours": N_("it is night where they are"),
    "the provider's limit of people a day": N_("no more people today: the provider's limit"),
    "waits for their best hour": N_("waits for their best hour"),
    "waits for the first share's result": N_("waits for the first share's result"),
    "variables missing or empty": N_("a variable has no value"),
    "holdout": N_("held out by chance"),
    "campaign cancelled": N_("the campaign was cancelled"),
    "delivered after all": N_("the first message was delivered after all"),
    "too soon after another message": N_("too soon after another message"),
}
COLOURS = {SendState.ACCEPTED: "strong", SendState.PLANNED: "strong", SendState.REJECTED: "bad",
           SendState.UNKNOWN: "warm"}  # fmt: skip


def show(campaign: Campaign) -> None:
    found = recipients.outcomes(shop.settings(), campaign)
    total = sum(each.sends for each in found)
    look.section(
        _("Where everybody stands"),
        _("Customers of the segment as it was when planned, {total}; by the ledger, as of now", total=number(total)),
    )
    if not found:
        look.nothing(_("The segment was empty when this was planned."))
        return
    names = [name_of(each) for each in found]
    data = [{"outcome": name, "customers": each.sends} for name, each in zip(names, found, strict=True)]
    charts.chart(
        bars(names, found, total), "outcomes", _("Where everybody stands"), data, 60 + 34 * len(found),
        behind_point=lambda point: behind(campaign, found[point["point_index"]], names[point["point_index"]]),
    )  # fmt: skip


def name_of(outcome: Outcome) -> str:
    """Say one outcome: its state, and the reason or the provider's code."""
    said = _(STATES[outcome.state])
    why = _(REASONS.get(outcome.reason, outcome.reason)) if outcome.reason else outcome.error_code
    return f"{said}: {why}" if why else said


def bars(names: list[str], found: list[Outcome], total: int) -> go.Figure:
    drawn = go.Figure(
        go.Bar(
            y=names, x=[each.sends for each in found], orientation="h", hoverinfo="none", cliponaxis=False,
            text=[f"{number(each.sends)} · {percent(each.sends, total)}" for each in found], textposition="outside",
            marker_color=[charts.colour(COLOURS.get(each.state, "pale")) for each in found],
        )
    )  # fmt: skip
    drawn.update_layout(
        bargap=0.35, margin_r=110, xaxis={"visible": False},
        yaxis={"autorange": "reversed", "title": None, "automargin": True, "showgrid": False},
    )  # fmt: skip
    return drawn


def behind(campaign: Campaign, outcome: Outcome, name: str) -> Behind:
    listed = recipients.customers(shop.settings(), campaign, outcome)
    return Behind("listed", {"customers": listed}, f"{campaign.name}: {name}")
