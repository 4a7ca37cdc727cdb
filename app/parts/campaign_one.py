"""One campaign in full: where it stands, what may be done to it now, how its sending goes, and what came of it."""

from datetime import datetime

import streamlit as st
from parts import (
    bubble,
    campaign_figures,
    campaign_forecast,
    campaign_people,
    campaign_retry,
    campaign_stages,
    charts,
    lang,
    look,
    person,
    shop,
)
from parts.lang import N_, NONE, _, number, percent, share

from wabench import accounts, display
from wabench.acts import campaigns as acts
from wabench.campaigns import launch, ledger, schedule, simulation
from wabench.campaigns.launch import Progress
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.schema import CampaignState, SendState
from wabench.errors import UsageError, WabenchError
from wabench.roles import Action, Actor

LOOK_AGAIN = 2  # seconds between looks at a campaign that is being sent
BEGUN = (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.FINISHED)
WHO_MAY = {
    Action.PLAN: N_("A marketer may."),
    Action.TEST: N_("A marketer may."),
    Action.APPROVE: N_("An approver may."),
    Action.RUN: N_("An approver may."),
}
BADGES = {
    CampaignState.RUNNING: "blue",
    CampaignState.FINISHED: "green",
    CampaignState.PAUSED: "orange",
    CampaignState.CANCELLED: "gray",
}
DONE = {
    "plan": N_("planned"),
    "simulate": N_("simulated"),
    "tested": N_("tested"),
    "test send": N_("test sent"),
    "approved": N_("approved"),
    "running": N_("started"),
    "paused": N_("paused"),
    "finished": N_("finished"),
    "cancelled": N_("cancelled"),
    "abandon": N_("found its sender dead"),
    "budget": N_("given another budget"),
    "release": N_("let the rest go"),
    "retry stopped": N_("planned again what a stop turned away"),
}


def show(name: str) -> None:
    settings = shop.settings()
    try:
        with ledger.opened(settings) as opened:
            campaign = opened.campaign(name)
    except UsageError as error:
        look.heading(_("Campaigns"))
        look.refused(error)
        back()
        return
    progress = launch.progress(settings, name)
    head(campaign)
    steps(campaign)
    actions(campaign, progress)
    if progress.is_sending or campaign.status in (CampaignState.RUNNING, CampaignState.PAUSED):
        live(name, campaign.status, progress.is_sending)
    campaign_stages.show(campaign)
    if campaign.status in BEGUN:
        campaign_figures.show(campaign)
    else:
        campaign_forecast.show(campaign)
    if not progress.is_sending:
        campaign_people.show(campaign)
        campaign_retry.show(campaign)
    texts(campaign)
    history(campaign)


def head(campaign: Campaign) -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    left.title(display.verbatim(campaign.name), anchor=False)
    templates = " / ".join(dict.fromkeys(text.template_name for text in campaign.texts))
    told = [_("segment {segment}", segment=campaign.segment or NONE), _("template {template}", template=templates),
            _("through {provider}", provider=campaign.provider)]  # fmt: skip
    if campaign.starts_at:
        told.append(_("starts {moment}", moment=moment(campaign.starts_at)))
    if campaign.at_best_hour:
        told.append(_("to each at their best hour"))
    if campaign.skips_cold:
        told.append(_("without the cold"))
    if campaign.budget is not None:
        told.append(_("up to {amount}", amount=lang.money(campaign.budget, shop.settings().currency)))
    badge = f":{BADGES.get(campaign.status, 'gray')}-badge[{_(campaign.status)}]"
    left.caption(f"{badge} {display.verbatim(' · '.join(told))}")
    with right.container(horizontal_alignment="right"):
        back()


def back() -> None:
    if st.button(_("All campaigns"), icon=":material/arrow_back:"):
        del st.query_params["campaign"]
        st.rerun()


def moment(at: datetime | None) -> str:
    return lang.moment(at and at.replace(tzinfo=None))


def steps(campaign: Campaign) -> None:
    """Show the way of a campaign, and how far it has come."""
    made = simulation.kept(shop.settings(), campaign)
    way = (
        (_("Planned"), campaign.planned_at, campaign.created_by),
        (_("Simulated"), made.made_at if made else None, ""),
        (_("Tested"), campaign.tested_at, ""),
        (_("Approved"), campaign.approved_at, campaign.approved_by or ""),
        (_("Started"), campaign.started_at, ""),
        (_("Finished"), campaign.finished_at, ""),
    )
    with st.container(border=True, key="steps"):
        for cell, (name, at, who) in zip(st.columns(len(way), gap="small"), way, strict=True):
            icon = ":green[:material/check_circle:]" if at else ":gray[:material/radio_button_unchecked:]"
            cell.markdown(f"{icon} {name}" if at else f"{icon} :gray[{name}]")
            cell.caption(" · ".join(filter(None, (moment(at) if at else "", display.verbatim(who)))) or NONE)


