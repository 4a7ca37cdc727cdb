"""Segments: choose customers, see how many and who, then export them, save the rule, or plan a campaign."""

import shlex
from typing import Any

import streamlit as st

from wabench import display, published, segments, views
from wabench import settings as configuration
from wabench.campaigns import plan as planning
from wabench.campaigns import templates
from wabench.errors import WabenchError
from wabench.published import Published
from wabench.segments import Counts, Segment, files, filters
from wabench.segments.fields import CLOSED
from wabench.segments.rules import Rule
from wabench.settings import Settings, TemplateSettings

TAGS = {"frequency_tag": "Frequency", "order_value_tag": "Order value", "engagement_tag": "Engagement"}
COLUMNS = {
    "customer_id": None,
    "name": "Name",
    "phone": "Phone",
    "country": "Country",
    "consent": "Consent",
    "is_reachable": None,
    "frequency_tag": "Frequency",
    "order_value_tag": "Order value",
    "engagement_tag": "Engagement",
    "orders": "Orders",
    "net_revenue": st.column_config.NumberColumn("Net revenue", format="%.2f"),
    "last_order_at": st.column_config.DatetimeColumn("Last order", format="D MMM YYYY"),
    "last_interaction_at": st.column_config.DatetimeColumn("Last interaction", format="D MMM YYYY"),
}
SHOWN = 20
TEXT = "a fixed text"


@st.cache_data(show_spinner=False, max_entries=50)
def facets(path: str, _version: Published) -> dict[str, dict[str | None, int]]:
    """Count the customers of each tag value, consent and country, once for each published version."""
    found: dict[str, dict[str | None, int]] = {}
    for row in views.rows(_version, "facets"):
        found.setdefault(row["field"], {})[row["value"]] = row["customers"]
    return found


@st.cache_data(show_spinner=False, max_entries=500)
def look(
    path: str, rule: Rule, consent: str, zone: str, _settings: Settings, _version: Published
) -> tuple[Counts, Any]:
    """Count and sample a rule, once for each published version."""
    return segments.count(_settings, rule, _version), segments.sample(_settings, rule, SHOWN, _version)


def page() -> None:
    settings = configuration.load()
    version = published.current(settings)
    st.title("Segments", anchor=False)
    if saved := st.session_state.pop("just_saved", None):
        st.session_state.by, st.session_state.segment = "saved", saved
        st.toast(f"Saved as segments/{saved}.yml", icon=":material/check:")
    left, right = st.columns([2, 5], gap="large")
    with left:
        segment = choose(settings, version)
    if segment is None:
        return
    with right:
        try:
            counts, sample = look(
                str(version.path), segment.where, settings.consent, settings.timezone, settings, version
            )
        except WabenchError as error:
            st.error(display.verbatim(str(error)), icon=":material/error:")
            return
        figures(counts, settings)
        people(counts, sample, settings)
    export_tab, save_tab, plan_tab = right.tabs(["Export", "Save as a segment", "Plan a campaign"])
    with export_tab:
        export(settings, segment, counts)
    with save_tab:
        save(settings, segment)
    with plan_tab:
        plan(settings, segment, version, counts)


def choose(settings: Settings, version: Published) -> Segment | None:
    source = st.segmented_control(
        "By", ["filters", "saved"], default="filters", required=True, key="by", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    return by_filters(version) if source == "filters" else by_name(settings)


def by_filters(version: Published) -> Segment:
    counted = facets(str(version.path), version)
    chosen: dict[str, list[str]] = {}
    for field, label in TAGS.items():
        chosen[field] = st.pills(
            label, CLOSED[field], selection_mode="multi",
            key=field.removesuffix("_tag"), bind="query-params", wrap=True,
            help=" · ".join(f"{value}: {counted.get(field, {}).get(value, 0):,}" for value in CLOSED[field]),
        )  # fmt: skip
    chosen["consent"] = st.pills(
        "Consent", CLOSED["consent"], selection_mode="multi", key="consent", bind="query-params"
    )
    countries = [value if value is not None else filters.UNSET for value in counted.get("country", {})]
    chosen["country"] = st.multiselect("Country", countries, key="country", bind="query-params", placeholder="Any")
    reachable = st.toggle("Only who can be reached", key="reachable", bind="query-params")
    return Segment("filtered", "", filters.rule_of(chosen, reachable))


def by_name(settings: Settings) -> Segment | None:
    names = files.names(settings)
    if not names:
        st.info("No segment is saved yet. Choose by filters and save one.", icon=":material/info:")
        return None
    name = st.selectbox("Segment", names, key="segment", bind="query-params")
    try:
        segment = files.load(settings, str(name))
    except WabenchError as error:
        st.error(f"{display.verbatim(str(error))}", icon=":material/error:")
        return None
    st.caption(display.verbatim(segment.description))
    st.code(files.text(segment), language="yaml", wrap_lines=True)
    return segment


def figures(counts: Counts, settings: Settings) -> None:
    consented = "opted in" if settings.consent == "explicit" else "did not opt out"
    shown = (
        ("Customers", counts.customers,
         f"{display.percent(counts.customers, counts.total)} of all {display.number(counts.total)}"),
        ("Reachable", counts.reachable,
         f"{display.percent(counts.reachable, counts.customers)} of them have a phone or WhatsApp id"),
        ("May get promotions", counts.consented,
         f"{display.percent(counts.consented, counts.customers)} of them are reachable and {consented}"),
        ("Decided by unset values", counts.decided_by_unset,
         f"of {display.number(counts.total)}; what is asked is not known of them"
         if counts.decided_by_unset else f"of {display.number(counts.total)}; all that is asked is known"),
    )  # fmt: skip
    for cell, (name, value, note) in zip(st.columns(len(shown), gap="small"), shown, strict=True):
        with cell.container(border=True, height="stretch", gap="xxsmall"):
            st.metric(name, display.number(value))
            st.caption(note)


def people(counts: Counts, sample: Any, settings: Settings) -> None:
    if not counts.total:
        st.info(
            "There are no customers yet. Bring orders or messages in with `wabench ingest`, then `wabench refresh`.",
            icon=":material/info:",
        )
    elif not counts.customers:
        st.info("Nobody matches. Take a filter away.", icon=":material/info:")
    else:
        st.dataframe(sample, hide_index=True, column_config=COLUMNS, height=320, placeholder="–")
        st.caption(
            f"{sample.num_rows} of {display.number(counts.customers)}, picked at random and the same each time; "
            f"as of {display.moment(counts.as_of, settings.zone)}"
        )


def export(settings: Settings, segment: Segment, counts: Counts) -> None:
    whole = st.checkbox("Phones and e-mails whole, not masked", key="whole_phones")
    st.caption(
        f"{display.number(counts.customers)} rows, every column, times in UTC. The manifest says which rule on which "
        "data, and the file's SHA-256."
    )
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV", lambda: segments.render(settings, segment, whole)[0], f"{segment.name}.csv", "text/csv",
            on_click="ignore", type="primary", disabled=not counts.customers, icon=":material/download:",
        )  # fmt: skip
        st.download_button(
            "Manifest", lambda: segments.render(settings, segment, whole)[1].to_json(),
            f"{segment.name}.manifest.json", "application/json", on_click="ignore", disabled=not counts.customers,
        )  # fmt: skip


