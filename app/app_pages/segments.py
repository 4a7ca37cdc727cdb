"""Segments: choose customers by filters, by a rule, or a saved segment; how many, who, at what cost, and why."""

import streamlit as st
from parts import builder, filters, look, person, segment_looks, shop
from parts.lang import N_, _, number, percent
from parts.look import Figure

from wabench import display, segments
from wabench.acts import segments as acts
from wabench.errors import WabenchError
from wabench.published import Published
from wabench.roles import Action, Actor
from wabench.segments import Counts, Segment, files, masking
from wabench.segments.fields import CLOSED
from wabench.segments.filters import UNSET, rule_of
from wabench.segments.rules import EVERYONE, Rule, Sql
from wabench.settings import Settings

TAGS = {
    "frequency_tag": N_("Frequency"),
    "order_value_tag": N_("Order value"),
    "engagement_tag": N_("Engagement"),
    "consent": N_("Consent"),
}
BY = {"filters": N_("Filters"), "rule": N_("Rule"), "saved": N_("Saved")}
CAMPAIGNS = "app_pages/campaigns.py"


def page() -> None:
    look.heading(_("Segments"))
    settings, version, actor = shop.settings(), shop.version(), person.actor()
    if actor is None:
        return
    if saved := st.session_state.pop("just_saved", None):
        st.session_state["by"], st.session_state["segment"] = "saved", saved
        st.toast(_("Saved as segments/{name}.yml", name=saved), icon=":material/check:")
    if not shop.one("customers_total")["customers"]:
        look.nothing(_("There are no customers yet. Bring orders or messages in with `wabench ingest`, then "
                       "`wabench refresh`."))  # fmt: skip
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        by = filters.one(
            _("How to choose"), list(BY), "by", first_by(), lambda each: _(BY[each]), label_visibility="collapsed"
        )
        st.space("stretch")
        actions = st.container(horizontal=True, gap="small", width="content")
    numbers = st.container(gap="small")
    segment = chosen(by, settings, version, actor)
    if segment is None:
        return
    try:
        masking.require(actor, segment.where)
        key = segment_looks.key_of(settings, segment.where, version)
        counts = counted(key, settings.consent, segment.where, settings, version)
    except WabenchError as error:
        with numbers:
            look.refused(error)
        return
    with numbers:
        figures(counts, settings)
    with actions:
        deeds(settings, segment, counts)
    segment_looks.show(settings, version, segment, counts)


def chosen(by: str, settings: Settings, version: Published, actor: Actor) -> Segment | None:
    """Give what is being looked at: filters, a rule that is built, or a saved segment."""
    if by == "saved":
        return by_name(settings)
    return by_rule(settings, version, actor) if by == "rule" else by_filters()


def first_by() -> str:
    """A link with a rule leads to the builder, whatever it leaves out."""
    return "rule" if st.query_params.get("rule") else "filters"


def by_filters() -> Segment:
    counted: dict[str, dict[str | None, int]] = {}
    for row in shop.rows("facets"):
        counted.setdefault(row["field"], {})[row["value"]] = row["customers"]
    countries = [value if value is not None else UNSET for value in counted.get("country", {})]
    chosen: dict[str, list[str]] = {}
    left, right = st.columns(2, gap="large")
    for cell, field in zip((left, left, left, right), TAGS, strict=True):
        with cell:
            chosen[field] = filters.several(
                _(TAGS[field]), CLOSED[field], field.removesuffix("_tag"), look.label,
                help=" · ".join(f"{look.label(value)}: {number(counted.get(field, {}).get(value, 0))}"
                                for value in CLOSED[field]),
            )  # fmt: skip
    with right:
        chosen["country"] = filters.several(
            _("Country"), countries, "country", lambda each: _(each), widget=st.multiselect, placeholder=_("Any"),
            width=360,
        )  # fmt: skip
        reachable = st.toggle(_("Only who can be reached"), key="reachable", bind="query-params")
    segment = Segment("filtered", "", rule_of(chosen, reachable))
    st.button(_("Go on as a rule"), icon=":material/account_tree:", type="tertiary", on_click=edit, args=(segment,))
    return segment


def by_rule(settings: Settings, version: Published, actor: Actor) -> Segment:
    editing: Segment | None = st.session_state.get("editing")
    if editing is not None:
        st.caption(_("Going on with {name}", name=editing.name))
    catalog = masking.offered(segments.catalog(settings, version), actor)
    offered: dict[str, list[str]] = {}
    for row in shop.rows("offered"):
        offered.setdefault(row["field"], []).append(row["value"])
    others = [name for name in files.names(settings) if editing is None or name != editing.name]
    try:
        rule = builder.build(catalog, offered, others, lambda: EVERYONE)
    except WabenchError as error:
        look.refused(error)
        st.button(_("Begin anew"), on_click=begin_anew)
        rule = EVERYONE
    name, about = (editing.name, editing.description) if editing else ("rule", "")
    segment = Segment(name, about, rule, *([editing.expect] if editing else []))
    with st.container(horizontal=True):
        written(segment)
        if rule != EVERYONE:
            st.button(_("Begin anew"), icon=":material/refresh:", type="tertiary", on_click=begin_anew)
    return segment


