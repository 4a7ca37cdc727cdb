"""Who is looking: their name for the audit and what they may do, and the door where they may not look at all."""

from datetime import UTC, datetime

import streamlit as st
from parts import shop
from parts.lang import N_, _

from wabench import display, login
from wabench.login import Stranger, Why
from wabench.roles import Action, Actor, Role

TOLD = {
    Why.NO_EMAIL: N_("Your account has no e-mail address there, so it does not say who you are."),
    Why.UNVERIFIED: N_("**{email}** is not verified there, so it may be anybody's. Verify it, then sign in again."),
    Why.NO_ROLE: N_(
        "**{email}** has no role in this shop. Ask whoever runs it for a line below `[roles]` in `wabench.toml`."
    ),
    Why.LONG_AGO: N_("**{email}** signed in more than {hours} hours ago."),
}
ROLES = {
    Role.ANALYST: N_("analyst"),
    Role.MARKETER: N_("marketer"),
    Role.APPROVER: N_("approver"),
    Role.ADMIN: N_("admin"),
}


def actor() -> Actor | None:
    """Give the person who looks, or None where `door` is to be shown instead of a page."""
    found = _found()
    return found if isinstance(found, Actor) else None


def may(action: Action) -> bool:
    """Tell whether whoever looks may do something; the act behind it asks again."""
    found = actor()
    return found is not None and found.may(action)


def is_masked() -> bool:
    """Tell whether they see phones and e-mails masked."""
    return not may(Action.SEE_PHONES)


def door() -> None:
    """Show what lets them in, or why they may not come in."""
    found = _found()
    with st.container(key="instead", width=620):
        if isinstance(found, Stranger):
            _turn_away(found)
        elif _asks():
            st.title(_("Sign in"), anchor=False)
            st.markdown(_("This shop is open to the people it knows."))
            if st.button(_("Sign in"), type="primary", icon=":material/login:"):
                st.login()
        else:
            st.title(_("The app needs a restart"), anchor=False)
            st.markdown(_("It runs without the login that it needs here. Stop it and start it with `wabench app`."))


def badge(who: Actor) -> None:
    """Show who is signed in, and the way out."""
    if who.is_signed_in:
        st.caption(f"{display.verbatim(who.name)} · {_(ROLES[who.role])}")
        _way_out()


def _turn_away(stranger: Stranger) -> None:
    st.title(_("No way in"), anchor=False)
    hours = f"{shop.settings().login.hours:g}"
    st.markdown(_(TOLD[stranger.why], email=display.verbatim(stranger.email), hours=hours))
    if stranger.why is Why.LONG_AGO and st.button(_("Sign in again"), type="primary", icon=":material/login:"):
        st.login()
    _way_out()


def _way_out() -> None:
    if st.button(_("Log out"), type="tertiary", icon=":material/logout:", key="log_out"):
        st.logout()


def _found() -> Actor | Stranger | None:
    """Tell who it is; None where nobody is signed in who would have to be.

    Without a login it is whoever sits at this machine, but only while nobody else can reach the app.
    """
    settings, claims = shop.settings(), st.user.to_dict()
    if not login.is_wanted(settings) and not _asks():
        return login.local() if login.is_loopback(str(st.get_option("server.address"))) else None
    return login.admit(settings, claims, datetime.now(UTC)) if claims.get("is_logged_in") is True else None


def _asks() -> bool:
    """Tell whether the server was started with a login."""
    return "is_logged_in" in st.user.to_dict()
