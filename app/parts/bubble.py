"""A text as its customer sees it in WhatsApp."""

import html

import streamlit as st
from parts import charts

_LIGHT = {"wall": "#EFEAE2", "bubble": "#D9FDD3", "text": "#111B21", "quiet": "#667781"}
_DARK = {"wall": "#0B141A", "bubble": "#005C4B", "text": "#E9EDEF", "quiet": "#8696A0"}


def show(text: str, to: str = "", at: str = "10:02") -> None:
    """Draw one message; `to` says for whom it is."""
    of = _DARK if charts.is_dark() else _LIGHT
    said = html.escape(text).replace("\n", "<br>")
    quiet = f"color:{of['quiet']};font-size"
    above = f'<div style="{quiet}:.8rem;margin:0 0 .3rem .2rem">{html.escape(to)}</div>' if to else ""
    st.html(
        f'<div style="background:{of["wall"]};border-radius:8px;padding:.8rem .9rem">{above}'
        f'<div style="background:{of["bubble"]};color:{of["text"]};border-radius:9px 0 9px 9px;padding:.5rem .65rem;'
        'max-width:26rem;margin-left:auto;box-shadow:0 1px 1px rgba(0,0,0,.15);overflow-wrap:anywhere">'
        f'{said}<div style="{quiet}:.72rem;text-align:right;margin-top:.15rem">'
        f"{html.escape(at)} ✓✓</div></div></div>"
    )
