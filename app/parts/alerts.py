"""What each alert says: what is the matter, and what to do."""

from typing import Any

import streamlit as st
from parts.lang import N_, _, number, share

from wabench import display

ALERTS = {
    "low_reply_rate": N_(
        "Campaign **{name}**: {share} of {denominator} delivered were answered, under {limit_share}. Look at whom it "
        "goes to before the next one."
    ),
    "high_failure_rate": N_(
        "Campaign **{name}**: {share} of {denominator} accepted failed, over {limit_share}. Check the numbers' source "
        "and the template."
    ),
    "template_stopped": N_("Template **{name}** at the provider: nothing more is sent with it."),
    "template_quality_red": N_("Template **{name}** has red quality; the provider may pause it."),
    "stale_source": N_("Source **{name}** has brought nothing for {value} hours. Check it, then `wabench ingest`."),
    "rejected_rows": N_(
        "Source **{name}**: {value} records of the last 7 days could not be read; `raw.rejected` says why."
    ),
    "refund_over_order": N_(
        "Source **{name}**: {value} orders gave back more than was charged; their net is below zero."
    ),
    "future_event": N_(
        "Provider **{name}**: {value} events happened later than they were received; its clock is wrong."
    ),
    "shrunken_source": N_(
        "{value} **{name}**. A full pull did not show them, and too little or nothing else to take them for deleted; "
        "they count on."
    ),
    "unknown_order_status": N_(
        "{value} orders of **{name}** are in a status nobody knows and count as never paid. Name it in the source's "
        "table."
    ),
    "shared_identity": N_("**{name}** stands with {value} others, so it leads to nobody."),
    "dialogs_waiting": N_(
        "{denominator} dialogs on **{name}** wait for an answer, the longest for {hours} hours; the line is {limit}. "
        "High order values first."
    ),
    "tier_nearly_used": N_(
        "**{name}**: {share} of the {denominator} customers who may be written to in 24 hours are used up. Spread the "
        "next campaign over several days."
    ),
    "quota_nearly_used": N_(
        "**{name}**: {share} of this month's {denominator} free messages are used up; those after them cost the "
        "plan's price."
    ),
}


def show(found: list[dict[str, Any]]) -> None:
    """Show alerts, those that can't wait in red."""
    for alert in found:
        box = st.error if alert["severity"] == "critical" else st.warning
        box(sentence(alert), icon=":material/warning:")


def sentence(alert: dict[str, Any]) -> str:
    """Say one alert."""
    text = ALERTS.get(alert["alert"], N_("{alert}: **{name}**, {value} against {limit}"))
    return _(
        text,
        alert=alert["alert"],
        name=display.verbatim(alert["subject_name"]),
        value=number(alert["value"]),
        hours=number(alert["value"], 1),
        share=share(alert["value"]),
        denominator=number(alert["denominator"]),
        limit=number(alert["threshold"]),
        limit_share=share(alert["threshold"], 0),
    )
