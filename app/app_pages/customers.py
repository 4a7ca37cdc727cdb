"""Customers: find one person, and see what happened, what they brought, and which segments they are in and why."""

from datetime import timedelta
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import charts, filters, look, memberships, person, shop
from parts.lang import N_, NONE, _, day, moment, money, n_, number, percent, share
from parts.look import Figure

from wabench import customers, display
from wabench.roles import Action

KINDS = {
    "order": N_("Orders"),
    "sent": N_("Messages to them"),
    "received": N_("Messages from them"),
    "tags": N_("Tags"),
    "identity": N_("Identities"),
}
HAPPENED = {
    "order": N_("Order"),
    "sent": N_("Message to them"),
    "received": N_("Message from them"),
    "tags": N_("Tags"),
    "identity": N_("Identity"),
}
YEAR = timedelta(days=365)


def page() -> None:
    chosen = st.query_params.get("customer")
    if chosen:
        one(chosen)
    else:
        find()


def find() -> None:
    look.heading(_("Customers"))
    text = st.text_input(
        _("Search"), key="q", bind="query-params", icon=":material/search:",
        placeholder=_("A name, a phone, its last 4 digits, an e-mail or an id"), label_visibility="collapsed",
    )  # fmt: skip
    total = shop.one("customers_total")["customers"]
    if not total:
        look.nothing(_("There are no customers yet. Bring orders or messages in with `wabench ingest`, then "
                       "`wabench refresh`."))  # fmt: skip
        return
    found = customers.search(shop.version(), text, is_masked()) if text else shop.table("customers_newest", size=20)
    if not found.num_rows:
        look.nothing(
            _("Nobody is called or reached like that. Of a phone, give the last 4 digits or the whole number.")
        )
        return
    if text:
        st.caption(counted(found.num_rows, total))
    else:
        st.caption(_("Who was last in touch, of {total}", total=number(total)))
    selected = charts.people(found, key="found", on_select="rerun").selection.rows
    st.caption(_("Choose a row to see everything about a customer."))
    if selected:
        st.query_params["customer"] = found["customer_id"][selected[0]].as_py()
        st.rerun()


def counted(found: int, total: int) -> str:
    if found == customers.MOST:
        return _("The {n} that match best, of {total} customers", n=number(found), total=number(total))
    return n_("{n} customer found, of {total}", "{n} customers found, of {total}", found, total=number(total))


def one(customer_id: str) -> None:
    found = customers.profile(shop.version(), customer_id, is_masked())
    if found is None:
        look.heading(_("Customers"))
        st.warning(_("No customer has the id `{id}`; a merge may have given it to another. Search by name or phone.",
                     id=customer_id.replace("`", "")), icon=":material/person_off:")  # fmt: skip
        back()
        return
    head(found)
    look.cards(figures(found))
    left, right = st.columns([3, 2], gap="large")
    with left:
        value(found)
        happened(customer_id)
    with right:
        facts(found)
        memberships.show(customer_id)


def head(found: dict[str, Any]) -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    left.title(display.verbatim(found["name"] or _("Without a name")), anchor=False)
    reached = filter(None, (found["phone"], found["username"], found["email"], found["country"]))
    left.caption(" · ".join([*map(display.verbatim, reached), _("as of {moment}", moment=look.as_of())]))
    with right:
        back()


def back() -> None:
    if st.button(_("All customers"), icon=":material/arrow_back:"):
        del st.query_params["customer"]
        st.rerun()


def figures(found: dict[str, Any]) -> list[Figure]:
    currency = found["currency"] or shop.settings().currency
    expected = found["ltv_expected_12m"]
    between = _("80 % between {low} and {high}", low=money(found["ltv_expected_12m_low"], currency),
                high=money(found["ltv_expected_12m_high"], currency))  # fmt: skip
    received = found["messages_received"] or 0
    return [
        Figure(_("Net revenue"), money(found["net_revenue"], currency),
               n_("{n} paid order, ever", "{n} paid orders, ever", found["orders"] or 0)),
        Figure(_("Average order"), money(found["average_order_value"], currency),
               _("net revenue by paid orders; {tag}", tag=look.label(found["order_value_tag"]))),
        Figure(_("Expected in 12 months"), money(expected, currency),
               NONE if expected is None else between + basis(found)),
        Figure(_("Still buys"), share(found["p_alive"], 0),
               _("probability; risk of leaving: {risk}", risk=look.label(found["churn_risk"]))),
        Figure(_("Read rate"), percent(found["messages_read"], received),
               n_("of {n} message received, ever", "of {n} messages received, ever", received)),
        Figure(_("Reply rate"), percent(found["messages_replied"], received),
               _("within 24 h, of the same")),
    ]  # fmt: skip


def basis(found: dict[str, Any]) -> str:
    return _("; the mean of all, for there is too little to model") if found["ltv_basis"] == "cohort_mean" else ""


