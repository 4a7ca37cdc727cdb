"""Support: who waits now, what to say to them, how fast they are answered and what comes of it."""

from datetime import UTC
from typing import Any

import streamlit as st
from parts import charts, dialog, filters, look, person, responses, shop
from parts.lang import NONE, _, lasting, number, percent
from parts.look import Figure

from wabench import masks, support
from wabench.behind import Behind
from wabench.errors import WabenchError
from wabench.roles import Action

TAGS = ("high", "medium", "low", "none")
TAG_COLOURS = {"high": "green", "medium": "blue", "low": "gray", "none": "gray"}
SHOWN = 200


def page() -> None:
    hours = support.overdue_hours()
    look.heading(
        _("Support"),
        _("Who waits as of {moment}, for over {hours} hours in red; what is answered here shows at once.",
          moment=look.as_of(), hours=number(hours)),
    )  # fmt: skip
    counted = shop.one("waiting_count", hours=hours)
    figures(counted, hours)
    found = waiting(hours, counted["waiting"])
    opened(found)
    responses.show(hours)


def figures(counted: dict[str, Any], hours: float) -> None:
    waits = counted["waiting"]
    look.cards(
        (
            Figure(_("Waiting"), number(waits), _("customers without an answer")),
            Figure(_("Over {hours} hours", hours=number(hours)), number(counted["overdue"]),
                   _("{share} of those who wait", share=percent(counted["overdue"], waits))),
            Figure(_("High order value"), number(counted["high"]),
                   _("of {waiting} who wait, {overdue} of them for too long", waiting=number(waits),
                     overdue=number(counted["high_overdue"]))),
            Figure(_("Longest wait"), lasting(counted["longest_seconds"]) if waits else NONE,
                   _("half of all wait {median} or longer", median=lasting(counted["median_seconds"]))
                   if waits else ""),
        )
    )  # fmt: skip


def waiting(hours: float, total: int) -> list[dict[str, Any]]:
    """List who waits, as far as the filters let them; gives the rows."""
    look.section(_("Who waits"), _("High order value first, then who waits longest. Choose a row to read and answer."))
    if not total:
        look.nothing(_("Nobody waits for an answer."))
        return []
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        tags = filters.several(_("Order value"), TAGS, "value", look.label)
        overdue = st.toggle(_("Only over {hours} hours", hours=number(hours)), key="overdue", bind="query-params")
        is_open = st.toggle(_("Only in the open window"), key="open", bind="query-params")
    asked = {
        "hours": hours,
        "tags": tuple(tags) or None,
        "is_overdue_only": overdue,
        "is_open_after": dialog.now().replace(second=0, microsecond=0) if is_open else None,
    }
    found = shop.rows("waiting", size=SHOWN, **asked, **hiding())
    if not found:
        look.nothing(_("Nobody who waits is like that; take a filter away."))
        return []
    table(found)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(_("{shown} of {total} who wait", shown=number(len(found)), total=number(total)))
        with st.popover(_("Take them along"), icon=":material/download:", type="tertiary"):
            charts.who(Behind("waiting", asked), _("who waits for an answer"), "waiting_people")
    return found


def hiding() -> dict[str, Any]:
    """Tell a view whether to hide phones and e-mails in what customers wrote, and how."""
    actor = person.actor()
    is_masked = actor is None or not actor.may(Action.SEE_PHONES)
    return {"is_masked": is_masked, "private": masks.PRIVATE, "hidden": masks.HIDDEN}


def table(found: list[dict[str, Any]]) -> None:
    answered = dialog.answered_since(found)
    rows = [
        {
            "name": row["name"] or NONE,
            "phone": row["phone"],
            "waits": [_("answered") if row["customer_id"] in answered else lasting(row["seconds_waited"])],
            "since": row["started_at"].replace(tzinfo=UTC),
            "text": row["text"],
            "value": [look.label(row["order_value_tag"])],
            "ltv": row["ltv_expected_12m"] and round(row["ltv_expected_12m"]),
            "until": until(row),
        }
        for row in found
    ]
    st.session_state["waiting_ids"] = [row["customer_id"] for row in found]
    colours = dict(zip((row["waits"][0] for row in rows), map(colour, found), strict=True)) | {_("answered"): "green"}
    values = [look.label(tag) for tag in TAGS]
    config = {
        "name": _("Name"),
        "phone": _("Phone"),
        "waits": st.column_config.MultiselectColumn(
            _("Waits"), options=list(colours), color=list(colours.values()), width=95,
            help=_("Red: over the line. Green: answered from here since."),
        ),
        "since": st.column_config.DatetimeColumn(_("Since"), format="DD.MM HH:mm", timezone=shop.settings().timezone),
        "text": st.column_config.TextColumn(_("Last message"), width=270),
        "value": st.column_config.MultiselectColumn(
            _("Order value"), options=values, color=list(TAG_COLOURS.values()), width=100
        ),
        "ltv": st.column_config.NumberColumn(
            _("Expected"), format="localized", width=90,
            help=_("Net revenue expected in 12 months, {currency}", currency=shop.settings().currency),
        ),
        "until": st.column_config.TextColumn(_("Window open for"), width=120),
    }  # fmt: skip
    st.dataframe(
        rows, key="waiting", hide_index=True, column_config=config, on_select=chosen, selection_mode="single-row",
        height=min(38 + 35 * len(rows), 360), placeholder=NONE, alt=_("Who waits for an answer"),
    )  # fmt: skip


def colour(row: dict[str, Any]) -> str:
    return "red" if row["is_overdue"] else "gray"


def until(row: dict[str, Any]) -> str:
    closes = row["window_open_until"]
    return lasting((closes - dialog.now()).total_seconds()) if closes > dialog.now() else _("closed")


def chosen() -> None:
    """Open the dialog of a row that was chosen; it is kept in the address."""
    rows = st.session_state["waiting"].selection.rows
    if rows:
        st.query_params["dialog"] = st.session_state["waiting_ids"][rows[0]]
    else:
        st.query_params.pop("dialog", None)


def opened(found: list[dict[str, Any]]) -> None:
    customer_id = st.query_params.get("dialog")
    if not customer_id:
        return
    row = next((each for each in found if each["customer_id"] == customer_id), None)
    try:
        dialog.show(customer_id, row, hiding())
    except WabenchError as error:
        look.refused(error)


page()
