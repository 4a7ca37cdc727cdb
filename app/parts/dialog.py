"""One dialog opened: who it is, what was said, and an answer inside the open window."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st
from parts import look, person, shop
from parts.lang import N_, NONE, _, ago, day, lasting, moment, money, number

from wabench import display
from wabench.acts import replies as acts
from wabench.campaigns import ledger
from wabench.campaigns.schema import SendState
from wabench.errors import WabenchError
from wabench.replies import answers, claims, files, sending
from wabench.replies.canned import Canned
from wabench.replies.claims import Reply
from wabench.replies.policy import WINDOW
from wabench.replies.rules import LONGEST_ANSWER
from wabench.roles import Action

MESSAGES = 20
SAID_DAYS = timedelta(days=30)
DONE = (SendState.CLAIMED, SendState.ACCEPTED, SendState.UNKNOWN)
STATES = {
    SendState.ACCEPTED: N_("sent"),
    SendState.REJECTED: N_("refused"),
    SendState.UNKNOWN: N_("may have been sent"),
    SendState.CLAIMED: N_("on its way"),
    SendState.PLANNED: N_("not sent yet"),
    SendState.SUPPRESSED: N_("not sent"),
}
STATUSES = {
    "accepted": N_("taken by the provider"),
    "sent": N_("sent"),
    "delivered": N_("delivered"),
    "read": N_("read"),
    "failed": N_("not delivered"),
}
REASONS = {
    "no way to reach": N_("Neither a phone nor a WhatsApp id of this customer is known."),
    "opted out": N_("They opted out, and that is kept by answers too. Once they write START or opt in, answer here."),
    "outside the 24 h window": N_("The 24 hours since their last message are over; only a template reaches them now."),
    "nothing to say": N_("The text is empty."),
    "said already": N_("The same text went to them a moment ago; it is not said twice."),
}


def now() -> datetime:
    """Give the moment, naive UTC as the published file has its times."""
    return datetime.now(UTC).replace(tzinfo=None)


def answered_since(found: Sequence[dict[str, Any]]) -> set[str]:
    """Name the customers who were answered from here after they began to wait."""
    began = {row["customer_id"]: row["last_inbound_at"].replace(tzinfo=UTC) for row in found}
    return {
        line["customer_id"]
        for line in _said(list(began))
        if line["state"] in DONE and line["asked_at"] >= began[line["customer_id"]]
    }


def show(customer_id: str, waiting: dict[str, Any] | None, hiding: dict[str, Any]) -> None:
    """Show a customer's dialog; `waiting` is their row among those who wait."""
    found = shop.rows("dialog_customer", customer_id=customer_id)
    if not found:
        look.nothing(_("There is no such customer in this version; choose a row."))
        return
    customer = found[0]
    with st.container(border=True, key="dialog"):
        _head(customer, waiting)
        left, right = st.columns([5, 4], gap="large")
        messages = shop.rows("dialog", customer_id=customer_id, size=MESSAGES, **hiding)
        with left:
            _messages(customer_id, messages, hiding["is_masked"])
        with right:
            _answer(customer, messages)


def _head(customer: dict[str, Any], waiting: dict[str, Any] | None) -> None:
    currency = customer["currency"] or shop.settings().currency
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(display.verbatim(customer["name"] or _("Nobody knows their name")), anchor=False)
        st.space("stretch")
        st.button(_("Close"), type="tertiary", icon=":material/close:", on_click=_close)
    facts = [
        customer["phone"] or _("no phone"),
        _("order value {tag}", tag=look.label(customer["order_value_tag"])),
        _("{orders} orders for {revenue}", orders=number(customer["orders"]),
          revenue=money(customer["net_revenue"], currency)),
        _("last on {day}", day=day(customer["last_order_at"])) if customer["last_order_at"] else "",
        _("{value} expected in 12 months", value=money(customer["ltv_expected_12m"], currency)),
        look.label(customer["consent"]),
    ]  # fmt: skip
    st.markdown(" · ".join(filter(None, facts)))
    if waiting:
        text = _("Waits {time}, since {moment}", time=lasting(waiting["seconds_waited"]),
                 moment=moment(waiting["started_at"]))  # fmt: skip
        st.markdown(f":red[{text}]" if waiting["is_overdue"] else text)


