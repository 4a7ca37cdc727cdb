"""What a page is made of: its heading with the window, figures with what they are shares of, words for nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from parts import filters, shop
from parts.lang import N_, _, moment

from wabench import display, views
from wabench.errors import WabenchError

WINDOW_NAMES = {
    "7d": N_("7 days"),
    "30d": N_("30 days"),
    "90d": N_("90 days"),
    "365d": N_("365 days"),
    "all": N_("all time"),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A trailing window up to as-of: its days, and what figures call it."""

    name: str
    days: int
    label: str

    @property
    def is_all(self) -> bool:
        return self.name == "all"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, and its note: of what, in which window."""

    name: str
    value: str
    note: str
    help: str | None = None


def heading(title: str, note: str | None = None) -> None:
    """Begin a page whose figures are as of now or ever; the note says so."""
    st.title(title, anchor=False)
    st.caption(note or _("As of {moment}; amounts in {currency}", moment=as_of(), currency=shop.settings().currency))


def windowed_heading(title: str, default: str = "30d", note: str | None = None) -> Window:
    """Begin a page whose figures have a window, and let it be chosen; it is kept in the address."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title(title, anchor=False)
    with right:
        name = filters.one(
            _("Window"), list(views.WINDOWS), "window", default, short, label_visibility="collapsed"
        )  # fmt: skip
    words = _(WINDOW_NAMES[name])
    if name == "all":
        until, label = _("All time up to {moment}", moment=as_of()), words
    else:
        until = _("{window} up to {moment}", window=words[0].upper() + words[1:], moment=as_of())
        label = _("last {window}", window=words)
    left.caption(
        "; ".join(filter(None, (until, note or _("amounts in {currency}", currency=shop.settings().currency))))
    )
    return Window(name, views.WINDOWS[name], label)


def section(title: str, note: str | None = None) -> None:
    """Begin a part of a page; the note says the window, the denominator and what is counted."""
    st.subheader(title, anchor=False)
    if note:
        st.caption(note)


def cards(figures: Sequence[Figure]) -> None:
    """Show figures side by side."""
    for cell, figure in zip(st.columns(len(figures), gap="small"), figures, strict=True):
        with cell.container(border=True, height="stretch", gap="xxsmall"):
            st.metric(figure.name, figure.value, help=figure.help)
            st.caption(figure.note)


def nothing(text: str) -> None:
    """Say that there is nothing to show, and what to do."""
    st.info(text, icon=":material/info:")


def refused(error: WabenchError) -> None:
    """Show what went wrong in its own line."""
    st.error(display.verbatim(str(error)), icon=":material/error:")


def as_of() -> str:
    """Write the moment at which the windows of the published version end."""
    return moment(shop.version().as_of)


def label(value: str | None) -> str:
    """Say a value of a closed set, such as a tag, in the reader's language."""
    return _("not known") if value is None else _(value)


def short(name: str) -> str:
    """Name a window as briefly as a row of choices needs."""
    return _("all") if name == "all" else _("{days}d", days=views.WINDOWS[name])
