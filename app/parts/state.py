"""What every page says of its data: as of when it is, and what keeps it from being newer."""

from datetime import UTC, datetime, timedelta

import streamlit as st
from parts import lang, refreshing, shop
from parts.lang import _, number

from wabench import display

OLD = timedelta(hours=26)  # a day, and the time a refresh takes


def show() -> None:
    """Write it in a few lines; each that tells of something wrong says what to do."""
    version = shop.version()
    lines = [_("Data as of"), lang.moment(version.as_of)]
    published_at = shop.one("published_at")["at"]
    if published_at:
        lines.append(_("published {ago}", ago=lang.ago(published_at)))
    st.caption("  \n".join(lines))
    if published_at and datetime.now(UTC).replace(tzinfo=None) - published_at > OLD:
        _wrong(_("This is old. Run `wabench refresh`, or schedule it."))
    _unpublished()
    for alert in shop.rows("alerts"):
        if alert["alert"] == "stale_source":
            _wrong(_("**{name}** is {hours} hours behind. Check the source, then `wabench ingest`.",
                     name=display.verbatim(alert["subject_name"]), hours=number(alert["value"])))  # fmt: skip


def _unpublished() -> None:
    begun = refreshing.unfinished(shop.rows("refreshes"))
    if begun is None:
        return
    since = lang.moment(begun.since)
    if begun.is_running:
        st.caption(_(":material/sync: A refresh is at work since {since}.", since=since))
    else:
        _wrong(_("The refresh of {since} published nothing. `wabench refresh` says why.", since=since))


def _wrong(text: str) -> None:
    st.caption(f":red[:material/error:] {text}")