def actions(campaign: Campaign, progress: Progress) -> None:
    actor = person.actor()
    if actor is None:
        return
    if campaign.status is CampaignState.PAUSED and campaign.reason:
        st.warning(display.verbatim(campaign.reason), icon=":material/pause_circle:")
    if progress.is_stuck:
        told = _("It stands still: the process that sent it is gone. Go on: nobody is written to twice.")
        said = _("It said last: {said}", said=display.verbatim(progress.last_said)) if progress.last_said else ""
        st.error(f"{told} {said}", icon=":material/warning:")
    with st.container(horizontal=True, vertical_alignment="center"):
        match campaign.status:
            case CampaignState.PLANNED | CampaignState.TESTED:
                unapproved(campaign, actor)
            case CampaignState.APPROVED if progress.is_sending:
                st.caption(_("It begins: what came back before is read first."))
            case CampaignState.APPROVED:
                start(campaign, actor)
            case CampaignState.RUNNING if progress.is_stuck:
                start(campaign, actor, _("Go on"))
            case CampaignState.RUNNING:
                if button(_("Pause"), Action.RUN, actor, icon="pause"):
                    do(lambda: acts.pause(shop.settings(), actor, campaign.name))
            case CampaignState.PAUSED:
                start(campaign, actor, _("Resume"), resumes=True)
        if campaign.status not in (CampaignState.FINISHED, CampaignState.CANCELLED):
            cancel(campaign, actor)


def unapproved(campaign: Campaign, actor: Actor) -> None:
    settings, is_tested = shop.settings(), campaign.status is CampaignState.TESTED
    if not is_tested and button(_("Test every message"), Action.TEST, actor, "primary", "fact_check"):
        do(lambda: acts.test(settings, actor, campaign.name))
    if is_tested:
        is_own = actor.is_signed_in and actor.name == campaign.created_by
        why = _("You planned it: somebody else has to approve it.") if is_own else ""
        if button(_("Approve"), Action.APPROVE, actor, "primary", "verified", why):
            do(lambda: acts.approve(settings, actor, campaign.name))
    if button(_("Simulate again"), Action.PLAN, actor, icon="query_stats"):
        do(lambda: acts.simulate(settings, actor, campaign.name))
    try_on(campaign, actor)
    if button(_("Change the plan"), Action.PLAN, actor, icon="edit"):
        st.query_params.from_dict({"new": campaign.segment or "", "name": campaign.name})
        st.rerun()


def try_on(campaign: Campaign, actor: Actor) -> None:
    """Let the texts be sent to a few numbers, to be seen on a phone."""
    with st.popover(_("Send to my phone"), icon=":material/smartphone:", disabled=not actor.may(Action.TEST)):
        st.caption(_("Each text, as its first customer would read it, to the numbers you name and to nobody else."))
        phones = st.text_input(_("Numbers, with commas between"), placeholder="+55 11 98765-4321", key="try_phones")
        live = reaches_people(campaign)
        if st.button(_("Send"), key="try_send", disabled=not phones or (live and not actor.may(Action.RUN))):
            try:
                numbers = [each.strip() for each in phones.split(",") if each.strip()]
                tried = acts.send_test(shop.settings(), actor, campaign.name, numbers, live=live)
            except WabenchError as error:
                look.refused(error)
                return
            for each in tried:
                told = f"•••• {each.phone[-4:]} {each.variant}"
                if each.problem:
                    st.error(display.verbatim(f"{told}: {each.problem}"))
                else:
                    st.success(_("{number}: taken", number=told))


def start(campaign: Campaign, actor: Actor, label: str = "", resumes: bool = False) -> None:
    """Offer to have it sent; to real customers only with a second thought."""
    settings, live = shop.settings(), reaches_people(campaign)
    why, sure = not_due(campaign), True
    if live and actor.may(Action.RUN):
        sure = st.checkbox(_("Write to real customers"), key="is_live")
    budget = campaign.budget
    if resumes and budget is not None:
        budget = st.number_input(
            _("What it may cost in all, {currency}", currency=settings.currency), 0.0, value=budget, key="more_budget",
        )  # fmt: skip
    if button(label or _("Start sending"), Action.RUN, actor, "primary", "send", why, is_off=not sure):
        with st.spinner(_("Starting…")):
            if resumes:
                raised = budget if budget != campaign.budget else None
                do(lambda: acts.resume(settings, actor, campaign.name, live=live, budget=raised))
            else:
                do(lambda: acts.run(settings, actor, campaign.name, live=live))
    if not live:
        st.caption(_("A rehearsal: the provider's address is on this machine."), width="content")


