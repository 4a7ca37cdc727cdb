"""Refreshes, as the pages that show them tell of them."""

from typing import Any

import streamlit as st
from parts import shop
from parts.lang import _, moment

from wabench import locks

MARKS = {"published": ":green[:material/check_circle:]", "failed": ":red[:material/error:]"}


def unfinished(found: list[dict[str, Any]]) -> locks.Holder | None:
    """Give a refresh that is at work, or ended without publishing: the published file can't know of it."""
    begun = locks.last(shop.settings().paths.warehouse_lock)
    if not begun or begun.purpose != "refresh" or (found and begun.since <= found[0]["started_at"]):
        return None
    return begun


def unpublished(found: list[dict[str, Any]]) -> None:
    """Tell of such a refresh."""
    begun = unfinished(found)
    if begun is None:
        return
    since = moment(begun.since)
    if begun.is_running:
        st.info(_("A refresh is at work since {since}.", since=since), icon=":material/sync:")
    else:
        st.error(_("The refresh of {since} published nothing. `wabench refresh` says why.", since=since),
                 icon=":material/error:")  # fmt: skip