def _close() -> None:
    st.query_params.pop("dialog", None)
    st.session_state.pop("waiting", None)


def _messages(customer_id: str, messages: list[dict[str, Any]], is_masked: bool) -> None:
    """Show the last messages oldest first, with what was answered from here, whose text only the ledger has."""
    said = [line for line in _said([customer_id], is_masked) if line["state"] != SendState.PLANNED]
    lines = [(row["happened_at"], row["direction"], _text(row), _note(row)) for row in messages]
    for line in said:
        lines.append((line["asked_at"].replace(tzinfo=None), "here", line["text"], _said_note(line)))
    with st.container(height=340, key="said", border=False, autoscroll=True):
        newest = sorted(lines, key=lambda line: line[0])[-MESSAGES:]
        for place, (_at, direction, text, note) in enumerate(newest):
            with st.container(horizontal=True, horizontal_alignment="left" if direction == "in" else "right"):
                bubble = st.container(border=True, width="content", gap="xxsmall", key=f"bubble_{place}")
                bubble.markdown(display.verbatim(text).replace("\n", "  \n"))
                bubble.caption(note)


def _text(row: dict[str, Any]) -> str:
    if row["text"]:
        return str(row["text"])
    if row["template_name"]:
        return _("template {name}", name=row["template_name"])
    return _("a message of ours, whose text nobody told") if row["direction"] == "out" else _("no text")


def _note(row: dict[str, Any]) -> str:
    at = moment(row["happened_at"])
    return at if row["direction"] == "in" else f"{at} · {_(STATUSES[row['status']])}"


def _said_note(line: dict[str, Any]) -> str:
    why = line["reason"] or line["error_code"]
    state = _(STATES[SendState(line["state"])]) + (f" ({display.verbatim(why)})" if why else "")
    return f"{moment(line['asked_at'].replace(tzinfo=None))} · {display.verbatim(line['author'])} · {state}"


