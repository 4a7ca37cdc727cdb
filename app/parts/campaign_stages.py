"""A campaign in stages: what goes first is asked for here, and what was decided of the rest is told."""

import streamlit as st
from parts import charts, lang, look, shop
from parts.lang import N_, NONE, _, number, percent, share

from wabench.campaigns import judging, ledger
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.stages import By, Kind, Outcome, Stage, StageState
from wabench.campaigns.staging import Asked

KINDS = {Kind.CANARY: N_("A canary"), Kind.WINNER: N_("Trying the texts")}
STATES = {
    StageState.WAITING: N_("the rest waits"),
    StageState.RELEASED: N_("the rest may go"),
    StageState.STOPPED: N_("the rest is stopped"),
}
OUTCOMES = {
    Outcome.WENT_WELL: N_("it went well"),
    Outcome.TOO_LITTLE_KNOWN: N_("too little was known of it"),
    Outcome.TOO_MANY_FAILED: N_("too many failed"),
    Outcome.TOO_MANY_OPTED_OUT: N_("too many opted out"),
    Outcome.TOO_MANY_BLOCKED: N_("too many blocked the number"),
    Outcome.PROVEN: N_("the better text is proven"),
    Outcome.BEST_SO_FAR: N_("no text is proven to be better: the rest gets the best so far"),
    Outcome.EQUAL: N_("no text is proven to be better: each gets the one that chance drew"),
}
MEASURES = {
    By.REPLY: N_("replies within a day"),
    By.READ: N_("reads"),
    By.CLICK: N_("clicks"),
    By.ORDER: N_("orders, as of the last refresh"),
}


def show(campaign: Campaign) -> None:
    """Tell where the stages of a campaign stand; nothing where all go at once."""
    with ledger.opened(shop.settings()) as opened:
        stages = judging.listed(opened, campaign)
    if not stages:
        return
    look.section(_("Stages"), _("A first share goes alone; the rest is held until it is decided what becomes of it"))
    charts.table([row(stage) for stage in stages], "stages")
    for stage in stages:
        if stage.kind is Kind.WINNER and stage.state is StageState.RELEASED:
            compared(stage)


def row(stage: Stage) -> dict[str, str]:
    at = stage.decided_at and lang.moment(stage.decided_at.replace(tzinfo=None))
    until = _("{hours} h after the last of the share left, at the latest", hours=number(stage.hours, 1))
    return {
        _("Stage"): _(KINDS[stage.kind]),
        _("Goes first"): share(stage.share, 0),
        _("Then"): _(STATES[stage.state]),
        _("Because"): _(OUTCOMES[stage.outcome]) if stage.outcome else NONE,
        _("Decided"): at or until,
        _("By whom"): stage.decided_by or NONE,
    }


def compared(stage: Stage) -> None:
    """Say which text won, by what, and how sure that is."""
    texts = stage.figures.get("texts", {})
    rates = ", ".join(
        _("{name}: {hits} of {customers} ({rate})", name=name, hits=number(of["hits"]),
          customers=number(of["customers"]), rate=percent(of["hits"], of["customers"]))
        for name, of in texts.items()
    )  # fmt: skip
    st.markdown(_("The rest gets **{name}**. By {measure}, {rates}.", name=stage.winner or NONE,
                  measure=_(MEASURES[stage.by or By.REPLY]), rates=rates))  # fmt: skip
    doubt = stage.figures.get("doubt")
    if doubt is not None:
        st.caption(_("By chance alone so much is seen in at most {doubt} of such tests. Only these figures compare the "
                     "texts: who got the winner later was not drawn for it.", doubt=share(doubt)))  # fmt: skip


def asked(has_variants: bool) -> Asked:
    """Ask what is to go first."""
    settings = shop.settings()
    canary = after = measure = None
    if st.toggle(_("A canary first: the rest goes if it goes well"), key="plan_canary"):
        canary = st.slider(_("Canary, in percent"), 1, 20, 5, key="plan_canary_share") / 100
        st.caption(
            _("At least {n} customers; the rest goes {hours} h after them, unless too many fail or opt out",
              n=number(settings.first_share_customers), hours=number(settings.canary_hours, 1))
        )  # fmt: skip
    if has_variants and st.toggle(_("The rest gets the better text"), key="plan_winner"):
        after = st.slider(_("Share that tries both, in percent"), 25, 80, 30, 5, key="plan_winner_share") / 100
        measure = st.selectbox(
            _("Better by"), list(By), format_func=lambda by: _(MEASURES[by]), key="plan_winner_by",
        )  # fmt: skip
        st.caption(
            _("Decided when it is proven, at the latest after {hours} h", hours=number(settings.winner_hours, 1))
        )
    return Asked(canary=canary, winner_after_share=after, winner_by=measure)
