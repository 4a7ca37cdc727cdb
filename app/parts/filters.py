"""Choices that live in the address, as values and never as the words a language has for them.

A link so shows what somebody saw, in the reader's language. Widgets without words of their own (text, toggles) are
bound by Streamlit itself: `bind="query-params"`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

Say = Callable[[str], str]


def one(label: str, options: Sequence[str], key: str, default: str, say: Say = str, **widget: Any) -> str:
    """Let one of several be chosen; what the address holds is taken if it is one of them."""
    asked = st.query_params.get(key, default)
    if st.session_state.get(key) not in options:
        st.session_state[key] = asked if asked in options else default
    kind = widget.pop("widget", st.segmented_control)
    if kind is st.segmented_control:
        widget |= {"required": True}
    chosen = str(kind(label, list(options), key=key, format_func=say, persist_state="session", **widget))
    _remember(key, [] if chosen == default else [chosen])
    return chosen


def several(label: str, options: Sequence[str], key: str, say: Say = str, **widget: Any) -> list[str]:
    """Let any number be chosen; none means that nothing is asked."""
    if key not in st.session_state:
        st.session_state[key] = [value for value in st.query_params.get_all(key) if value in options]
    else:
        st.session_state[key] = [value for value in st.session_state[key] if value in options]
    kind = widget.pop("widget", st.pills)
    if kind is st.pills:
        widget |= {"selection_mode": "multi"}
    chosen = list(kind(label, list(options), key=key, format_func=say, persist_state="session", **widget))
    _remember(key, chosen)
    return chosen


def _remember(key: str, values: list[str]) -> None:
    if st.query_params.get_all(key) != values:
        if values:
            st.query_params[key] = values
        else:
            del st.query_params[key]
