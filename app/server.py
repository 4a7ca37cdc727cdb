"""What `streamlit run` serves: the router, with the login's secrets, which so are in no file and on no command line."""

import streamlit as st
from starlette.middleware import Middleware

from wabench import login, settings, web

SETTINGS = settings.load()
app = st.App(
    "streamlit_app.py",
    secrets=login.secrets(SETTINGS) or None,
    middleware=[Middleware(web.Guarded, is_https=SETTINGS.login.app_url.startswith("https:"))],
)