def facts(found: dict[str, Any]) -> None:
    look.section(_("What is known"))
    window = found["window_open_until"]
    shown = {
        _("Consent"): since(look.label(found["consent"]), found["consent_at"], found["consent_source"]),
        _("Frequency"): look.label(found["frequency_tag"]),
        _("Order value"): look.label(found["order_value_tag"]),
        _("Engagement"): look.label(found["engagement_tag"]),
        _("RFM group"): rfm(found),
        _("First seen"): day(found["first_seen_at"]),
        _("Last order"): day(found["last_order_at"]),
        _("Next order expected"): day(found["expected_next_order_at"]),
        _("Last interaction"): day(found["last_interaction_at"]),
        _("Last promotion"): moment(found["last_promotional_at"]),
        _("24 h window"): _("open until {moment}", moment=moment(window)) if found["is_window_open"] else _("closed"),
        _("Best hour"): best_hour(found),
        _("Time zone"): found["timezone"] or _("not known"),
        _("Customer id"): found["customer_id"],
    }
    rows = [{_("Fact"): name, _("As known"): value} for name, value in shown.items()]
    st.dataframe(rows, hide_index=True, height="content", placeholder=NONE)


def since(words: str, at: Any, source: str | None) -> str:
    told = [words, *([day(at)] if at else []), *([source] if source else [])]
    return " · ".join(told)


def rfm(found: dict[str, Any]) -> str:
    scores = [found["rfm_recency"], found["rfm_frequency"], found["rfm_monetary"]]
    return look.label(found["rfm_group"]) + (f" · {'-'.join(map(str, scores))}" if all(scores) else "")


def best_hour(found: dict[str, Any]) -> str:
    if found["best_hour"] is None:
        return NONE
    evidence = found["best_hour_messages"] or 0
    told = _("as everybody's; nothing of theirs is known")
    if evidence:
        told = n_("told from {n} reaction", "told from {n} reactions", evidence)
    return f"{found['best_hour']:02}:00 · {told}"


def value(found: dict[str, Any]) -> None:
    currency = found["currency"] or shop.settings().currency
    look.section(
        _("Value over time"),
        _("{currency} brought after each order, less refunds; ahead, what 12 months are expected to bring, 80 % range",
          currency=currency),
    )  # fmt: skip
    orders = shop.rows("customer_value", customer_id=found["customer_id"])
    if not orders:
        look.nothing(_("No orders yet."))
        return
    charts.chart(curve(found, orders), "value", _("Value over time"), orders)


def curve(found: dict[str, Any], orders: list[dict[str, Any]]) -> go.Figure:
    now = shop.version().as_of
    brought = [float(row["brought"]) for row in orders]
    drawn = go.Figure()
    drawn.add_scatter(
        x=[*(row["ordered_at"] for row in orders), now], y=[*brought, brought[-1]], name=_("Brought"),
        line={"shape": "hv", "color": charts.colour("strong"), "width": 2}, mode="lines",
    )  # fmt: skip
    after = [row for row in orders if row["is_attributed"]]
    drawn.add_scatter(
        x=[row["ordered_at"] for row in after], y=[float(row["brought"]) for row in after], mode="markers",
        name=_("Order after a message"), marker={"color": charts.colour("warm"), "size": 9},
    )  # fmt: skip
    if found["ltv_expected_12m"] is not None:
        ends = {name: brought[-1] + float(found[f"ltv_expected_12m{name}"]) for name in ("_low", "", "_high")}
        band = {"x": [now, now + YEAR], "mode": "lines", "hovertemplate": "%{y:,.0f}"}
        drawn.add_scatter(**band, y=[brought[-1], ends["_high"]], line_width=0, showlegend=False, name=_("upper end"))
        drawn.add_scatter(
            **band, y=[brought[-1], ends["_low"]], line_width=0, fill="tonexty", fillcolor=charts.shade("strong"),
            showlegend=False, name=_("lower end"),
        )  # fmt: skip
        drawn.add_scatter(
            **band, y=[brought[-1], ends[""]], name=_("Expected"),
            line={"dash": "dot", "color": charts.colour("strong")},
        )  # fmt: skip
    drawn.update_yaxes(rangemode="tozero", tickformat="~s")
    return drawn


def happened(customer_id: str) -> None:
    look.section(_("What happened"), _("Newest first, {size} at most; times in {zone}", size=number(300),
                                       zone=shop.settings().timezone))  # fmt: skip
    kinds = filters.several(_("Kinds"), list(KINDS), "kind", lambda kind: _(KINDS[kind]), label_visibility="collapsed")
    rows = customers.timeline(shop.version(), customer_id, tuple(kinds), is_masked())
    if not rows:
        look.nothing(_("Nothing of that kind."))
        return
    shown = [
        {
            _("When"): moment(row["happened_at"]),
            _("What"): _(HAPPENED[row["kind"]]),
            _("Became"): look.label(row["what"]),
            _("Detail"): said(row),
            _("Amount"): number(row["amount"], 2),
        }
        for row in rows
    ]
    st.dataframe(shown, hide_index=True, height=min(38 + 35 * len(shown), 520), placeholder=NONE)


def said(row: dict[str, Any]) -> str | None:
    """Say tags in the reader's language; everything else stands as it came."""
    if row["kind"] == "tags" and row["detail"]:
        return ", ".join(look.label(tag) for tag in row["detail"].split())
    return row["detail"]


def is_masked() -> bool:
    actor = person.actor()
    return actor is None or not actor.may(Action.SEE_PHONES)


page()
