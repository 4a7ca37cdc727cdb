"""The router: which pages there are, and what every page shows beside its own."""

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from parts import person

from wabench import display, published
from wabench import settings as configuration
from wabench.errors import WabenchError

HERE = Path(__file__).parent
FIRST_STEPS = """
1. Bring orders and messages in: `wabench ingest --file orders=orders.csv --map …`, or sources in `wabench.toml`.
2. Build, test and publish: `wabench refresh`.

To look around in a simulated shop first: `wabench demo`.
"""
LOOK_AGAIN = 10  # seconds between looks at whether a refresh has published


def main() -> None:
    st.set_page_config(page_title="wabench", page_icon=str(HERE / "icon.svg"), layout="wide", initial_sidebar_state=230)
    st.logo(str(HERE / "logo.svg"), size="large")
    page = st.navigation(
        [
            st.Page("app_pages/overview.py", title="Overview", icon=":material/monitoring:", default=True),
            st.Page("app_pages/segments.py", title="Segments", icon=":material/filter_alt:"),
        ]
    )
    try:
        settings = configuration.load()
    except WabenchError as error:
        instead("The settings need a change", error)
        return
    who = person.actor()
    if who is None:
        person.door()
        return
    try:
        version = published.current(settings)
    except WabenchError as error:
        instead("Nothing to show yet", error, FIRST_STEPS)
        return
    with st.sidebar:
        data_state(version.version)
        person.badge(who)
    page.run()


@st.fragment(run_every=LOOK_AGAIN)
def data_state(drawn: str) -> None:
    """Say what data the page is drawn from, and draw it anew when a refresh has published."""
    settings = configuration.load()
    version = published.current(settings)
    if version.version != drawn:
        st.rerun()
    now = datetime.now(UTC).replace(tzinfo=None)
    published_at = version.one("select max(refreshed_at) as at from dim_customers")["at"]
    age = f"  \npublished {display.ago(published_at, now)}" if published_at else ""
    st.caption(f"Data as of  \n{display.moment(version.as_of, settings.zone)}{age}")


def instead(title: str, error: WabenchError, steps: str = "") -> None:
    """Show what is the matter and what to do about it, where there is no page to show."""
    with st.container(key="instead", width=620):
        st.title(title, anchor=False)
        text = str(error)
        st.markdown(f"{text[0].upper()}{text[1:]}.")
        st.markdown(steps)
        if st.button("Look again", type="primary"):
            st.rerun()


main()
