"""The router: which pages there are, and what every page shows beside its own."""

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from wabench import display, published
from wabench import settings as configuration
from wabench.errors import WabenchError

HERE = Path(__file__).parent
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
        version = published.current(settings)
    except WabenchError as error:
        nothing_to_show(error)
    else:
        with st.sidebar:
            data_state(version.version)
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
    st.caption(f"Data as of {display.moment(version.as_of, settings.zone)}{age}")


def nothing_to_show(error: WabenchError) -> None:
    with st.container(key="nothing-published", width=560):
        st.title("Nothing to show yet")
        st.write(str(error))
        st.markdown(
            "1. Bring orders and messages in: `wabench ingest --file orders=orders.csv --map …`, "
            "or configure sources in `wabench.toml`.\n"
            "2. Build, test and publish: `wabench refresh`.\n\n"
            "To look around with a simulated shop first: `wabench demo`."
        )
        if st.button("Look again", type="primary"):
            st.rerun()


main()
