"""The router: which pages there are, and what every page shows beside its own."""

from pathlib import Path

import streamlit as st
from parts import filters, lang, person, shop, state
from parts.lang import N_, _

from wabench import words
from wabench.errors import WabenchError

HERE = Path(__file__).parent
LOOK_AGAIN = 10  # seconds between looks at whether a refresh has published
PAGES = {
    N_("Look"): {
        "overview": (N_("Overview"), "monitoring"),
        "customers": (N_("Customers"), "person_search"),
        "messages": (N_("Messages"), "forum"),
        "value": (N_("Value"), "diamond"),
        "costs": (N_("Costs"), "payments"),
    },
    N_("Write"): {
        "segments": (N_("Segments"), "filter_alt"),
        "campaigns": (N_("Campaigns"), "outbox"),
        "templates": (N_("Templates"), "draft"),
    },
    N_("Answer"): {
        "support": (N_("Support"), "support_agent"),
        "replies": (N_("Replies"), "quickreply"),
    },
    N_("Keep"): {"health": (N_("Data health"), "health_and_safety")},
}


def main() -> None:
    st.set_page_config(page_title="wabench", page_icon=str(HERE / "icon.svg"), layout="wide", initial_sidebar_state=230)
    st.logo(str(HERE / ("logo-dark.svg" if st.context.theme.type == "dark" else "logo.svg")), size="large")
    page = st.navigation(navigation())
    try:
        shop.settings()
    except WabenchError as error:
        instead(_("The settings need a change"), error)
        return
    who = person.actor()
    if who is None:
        person.door()
        return
    try:
        version = shop.version()
    except WabenchError as error:
        instead(_("Nothing to show yet"), error, first_steps())
        return
    with st.sidebar:
        data_state(version.version)
        language()
        person.badge(who)
    page.run()


def navigation() -> dict[str, list[st.Page]]:
    """Name the pages in the reader's language; an address stays the same in all."""
    return {
        _(section): [
            st.Page(
                f"app_pages/{name}.py", title=_(title), icon=f":material/{icon}:", url_path=name,
                default=name == "overview",
            )
            for name, (title, icon) in pages.items()
            if (HERE / "app_pages" / f"{name}.py").is_file()
        ]
        for section, pages in PAGES.items()
    }  # fmt: skip


@st.fragment(run_every=LOOK_AGAIN)
def data_state(drawn: str) -> None:
    """Say what data the page is drawn from, and draw it anew when a refresh has published."""
    try:
        version = shop.version()
    except WabenchError:
        st.rerun()
    if version.version != drawn:
        st.rerun()
    state.show()


def language() -> None:
    """Let the language be chosen."""
    filters.one(
        _("Language"), words.languages(), lang.KEY, words.nearest(st.context.locale),
        lambda each: lang.NAMES.get(each, each), label_visibility="collapsed",
    )  # fmt: skip


def instead(title: str, error: WabenchError, steps: str = "") -> None:
    """Show what is the matter and what to do about it, where there is no page to show."""
    with st.container(key="instead", width=620):
        st.title(title, anchor=False)
        text = str(error)
        st.markdown(f"{text[0].upper()}{text[1:]}.")
        st.markdown(steps)
        if st.button(_("Look again"), type="primary"):
            st.rerun()


def first_steps() -> str:
    """Say how a shop gets its first data."""
    return "\n".join(
        (
            _("1. Bring orders and messages in: `wabench ingest --file orders=orders.csv --map …`, or sources in "
              "`wabench.toml`."),
            _("2. Build, test and publish: `wabench refresh`."),
            "",
            _("To look around in a simulated shop first: `wabench demo`."),
        )
    )  # fmt: skip


main()
