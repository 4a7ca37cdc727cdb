"""The audit as admins read it."""

from typing import Any

import streamlit as st
from parts import filters, look, person, shop
from parts.lang import _, moment, number

from wabench.acts import audit
from wabench.campaigns.audit import Asked
from wabench.roles import Action


def show() -> None:
    """Show who did what, newest first; nothing to who may not see it."""
    actor = person.actor()
    if actor is None or not actor.may(Action.SEE_AUDIT):
        return
    look.section(
        _("Audit"),
        _("What was done to campaigns, consents and exports, by whom; the newest {n}, all in the export",
          n=number(audit.NEWEST)),
    )  # fmt: skip
    settings = shop.settings()
    actors, actions = audit.names(settings, actor)
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    with left:
        by = filters.several(_("Who"), actors, "who", widget=st.multiselect, placeholder=_("all"))
    with middle:
        did = filters.several(_("Did"), actions, "did", widget=st.multiselect, placeholder=_("all"))
    with right:
        machines = st.toggle(_("With each send and what webhooks told"), key="machines", bind="query-params")
    asked = Asked(tuple(by), tuple(did), machines)
    found = audit.lines(settings, actor, asked)
    if not found:
        look.nothing(_("Nothing of this was done yet."))
        return
    st.dataframe([_line(row) for row in found], hide_index=True, placeholder="–", key="audit")
    st.download_button(
        _("All as CSV"), lambda: audit.export(settings, actor, asked), "audit.csv", "text/csv", key="audit_csv",
        on_click="ignore", icon=":material/download:", type="tertiary",
    )  # fmt: skip


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return {
        _("When"): moment(row["at"].replace(tzinfo=None)),
        _("Who"): row["actor"],
        _("Did"): row["action"],
        _("Campaign"): row["campaign"],
        _("Detail"): row["detail"],
    }
