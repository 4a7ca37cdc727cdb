"""Campaigns: what was sent and what it brought, one campaign in full, and a new one, planned step by step."""

from typing import Any

import streamlit as st
from parts import campaign_new, campaign_one, charts, look, person, shop
from parts.lang import NONE, _, day, money, n_, number, percent
from parts.look import Figure

from wabench.campaigns import launch, ledger
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.schema import CampaignState
from wabench.errors import WabenchError
from wabench.roles import Action

WAITING = (CampaignState.PLANNED, CampaignState.TESTED, CampaignState.APPROVED)


def page() -> None:
    try:
        if name := st.query_params.get("campaign"):
            campaign_one.show(name)
        elif "new" in st.query_params:
            campaign_new.show(st.query_params["new"])
        else:
            overview()
    except WabenchError as error:
        look.refused(error)


def overview() -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        look.heading(_("Campaigns"))
    actor = person.actor()
    may_plan = actor is not None and actor.may(Action.PLAN)
    help_text = None if may_plan else _("A marketer plans campaigns.")
    with right.container(horizontal_alignment="right"):
        is_new = st.button(
            _("New campaign"), type="primary", icon=":material/add:", disabled=not may_plan, help=help_text
        )
    if is_new:
        st.query_params["new"] = ""
        st.rerun()
    known = campaigns()
    if not known:
        look.nothing(_("No campaign yet. Choose customers on the Segments page, then plan one here."))
        return
    totals = {row["campaign_id"]: row for row in shop.rows("campaign_totals")}
    look.cards(figures(known, totals))
    look.section(
        _("All campaigns"),
        _("Status as of now; what came of it since each began, up to {moment}. Delivered is of accepted, read of "
          "delivered; replied and converted are customers, of those delivered to; ROI is net of cost; extra orders are "
          "those it caused, with the 95 % interval, where some were held out", moment=look.as_of()),
    )  # fmt: skip
    rows = [row_of(campaign, totals.get(campaign.campaign_id)) for campaign in known]
    chosen = charts.table(rows, "campaigns", chooses=_("Choose a row to see a campaign in full."))
    if chosen is not None:
        st.query_params["campaign"] = known[chosen].name
        st.rerun()


def campaigns() -> list[Campaign]:
    settings = shop.settings()
    if not ledger.exists(settings):
        return []
    with ledger.opened(settings) as opened:
        return opened.campaigns()


def figures(known: list[Campaign], totals: dict[str, dict[str, Any]]) -> list[Figure]:
    settings = shop.settings()
    running = [campaign for campaign in known if campaign.status is CampaignState.RUNNING]
    stuck = sum(not launch.is_sending(settings, campaign) for campaign in running)
    waiting = sum(campaign.status in WAITING for campaign in known)
    tested = sum(campaign.status is CampaignState.TESTED for campaign in known)
    sent = [totals[each.campaign_id] for each in known if each.campaign_id in totals]
    costed = [row for row in sent if row["accepted"] and not row["messages_without_cost"]]
    cost, revenue = (sum(float(row[column] or 0) for row in costed) for column in ("cost", "revenue"))
    return [
        Figure(_("Running"), number(len(running)),
               n_("{n} stands still", "{n} stand still", stuck) if stuck else _("being sent now")),
        Figure(_("Not sent yet"), number(waiting),
               n_("{n} waits for approval", "{n} wait for approval", tested)),
        Figure(_("Spent"), money(cost, settings.currency),
               n_("on {n} campaign, all time", "on {n} campaigns, all time", len(costed))),
        Figure(_("Revenue"), money(revenue, settings.currency),
               _("net, of orders after their messages, within {days} days",
                 days=number(settings.attribution_days))),
        Figure(_("Per 1 spent"), number(revenue / cost, 1) if cost else NONE,
               _("net revenue by cost, where every message's cost is known")),
    ]  # fmt: skip


def row_of(campaign: Campaign, totals: dict[str, Any] | None) -> dict[str, Any]:
    found = totals or {}

    def of(part: str, whole: str) -> str:
        return f"{number(found[part])} ({percent(found[part], found[whole])})" if found.get(whole) else NONE

    began = campaign.started_at or campaign.starts_at or campaign.planned_at
    currency = found.get("currency") or shop.settings().currency
    return {
        _("Campaign"): campaign.name,
        _("Status"): _(campaign.status),
        _("Since"): day(began and began.replace(tzinfo=None)),
        _("Segment"): campaign.segment,
        _("Accepted"): found.get("accepted"),
        _("Left out"): found.get("suppressed"),
        _("Delivered"): of("delivered", "accepted"),
        _("Read"): of("read", "delivered"),
        _("Replied"): of("replied", "customers_delivered"),
        _("Converted"): of("converted", "customers_delivered"),
        _("Cost"): money(found["cost"], currency) if found.get("accepted") else NONE,
        _("Revenue"): money(found["revenue"], currency) if found.get("accepted") else NONE,
        _("ROI"): number(found.get("roi"), 1),
        _("Extra orders"): extra(found),
    }


def extra(found: dict[str, Any]) -> str:
    low, high = found.get("incremental_orders_low"), found.get("incremental_orders_high")
    if low is None:
        return NONE
    return f"{number(found['incremental_orders'])} ({number(low)} … {number(high)})"


page()