def by_name(settings: Settings) -> Segment | None:
    names = files.names(settings)
    if not names:
        look.nothing(_("No segment is saved yet. Choose by filters and save one."))
        return None
    name = filters.one(_("Segment"), names, "segment", names[0], widget=st.selectbox)
    try:
        segment = files.load(settings, name)
    except WabenchError as error:
        look.refused(error)
        return None
    st.caption(display.verbatim(segment.description))
    st.code(files.text(segment), language="yaml", wrap_lines=True)
    if not isinstance(segment.where, Sql):
        st.button(_("Go on as a rule"), icon=":material/account_tree:", type="tertiary", on_click=edit, args=(segment,))
    return segment


def edit(segment: Segment) -> None:
    """Go on with a segment in the builder; runs before the page is drawn again."""
    st.query_params.pop("rule", None)
    builder.put(segment.where)
    st.session_state["editing"] = segment if segment.name in files.names(shop.settings()) else None
    st.session_state["by"] = "rule"


def begin_anew() -> None:
    st.query_params.pop("rule", None)
    builder.put(EVERYONE)
    st.session_state["editing"] = None


def written(segment: Segment) -> None:
    with st.popover(files.FORMAT, icon=":material/code:", type="tertiary"):
        st.code(files.text(segment), language="yaml", wrap_lines=True)


@st.cache_data(show_spinner=False, max_entries=500)
def counted(key: str, consent: str, _rule: Rule, _settings: Settings, _version: Published) -> Counts:
    return segments.count(_settings, _rule, _version)


def figures(counts: Counts, settings: Settings) -> None:
    consented = _("reachable and opted in") if settings.consent == "explicit" else _("reachable and did not opt out")
    of_all = _("of all {total}", total=number(counts.total))
    unset = _("all that is asked is known of everybody")
    if counts.decided_by_unset:
        unset = _("{of}: what is asked is not known of them", of=of_all)
    look.cards((
        Figure(_("Customers"), number(counts.customers), f"{percent(counts.customers, counts.total)} {of_all}"),
        Figure(_("Reachable"), number(counts.reachable),
               _("{share} of them have a phone or WhatsApp id", share=percent(counts.reachable, counts.customers))),
        Figure(_("May get promotions"), number(counts.consented),
               f"{percent(counts.consented, counts.customers)}: {consented}"),
        Figure(_("Decided by unset values"), number(counts.decided_by_unset), unset),
    ))  # fmt: skip


def deeds(settings: Settings, segment: Segment, counts: Counts) -> None:
    """What can be done with it: save, take along, plan a campaign."""
    if person.may(Action.SAVE_SEGMENT) and not isinstance(segment.where, Sql):
        save(settings, segment)
    if person.may(Action.EXPORT):
        export(settings, segment, counts)
    if person.may(Action.PLAN):
        campaign(segment)


def save(settings: Settings, segment: Segment) -> None:
    with st.popover(_("Save"), icon=":material/save:"), st.form("save", border=False):
        editing: Segment | None = st.session_state.get("editing")
        name = st.text_input(_("Name"), editing.name if editing else "", placeholder="loyal_in_brazil",
                             help=_("a-z, 0-9 and _; it is the file's name")).strip()  # fmt: skip
        about = st.text_input(
            _("What it is for"), segment.description, placeholder=_("Frequent buyers in Brazil")
        ).strip()
        is_pressed = st.form_submit_button(_("Save"), type="primary")
        st.code(files.text(Segment(name or "name", about, segment.where, segment.expect)), language="yaml")
        if not is_pressed or (actor := person.actor()) is None:
            return
        try:
            is_same = editing is not None and name == editing.name
            acts.save(settings, actor, Segment(name, about, segment.where, segment.expect), overwrite=is_same)
        except WabenchError as error:
            look.refused(error)
            return
        st.session_state["just_saved"] = name
        st.rerun()


def export(settings: Settings, segment: Segment, counts: Counts) -> None:
    actor = person.actor()
    if actor is None:
        return
    with st.popover(_("Export"), icon=":material/download:", disabled=not counts.customers):
        may_see = actor.may(Action.SEE_PHONES)
        whole = bool(may_see and st.checkbox(_("Phones and e-mails whole, not masked"), key="whole_phones"))
        st.caption(
            _("{rows} rows, every column, times in UTC. The manifest says which rule on which data, and the file's "
              "SHA-256.", rows=number(counts.customers))
        )  # fmt: skip
        st.download_button(
            _("Download CSV"), lambda: acts.export(settings, actor, segment, whole)[0], f"{segment.name}.csv",
            "text/csv", on_click="ignore", type="primary", icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            _("Manifest"), lambda: acts.export(settings, actor, segment, whole)[1].to_json(),
            f"{segment.name}.manifest.json", "application/json", on_click="ignore",
        )  # fmt: skip


def campaign(segment: Segment) -> None:
    """Lead to the Campaigns page, for a saved segment: a campaign freezes a rule that can be found again."""
    is_saved = st.session_state.get("by") == "saved"
    is_pressed = st.button(
        _("Plan a campaign"), icon=":material/outbox:", disabled=not is_saved,
        help=None if is_saved else _("A campaign is planned for a saved segment: save this one first"),
    )  # fmt: skip
    if is_pressed:
        st.switch_page(CAMPAIGNS, query_params={"new": segment.name})


page()
