"""What is looked at of a segment: who is in it, what it shares and costs, why somebody is in it, which method works."""

from typing import Any

import streamlit as st
from parts import charts, filters, look, person, rules, shop
from parts.lang import N_, NONE, _, money, n_, number, share

from wabench import customers, segments
from wabench.errors import WabenchError
from wabench.published import Published
from wabench.segments import Cost, Counts, Overlap, Segment, files, queries
from wabench.segments.rules import Rule
from wabench.settings import Settings

LOOKS = {
    "who": N_("Who"), "overlap": N_("Overlap"), "cost": N_("Cost"), "why": N_("Why somebody"),
    "methods": N_("Methods compared"),
}  # fmt: skip
METHODS = {
    "none": N_("Everybody"), "frequency": N_("Frequency"), "order_value": N_("Order value"),
    "engagement": N_("Engagement"),
}  # fmt: skip
SHOWN = 20
CUSTOMERS = "app_pages/customers.py"


def show(settings: Settings, version: Published, segment: Segment, counts: Counts) -> None:
    which = filters.one(_("Look at"), list(LOOKS), "look", "who", lambda each: _(LOOKS[each]),
                        label_visibility="collapsed")  # fmt: skip
    draw = {"who": who, "overlap": overlapping, "cost": costing, "why": why, "methods": methods}[which]
    try:
        draw(settings, version, segment, counts)
    except WabenchError as error:
        look.refused(error)


def key_of(settings: Settings, rule: Rule, version: Published) -> str:
    """Tell a rule, with the rules of segments it stands on, from every other on every version."""
    return f"{version.path} {settings.timezone} {queries.fingerprint(rule, segments.catalog(settings, version))}"


@st.cache_data(show_spinner=False, max_entries=200)
def sampled(key: str, _rule: Rule, _settings: Settings, _version: Published) -> Any:
    return segments.sample(_settings, _rule, SHOWN, _version)


@st.cache_data(show_spinner=False, max_entries=200)
def costed(key: str, consent: str, _rule: Rule, _settings: Settings, _version: Published) -> list[Cost]:
    return segments.costs(_settings, _rule, _version)


def who(settings: Settings, version: Published, segment: Segment, counts: Counts) -> None:
    if not counts.customers:
        look.nothing(_("Nobody matches. Take a condition away."))
        return
    sample = sampled(key_of(settings, segment.where, version), segment.where, settings, version)
    picked = charts.people(sample, key="sample", on_select="rerun").selection.rows
    st.caption(
        _("{shown} of {total}, picked at random and the same each time; as of {moment}. Choose a row to see why "
          "somebody is in it.", shown=number(sample.num_rows), total=number(counts.customers), moment=look.as_of())
    )  # fmt: skip
    if picked:
        told(settings, version, segment, sample["customer_id"][picked[0]].as_py(), None)


def overlapping(settings: Settings, version: Published, segment: Segment, counts: Counts) -> None:
    names = [name for name in files.names(settings) if name != segment.name]
    others = filters.several(_("With"), names, "with", widget=st.multiselect, max_selections=11,
                             placeholder=_("Choose saved segments"))  # fmt: skip
    if not others:
        look.nothing(_("Choose one or more saved segments to see whom they share with this one."))
        return
    mine = _("this one") if segment.name in ("rule", "filtered") else segment.name
    asked = {mine: segment.where, **{name: files.load(settings, name).where for name in others}}
    found = segments.overlap(settings, asked, version)
    shared(found)


def shared(found: Overlap) -> None:
    rows = [
        {
            _("Segment"): each.first,
            _("and"): each.second,
            _("In both"): each.both,
            _("Of the first"): f"{share(each.share_of_first)} / {number(found.sizes[each.first])}",
            _("Of the second"): f"{share(each.share_of_second)} / {number(found.sizes[each.second])}",
            _("Likeness"): share(each.jaccard),
        }
        for each in found.shared
    ]
    charts.table(rows, "overlap")
    st.caption(
        _("In all of them {all}, in any {any}, of {total} customers. Likeness: in both of in either (Jaccard).",
          all=number(found.in_all), any=number(found.in_any), total=number(found.total))
    )  # fmt: skip


