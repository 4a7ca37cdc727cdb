"""What failed of a campaign and reached nobody, and what of it may be tried again; the plan of that is made here."""

from collections.abc import Sequence

import streamlit as st
from parts import charts, lang, look, person, shop
from parts.lang import N_, _, n_, number

from wabench.acts import campaigns as acts
from wabench.behind import Behind
from wabench.campaigns import retries
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.retries import Failure, Sum
from wabench.campaigns.schema import CampaignState
from wabench.errors import WabenchError
from wabench.roles import Action

REASONS = {
    "per-user limit": N_("held back by Meta: enough promotions lately"),
    "experiment": N_("in an experiment of Meta's"),
    "undeliverable": N_("could not be delivered"),
    "provider trouble": N_("the provider broke down"),
    "throttled": N_("throttled until the tries were used up"),
    "media": N_("the file could not be fetched"),
    "spam limit": N_("the number's spam limit"),
    "account stopped": N_("payment or token"),
    "opted out": N_("opted out"),
    "no WhatsApp": N_("no WhatsApp at this number"),
    "number invalid": N_("the number is wrong"),
    "blocked": N_("blocked the shop"),
    "window closed": N_("the 24 hours were over"),
    "policy": N_("against WhatsApp's rules"),
    "template": N_("the template does not fit"),
    "account refused": N_("the account was refused"),
    "refused": N_("refused for good"),
    "not known": N_("nobody knows why"),
}


def show(campaign: Campaign) -> None:
    found = retries.failures(shop.settings(), campaign)
    if not found:
        return
    sums = retries.summed(found)
    look.section(
        _("What may be tried again"),
        _("Failed and delivered to nobody, by the ledger, as of now; nobody is written to twice"),
    )
    chosen = charts.table([row(each) for each in sums], "failures", chooses=_("Choose a row to see who they are."))
    if chosen is not None:
        behind(campaign, sums[chosen], found)
    if campaign.status in (CampaignState.FINISHED, CampaignState.CANCELLED):
        plan(campaign, sum(each.passing for each in sums))


def reason_of(each: Sum) -> str:
    return _(REASONS[each.reason]) if each.reason in REASONS else each.reason


def row(each: Sum) -> dict[str, object]:
    return {
        _("Why"): reason_of(each),
        _("Code"): each.code,
        _("Failed"): each.failed,
        _("May be tried again"): each.passing,
        _("From"): lang.moment(each.due_from and each.due_from.replace(tzinfo=None)),
    }


def behind(campaign: Campaign, of: Sum, found: Sequence[Failure]) -> None:
    """Show who they are, masked as everywhere."""
    customers = tuple(f.customer_id for f in found if (f.reason, f.code) == (of.reason, of.code))
    title = f"{campaign.name}: {reason_of(of)}"
    charts.who(Behind("listed", {"customers": customers}, title), title, "failures")


def plan(campaign: Campaign, passing: int) -> None:
    actor, settings = person.actor(), shop.settings()
    if actor is None or not passing:
        return
    may = actor.may(Action.PLAN)
    with st.popover(
        _("Try again"), icon=":material/replay:", disabled=not may, help=None if may else _("A marketer may.")
    ):
        st.markdown(
            n_("{n} customer, with the text and values they had. It is tested and approved like any campaign.",
               "{n} customers, with the text and values they had. It is tested and approved like any campaign.",
               passing)
        )  # fmt: skip
        hours = number(settings.retry_within_hours)
        st.caption(_("Who has to wait for more than {hours} hours is left for another time.", hours=hours))
        name = st.text_input(_("Name"), f"{campaign.name}_again"[:100], key="retry_name").strip()
        if not st.button(_("Plan it"), type="primary", key="retry_plan", disabled=not name):
            return
        try:
            acts.plan_retry(settings, actor, name, campaign.name)
        except WabenchError as error:
            look.refused(error)
            return
        st.query_params.from_dict({"campaign": name})
        st.rerun()
