"""Templates: which there are, what state each is in at its provider, how each did, and handing new ones in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go
import streamlit as st
from parts import advice, bubble, charts, look, person, shop
from parts.lang import N_, NONE, _, day, number, percent
from parts.look import Figure, Window

from wabench import accounts, display, providers, views
from wabench.acts import templates as acts
from wabench.behind import Behind
from wabench.campaigns import lint, submission, templates
from wabench.errors import WabenchError
from wabench.providers.base import TemplateDraft
from wabench.roles import Action, Actor

STEPS = (
    (N_("Sent"), "messages", None),
    (N_("Delivered"), "delivered", "messages"),
    (N_("Read"), "read", "delivered"),
    (N_("Replied"), "replied", "delivered"),
    (N_("Converted"), "converted", "delivered"),
)
BADGES = {"approved": "green", "pending": "blue", "paused": "orange", "rejected": "red", "disabled": "red"}
STATES = {
    "approved": N_("is approved"),
    "pending": N_("is in review"),
    "paused": N_("is paused"),
    "rejected": N_("is rejected"),
    "disabled": N_("is disabled"),
}
TOLD = {"green": N_("green"), "yellow": N_("yellow"), "red": N_("red")}
QUALITIES = {"green": "green", "yellow": "orange", "red": "red"}


@dataclass(frozen=True, slots=True)
class Known:
    """One template as a provider has it, or as only `wabench.toml` does (`provider` is then empty)."""

    name: str
    provider: str
    language: str
    category: str
    status: str
    quality: str
    reason: str
    body: str
    told_at: datetime | None

    @property
    def key(self) -> str:
        return f"{self.provider}:{self.name}:{self.language}"


def page() -> None:
    try:
        chosen = st.query_params.get("template")
        known = {each.key: each for each in found()}
        if chosen in known:
            one(known[chosen])
        else:
            overview(list(known.values()))
    except WabenchError as error:
        look.refused(error)


def found() -> list[Known]:
    """List what providers told, then what only the settings have."""
    settings = shop.settings()
    told = templates.told(settings)
    known = [
        Known(row.name, row.provider, row.language, row.category, row.status, row.quality, row.reason or "", row.body,
              row.told_at)
        for row in told
    ]  # fmt: skip
    named = {row.name for row in told}
    for row in submission.known(settings):
        name = str(row["name"])
        if row["provider"] is None and name not in named:
            own = settings.templates[name]
            known.append(Known(name, "", own.language, own.category, str(row["status"]), "", str(row["reason"] or ""),
                               own.body, None))  # fmt: skip
    return known


def overview(known: list[Known]) -> None:
    window = look.windowed_heading(
        _("Templates"), "90d", _("status and quality as the provider last told; rates are of messages")
    )
    sync()
    if not known:
        look.nothing(_("No template is known yet. Read those a provider has, or write one into `wabench.toml`."))
        return
    used = {(row["provider"], row["template_name"]): row for row in shop.windowed("templates", window.days)}
    approved = sum(each.status == "approved" for each in known)
    look.cards([
        Figure(_("Templates"), number(len(known)), _("{approved} of them approved", approved=number(approved))),
        Figure(_("Not approved"), number(len(known) - approved), _("pending, paused, rejected or disabled")),
        Figure(_("Messages"), number(sum(row["messages"] for row in used.values())),
               _("with a template, {window}", window=window.label)),
        Figure(_("Read"), rate(used, "read"), _("of {n} delivered", n=number(total(used, "delivered")))),
        Figure(_("Replied"), rate(used, "replied"), _("within 24 h, of the same")),
        Figure(_("Converted"), rate(used, "converted"), _("ordered afterwards, of the same")),
    ])  # fmt: skip
    look.section(
        _("All templates"),
        _("Delivered is of sent; read, replied and converted are of delivered, {window}", window=window.label),
    )
    rows = [row_of(each, figures_of(each, used)) for each in known]
    chosen = charts.table(rows, "templates", chooses=_("Choose a row to see its text, and where it was used."))
    if chosen is not None:
        st.query_params["template"] = known[chosen].key
        st.rerun()


def status(word: str) -> str:
    return _(STATES[word]) if word in STATES else word


def total(used: Mapping[Any, dict[str, Any]], column: str) -> int:
    return sum(int(row[column]) for row in used.values())


def rate(used: Mapping[Any, dict[str, Any]], column: str) -> str:
    return percent(total(used, column), total(used, "delivered"))


def figures_of(each: Known, used: Mapping[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """Find what was sent with it; what only the settings have may go through any provider."""
    mine = [row for (provider, name), row in used.items() if name == each.name and each.provider in ("", provider)]
    columns = ("messages", "delivered", "read", "replied", "converted", "failed")
    summed: dict[str, Any] = {column: sum(row[column] for row in mine) for column in columns}
    return summed | {"last_sent_at": max((row["last_sent_at"] for row in mine), default=None)}


def row_of(each: Known, did: dict[str, Any]) -> dict[str, Any]:
    def of(part: str, whole: str) -> str:
        return f"{number(did[part])} ({percent(did[part], did[whole])})" if did[whole] else NONE

    return {
        _("Template"): each.name,
        _("Status"): status(each.status),
        _("Quality"): _(TOLD[each.quality]) if each.quality in QUALITIES else None,
        _("Category"): _(each.category) if each.category else None,
        _("Template language"): each.language or None,
        _("Known from"): each.provider or "wabench.toml",
        _("Sent"): did["messages"] or None,
        _("Delivered"): of("delivered", "messages"),
        _("Read"): of("read", "delivered"),
        _("Replied"): of("replied", "delivered"),
        _("Converted"): of("converted", "delivered"),
        _("Last sent"): day(did["last_sent_at"]),
    }


def sync() -> None:
    """Offer to read the templates anew, where a provider that lists them is set up."""
    settings, actor = shop.settings(), person.actor()
    able = [name for name in accounts.configured(settings) if providers.get(name).templates is not None]
    if not able or actor is None:
        return
    may = actor.may(Action.SYNC_TEMPLATES)
    if not st.button(_("Read them anew from {providers}", providers=", ".join(able)), icon=":material/sync:",
                     disabled=not may, help=None if may else _("A marketer may.")):  # fmt: skip
        return
    with st.spinner(_("Asking…")):
        synced = acts.sync(settings, actor)
    for each in synced:
        if each.error:
            st.error(display.verbatim(each.error), icon=":material/error:")
        else:
            st.success(_("{provider}: {n} templates", provider=each.provider, n=number(each.templates)))


def one(each: Known) -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        window = look.windowed_heading(each.name, "90d", state(each))
    with right.container(horizontal_alignment="right"):
        if st.button(_("All templates"), icon=":material/arrow_back:"):
            del st.query_params["template"]
            st.rerun()
    if each.reason:
        st.warning(display.verbatim(each.reason), icon=":material/warning:")
    left, right = st.columns([2, 3], gap="large")
    with left:
        reads(each)
    with right:
        did(each, window)
    campaigns(each)
    hand_in(each)


def state(each: Known) -> str:
    badge = f":{BADGES.get(each.status, 'gray')}-badge[{status(each.status)}]"
    quality = f":{QUALITIES[each.quality]}-badge[{_(TOLD[each.quality])}]" if each.quality in QUALITIES else ""
    told = [_(each.category) if each.category else "", each.language, each.provider or "wabench.toml"]
    if each.told_at:
        told.append(_("as told {day}", day=day(each.told_at.replace(tzinfo=None))))
    return " ".join(filter(None, (badge, quality, display.verbatim(" · ".join(filter(None, told))))))


def reads(each: Known) -> None:
    look.section(_("What it says"), _("With the examples of `wabench.toml` where there are some"))
    own = shop.settings().templates.get(each.name)
    examples = own.examples if own else {}
    if not each.body:
        look.nothing(_("Its text is not known: only a webhook named it. Read the templates anew."))
        return
    bubble.show(templates.fill(each.body, examples), each.name)
    draft = TemplateDraft(each.name, each.language, each.category or "marketing", each.body, examples)
    for line in advice.lines(lint.lint(draft, _words())):
        st.markdown(line)


def did(each: Known, window: Window) -> None:
    look.section(_("How it did"), _("Messages sent with it, {window}", window=window.label))
    used = {(row["provider"], row["template_name"]): row for row in shop.windowed("templates", window.days)}
    counted = figures_of(each, used)
    if not counted["messages"]:
        look.nothing(_("Nothing was sent with it, {window}.", window=window.label))
        return
    sender = each.provider or next(provider for provider, name in used if name == each.name)
    since = views.window(shop.version(), window.days)
    data = [{"step": step, "messages": counted[step]} for _name, step, _of in STEPS]
    charts.chart(
        funnel(counted), "template_funnel", _("How it did"), data, 210,
        behind_point=lambda point: Behind(
            "template", {**since, "provider": sender, "template": each.name, "step": STEPS[point["point_index"]][1]},
            f"{each.name}: {_(STEPS[point['point_index']][0])}",
        ),
    )  # fmt: skip


def funnel(counted: dict[str, Any]) -> go.Figure:
    texts = [
        number(counted[step]) + (f" · {percent(counted[step], counted[of])}" if of else "") for _name, step, of in STEPS
    ]
    drawn = go.Figure(
        go.Bar(
            y=[_(name) for name, _step, _of in STEPS], x=[counted[step] for _name, step, _of in STEPS], text=texts,
            orientation="h", marker_color=charts.colour("strong"), hoverinfo="none", cliponaxis=False,
            textposition="auto", insidetextanchor="start", textfont_size=12,
            insidetextfont_color=charts.ink(),
        )
    )  # fmt: skip
    drawn.update_layout(
        bargap=0.3, margin_r=110, xaxis={"visible": False},
        yaxis={"autorange": "reversed", "title": None, "showgrid": False},
    )  # fmt: skip
    return drawn


def campaigns(each: Known) -> None:
    look.section(_("Where it was used"), _("Campaigns and their variants, since each began, up to {moment}",
                                           moment=look.as_of()))  # fmt: skip
    settings = shop.settings()
    senders = [each.provider] if each.provider else list(settings.providers)
    rows = [row for name in senders for row in shop.rows("template_campaigns", provider=name, template=each.name)]
    if not rows:
        look.nothing(_("No campaign used it yet."))
        return
    shown = [
        {
            _("Campaign"): " · ".join(filter(None, (row["name"], row["variant"]))),
            _("Status"): _(row["status"]),
            _("Segment"): row["segment"],
            _("Started"): day(row["started_at"]),
            _("Accepted"): row["accepted"],
            _("Delivered"): percent(row["delivered"], row["accepted"]),
            _("Read"): percent(row["read"], row["delivered"]),
            _("Replied"): percent(row["replied"], row["customers_delivered"]),
            _("Converted"): percent(row["converted"], row["customers_delivered"]),
            _("ROI"): number(row["roi"], 1),
        }
        for row in rows
    ]
    chosen = charts.table(shown, "template_campaigns", chooses=_("Choose a row to see the campaign."))
    if chosen is not None:
        st.session_state["open_campaign"] = rows[chosen]["name"]
        st.switch_page("app_pages/campaigns.py", query_params={"campaign": rows[chosen]["name"]})


def hand_in(each: Known) -> None:
    """Offer to hand a template of the settings in, where it is not at a provider yet."""
    settings, actor = shop.settings(), person.actor()
    able = [name for name in accounts.configured(settings) if providers.get(name).templates is not None]
    if actor is None or each.name not in settings.templates or not able or each.provider:
        return
    look.section(_("Hand it in"), _("It is only in `wabench.toml`: a provider reviews it before it can be sent."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        provider = st.selectbox(_("Provider"), able, key="submit_to", width=240)
        submit(each, str(provider), actor)


def submit(each: Known, provider: str, actor: Actor) -> None:
    settings = shop.settings()
    findings = submission.findings(settings, each.name, provider)[each.name]
    table, may = settings.providers[provider], actor.may(Action.SYNC_TEMPLATES)
    live = not (table.base_url and accounts.is_rehearsal(table.base_url))
    sure = not live or st.checkbox(_("Hand it in for real"), key="submit_live")
    why = _("A marketer may.") if not may else _("It would be refused: see above.") if lint.is_refused(findings) else ""
    if not st.button(_("Hand in"), icon=":material/upload:", disabled=bool(why) or not sure, help=why or None):
        return
    try:
        said = acts.submit(settings, actor, each.name, provider, live)
    except WabenchError as error:
        look.refused(error)
        return
    st.success(_("{name} {status} at {provider}", name=each.name, status=status(said.status), provider=provider))


@st.cache_data(show_spinner=False)
def _words() -> list[lint.Word]:
    return lint.read_words()


page()