def save(settings: Settings, segment: Segment) -> None:
    with st.form("save", border=False):
        name = st.text_input("Name", placeholder="loyal_in_brazil", help="a-z, 0-9 and _; it is the file's name")
        description = st.text_input("What it is for", placeholder="Frequent buyers in Brazil")
        if not st.form_submit_button("Save"):
            return
    try:
        files.save(settings, Segment(name.strip(), description.strip(), segment.where))
    except WabenchError as error:
        st.error(display.verbatim(str(error)), icon=":material/error:")
        return
    st.session_state.just_saved = name.strip()
    st.rerun()


def plan(settings: Settings, segment: Segment, version: Published, counts: Counts) -> None:
    if st.session_state.get("by") != "saved":
        st.info("A campaign is planned for a saved segment: save these filters first.", icon=":material/info:")
        return
    known = templates.sendable(settings, "meta")
    if not known:
        st.info("No template is known yet: `wabench template sync`, or see `docs/settings.md`.", icon=":material/info:")
        return
    left, right = st.columns(2, gap="large")
    with left:
        name = st.text_input("Campaign", placeholder="spring_sale", key="campaign_name").strip()
        chosen = str(st.selectbox("Template", list(known), key="template"))
        template = known[chosen]
        parameters = variables(template, list(version.columns("dim_customers")))
    with right:
        preview(template)
    if st.button("Plan", type="primary", disabled=not counts.customers, icon=":material/outbox:"):
        planned(settings, name, segment, chosen, parameters)


def variables(template: TemplateSettings, columns: list[str]) -> list[str]:
    """Ask what fills each of a template's variables: a column of the customer, or a text for all."""
    given = []
    for variable in templates.variables(template.body):
        default = columns.index(variable) if variable in columns else columns.index("name")
        left, right = st.columns(2)
        source = left.selectbox(f"{{{{{variable}}}}} is", [*columns, TEXT], index=default, key=f"source_{variable}")
        if source == TEXT:
            source = f"literal:{right.text_input('Text', key=f'text_{variable}')}"
        given.append(f"{variable}={source}")
    return given


def preview(template: TemplateSettings) -> None:
    st.caption(f"{template.category}, {template.language}, {template.status}")
    with st.container(border=True):
        st.text(template.body)


def planned(settings: Settings, name: str, segment: Segment, template: str, parameters: list[str]) -> None:
    try:
        if not name:
            raise WabenchError("give the campaign a name")
        made = planning.plan(settings, name, segment.name, template, parameters)
    except WabenchError as error:
        st.error(display.verbatim(str(error)), icon=":material/error:")
        return
    ready = sum(tally.sends for tally in made.tally if tally.state == "planned")
    st.success(f"Planned: {ready:,} will be written to, about {made.minutes:,.0f} min.", icon=":material/check:")
    held = [f"- {tally.reason}: {tally.sends:,}" for tally in made.tally if tally.state != "planned"]
    if held:
        st.markdown("Left out, by reason:\n" + "\n".join(held))
    if made.sample:
        st.caption("The first would read")
        st.text(made.sample)
    st.code(f"wabench campaign test {shlex.quote(name)}", language="sh")


page()