def costing(settings: Settings, version: Published, segment: Segment, counts: Counts) -> None:
    found = costed(key_of(settings, segment.where, version), settings.consent, segment.where, settings, version)
    if not found:
        look.nothing(_("Nobody here can be reached, so there is nothing to pay for."))
        return
    rows = [
        {
            _("Plan"): f"{each.provider} · {each.plan}",
            _("One message"): unit(each),
            _("To whom promotions may go"): money(each.consented_cost, each.currency),
            _("To all reachable"): money(each.reachable_cost, each.currency),
            _("Of it Meta's fees"): share(each.meta_share, 0),
        }
        for each in found
    ]
    charts.table(rows, "costs")
    st.caption(
        _("One marketing message to each of the {consented} who may get promotions, and of the {reachable} reachable, "
          "by their country; list prices of today, without monthly fees and free messages. What was really paid is on "
          "Costs.", consented=number(found[0].consented), reachable=number(found[0].reachable))
    )  # fmt: skip
    if unpriced := max(each.without_price for each in found):
        st.caption(n_("{n} customer is in a country without a price.",
                      "{n} customers are in countries without a price.", unpriced))  # fmt: skip


def unit(cost: Cost) -> str:
    """The mean price of one message at this mix of countries."""
    if cost.reachable_cost is None or not cost.reachable:
        return NONE
    return f"{cost.currency} {number(cost.reachable_cost / cost.reachable, 4)}"


def why(settings: Settings, version: Published, segment: Segment, counts: Counts) -> None:
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    text = left.text_input(_("Who"), key="whom", bind="query-params", icon=":material/search:",
                           placeholder=_("A name, a phone, its last 4 digits, an e-mail or an id"))  # fmt: skip
    day = right.date_input(_("As of"), None, format="YYYY-MM-DD", key="as_of_day",
                           help=_("A day that has passed: what can be told of it, and nothing guessed"))  # fmt: skip
    if not text:
        look.nothing(_("Find a person to see each condition with their value, and what would turn it."))
        return
    found = customers.search(version, text, person.is_masked(), 5)
    if not found.num_rows:
        look.nothing(
            _("Nobody is called or reached like that. Of a phone, give the last 4 digits or the whole number.")
        )
        return
    picked = [0]
    if found.num_rows > 1:
        picked = charts.people(found, key="found", on_select="rerun").selection.rows
    if picked:
        told(settings, version, segment, found["customer_id"][picked[0]].as_py(), day and day.isoformat())


def told(settings: Settings, version: Published, segment: Segment, customer_id: str, as_of: str | None) -> None:
    found = segments.explain(settings, segment, customer_id, as_of, version)
    with st.container(border=True):
        st.markdown(rules.verdict(found))
        rules.tree(found, person.is_masked())
        if found.rule_since:
            st.caption(_("By the rule it is known to have had since {since}", since=found.rule_since))
        st.page_link(CUSTOMERS, label=_("All about them"), icon=":material/person:",
                     query_params={"customer": customer_id})  # fmt: skip


def methods(settings: Settings, version: Published, segment: Segment, counts: Counts) -> None:
    rows = shop.rows("effectiveness")
    if not rows:
        look.nothing(_("No promotional message yet, so no way to segment can be judged."))
        return
    shown = [
        {
            _("Method"): _(METHODS.get(row["method"], row["method"])),
            _("Tag"): NONE if row["method"] == "none" else look.label(row["tag"]),
            _("Customers"): row["customers"],
            _("Messages"): row["messages"],
            _("Read rate"): interval(row, "read"),
            _("Conversion"): interval(row, "conversion"),
            _("Against everybody"): NONE if row["conversion_lift"] is None else f"{row['conversion_lift']:+.0%}",
            _("Cost per order"): money(row["cost_per_order"], row["currency"] or settings.currency),
        }
        for row in rows
    ]
    charts.table(shown, "methods", height="content")
    st.caption(
        _("Promotional messages of the last 365 days up to {moment}, by the tag their customer had before each. Rates "
          "are of messages, with 95 % intervals that know who got several.", moment=look.as_of())
    )  # fmt: skip


def interval(row: dict[str, Any], rate: str) -> str:
    return f"{share(row[f'{rate}_rate'])} ({share(row[f'{rate}_rate_low'], 0)}–{share(row[f'{rate}_rate_high'], 0)})"