def reaches_people(campaign: Campaign) -> bool:
    settings = shop.settings()
    table = settings.providers.get(campaign.provider)
    return not (table and table.base_url and accounts.is_rehearsal(table.base_url))


def not_due(campaign: Campaign) -> str:
    if campaign.status is not CampaignState.APPROVED:
        return ""
    try:
        schedule.must_be_due(shop.settings(), campaign, datetime.now().astimezone())
    except WabenchError as error:
        return str(error)
    return ""


def cancel(campaign: Campaign, actor: Actor) -> None:
    is_plan = campaign.status in (CampaignState.PLANNED, CampaignState.TESTED)
    may = actor.may(Action.PLAN if is_plan else Action.RUN)
    with st.popover(_("Cancel it"), icon=":material/cancel:", disabled=not may):
        st.markdown(_("What was not sent yet never will be. This can't be taken back."))
        if st.button(_("Cancel for good"), type="primary", key="cancel_for_good"):
            do(lambda: acts.cancel(shop.settings(), actor, campaign.name))


def button(
    label: str, action: Action, actor: Actor, kind: str = "secondary", icon: str = "", why_not: str = "",
    is_off: bool = False,
) -> bool:  # fmt: skip
    """Show a button that whoever may not do it sees, but can't press, and reads why."""
    reason = why_not or ("" if actor.may(action) else _(WHO_MAY[action]))
    return st.button(
        label, key=f"do_{icon}", type=kind, icon=f":material/{icon}:", disabled=bool(reason) or is_off,
        help=reason or None,
    )  # fmt: skip


def do(act: object) -> None:
    """Do something to the campaign and draw the page anew, or say in its line why not."""
    try:
        act()  # type: ignore[operator]
    except WabenchError as error:
        look.refused(error)
        return
    st.rerun()


@st.fragment(run_every=LOOK_AGAIN)
def live(name: str, status: CampaignState, was_sending: bool) -> None:
    """Show how far the sending is, and draw the whole page anew when it has come to something else."""
    progress = launch.progress(shop.settings(), name)
    if (progress.status, progress.is_sending) != (status, was_sending):
        st.rerun()
    done, total = progress.done, max(progress.total, 1)
    text = _("{done} of {total} sent ({share})", done=number(done), total=number(progress.total),
             share=percent(done, progress.total))  # fmt: skip
    st.progress(done / total, text=text)
    counts = [
        (_("Accepted"), SendState.ACCEPTED), (_("Waiting"), SendState.PLANNED), (_("Held"), SendState.HELD),
        (_("Under way"), SendState.CLAIMED), (_("Rejected"), SendState.REJECTED), (_("Unknown"), SendState.UNKNOWN),
    ]  # fmt: skip
    for cell, (label, state) in zip(st.columns(len(counts)), counts, strict=True):
        cell.metric(label, number(progress.sends.get(state, 0)))


def texts(campaign: Campaign) -> None:
    note = _("What its customers read; variables of their own are left open")
    if campaign.variants:
        note = _("What its customers read, one of {n} texts by chance; variables of their own are left open",
                 n=number(len(campaign.variants)))  # fmt: skip
    look.section(_("Texts"), note)
    for cell, text in zip(st.columns(max(len(campaign.texts), 2)), campaign.texts, strict=False):
        with cell:
            name = f"{text.variant} · {share(text.share, 0)} · " if text.variant else ""
            bubble.show(text.template_body or "", f"{name}{text.template_name} · {text.language}")


def history(campaign: Campaign) -> None:
    with ledger.opened(shop.settings()) as opened:
        lines = [line for line in opened.audit_lines(campaign.campaign_id) if not line["send_id"]]
    look.section(_("History"), _("Who did what, newest first; times in {zone}", zone=shop.settings().timezone))
    charts.table(
        [
            {
                _("When"): moment(line["at"]),
                _("Who"): line["actor"],
                _("What"): _(DONE.get(line["action"], line["action"])),
                _("Detail"): line["detail"],
            }
            for line in reversed(lines)
        ],
        "history",
    )