def _answer(customer: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    inbound = [row for row in messages if row["direction"] == "in" and row["text"] is not None]
    customer_id, actor = customer["customer_id"], person.actor()
    closes = inbound[0]["happened_at"] + WINDOW if inbound else None
    _outcome(customer_id)
    if customer["consent"] == "opted_out":
        look.nothing(_(REASONS["opted out"]))
    elif closes is None or closes <= now():
        look.nothing(
            _("The window closed {ago}. Free text reaches nobody any more; plan a campaign with a template, or wait "
              "until they write.", ago=ago(closes))
            if closes
            else _("They never wrote, so no window is open; only a template begins a dialog.")
        )  # fmt: skip
    elif actor is None or not actor.may(Action.ANSWER):
        look.nothing(_("Your role reads and answers nobody; ask a marketer."))
    else:
        st.caption(_("Window open until {moment}, {time} more", moment=moment(closes),
                     time=lasting((closes - now()).total_seconds())))  # fmt: skip
        _form(customer, inbound[0]["provider"], inbound[0]["text"])


def _form(customer: dict[str, Any], provider: str, last_text: str) -> None:
    customer_id = customer["customer_id"]
    text_key, canned_key = f"text_{customer_id}", f"canned_{customer_id}"
    if st.session_state.pop(f"clear_{customer_id}", False):
        st.session_state[text_key] = ""
        st.session_state[canned_key] = None
    canned = _ordered(files.load_canned(shop.settings())[0], last_text, customer["locale"])

    def picked() -> None:
        if chosen := st.session_state[canned_key]:
            st.session_state[text_key] = answers.render(chosen.text, customer["name"])

    st.selectbox(
        _("Canned reply"), canned, key=canned_key, index=None, placeholder=_("Pick one, then change it as you like"),
        format_func=lambda each: f"{each.name} · {each.language}" if each.language else each.name, on_change=picked,
    )  # fmt: skip
    text = st.text_area(_("Your answer"), key=text_key, height=140, max_chars=LONGEST_ANSWER) or ""
    try:
        is_real = sending.is_real(shop.settings(), provider)
    except WabenchError as error:
        look.refused(error)
        return
    is_meant = not is_real or st.checkbox(
        _("Send to the real customer, through {provider}", provider=provider), key=f"live_{customer_id}"
    )
    if not is_real:
        st.caption(_("A rehearsal: it goes to the sandbox of {provider} and to no customer.", provider=provider))
    if st.button(_("Send"), type="primary", icon=":material/send:", disabled=not (text.strip() and is_meant)):
        _send(customer_id, text, st.session_state[canned_key], is_real)


def _send(customer_id: str, text: str, canned: Canned | None, live: bool) -> None:
    """Send under the form's key, which is a new one only after an outcome: a second click sends nothing."""
    actor, key = person.actor(), f"answer_key_{customer_id}"
    asked = st.session_state.setdefault(key, secrets.token_hex(8))
    name = canned.name if canned else None
    if actor is None:
        return
    try:
        with st.spinner(_("Sending…")):
            reply = acts.answer(shop.settings(), actor, customer_id, text, asked, canned=name, live=live)
    except WabenchError as error:
        look.refused(error)
        return
    if reply.state is not SendState.PLANNED:
        st.session_state.pop(key, None)
    st.session_state[f"outcome_{customer_id}"] = reply
    st.session_state[f"clear_{customer_id}"] = reply.state in DONE
    st.rerun()


def _outcome(customer_id: str) -> None:
    """Say what became of the last answer from this page, once."""
    reply: Reply | None = st.session_state.pop(f"outcome_{customer_id}", None)
    if reply is None:
        return
    why = display.verbatim(f"{reply.error_code}: {reply.error_detail}") if reply.error_code else ""
    match reply.state:
        case SendState.ACCEPTED:
            st.success(_("Sent: the provider took it."), icon=":material/check_circle:")
        case SendState.REJECTED:
            st.error(_("The provider refused it: {why}", why=why), icon=":material/error:")
        case SendState.PLANNED if reply.wait_until:
            wait = max(1, round((reply.wait_until - datetime.now(UTC)).total_seconds()))
            st.warning(_("They got a message a moment ago; press again in {seconds} s.", seconds=number(wait)))
        case SendState.PLANNED:
            st.warning(_("The provider could not take it now, nothing was sent; press again. {why}", why=why))
        case SendState.SUPPRESSED:
            st.error(_(REASONS.get(reply.reason or "", reply.reason or NONE)), icon=":material/block:")
        case _:
            st.warning(_("It may have been sent: no answer came. It is not sent again; a status will tell."))


def _ordered(canned: Sequence[Canned], last_text: str, locale: str | None) -> list[Canned]:
    """Put those of the customer's language first: of the letters they wrote in, else of their locale."""
    is_cyrillic = any("а" <= letter <= "я" for letter in last_text.casefold())
    first = "ru" if is_cyrillic else (locale or "").partition("_")[0].partition("-")[0].casefold()
    return sorted(canned, key=lambda each: (each.language.casefold() != first, each.name))


def _said(customers: Sequence[str], is_masked: bool = True) -> list[dict[str, Any]]:
    """Ask the ledger what was answered from here lately; it is not made for that."""
    settings = shop.settings()
    if not ledger.exists(settings):
        return []
    with ledger.opened(settings) as opened:
        return claims.said(opened, customers, datetime.now(UTC) - SAID_DAYS, is_masked)
