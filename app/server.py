"""What `streamlit run` serves: the router, with the login's secrets, which so are in no file and on no command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread

import streamlit as st
from starlette.middleware import Middleware

from wabench import login, settings, web

SETTINGS = settings.load()


def warm() -> None:
    """Load what the first page stands on while the browser still loads the app's own scripts: it takes a second."""
    import pandas  # noqa: F401
    import plotly.graph_objects as go

    from wabench import behind, campaigns, segments, views  # noqa: F401

    go.Figure([go.Bar(), go.Scatter()])


@asynccontextmanager
async def begun(_: st.App) -> AsyncIterator[None]:
    Thread(target=warm, daemon=True).start()
    yield


app = st.App(
    "streamlit_app.py",
    secrets=login.secrets(SETTINGS) or None,
    lifespan=begun,
    middleware=[Middleware(web.Guarded, is_https=SETTINGS.login.app_url.startswith("https:"))],
)
