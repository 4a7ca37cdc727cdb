"""A new campaign, step by step: to whom, what they read, what is measured, when; planned, and simulated at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st
from parts import advice as said
from parts import bubble, campaign_stages, charts, look, person, shop
from parts.lang import _, n_, number, percent, share

from wabench import display, providers, segments
from wabench.acts import campaigns as acts
from wabench.campaigns import holdout, lint, recipients, schedule, templates
from wabench.campaigns.recipients import Read
from wabench.campaigns.staging import Asked
from wabench.campaigns.variants import Wanted
from wabench.errors import UsageError, WabenchError
from wabench.providers.base import TemplateDraft
from wabench.published import Published
from wabench.roles import Action
from wabench.segments import Counts, Segment
from wabench.settings import Settings, TemplateSettings

FIXED = "literal"
SAMPLE = 2000  # customers of whom it is looked up how many order anyway


@dataclass(frozen=True, slots=True)
class Text:
    """One text as it is being put together: its variant's name (empty for the only one), template and parameters."""

    variant: str
    name: str
    template: TemplateSettings
    params: tuple[str, ...]

    @property
    def sources(self) -> Mapping[str, str]:
        return dict(param.partition("=")[::2] for param in self.params)


def show(asked: str) -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        look.heading(_("New campaign"), _("Nothing is sent from here: a plan is simulated, tested and approved first."))
    with right.container(horizontal_alignment="right"):
        is_back = st.button(_("All campaigns"), icon=":material/arrow_back:")
    if is_back:
        st.query_params.clear()
        st.rerun()
    actor = person.actor()
    if actor is None or not actor.may(Action.PLAN):
        look.nothing(_("A marketer plans campaigns; ask one, or an admin for the role."))
        return
    form, preview = st.columns([3, 2], gap="large")
    with form:
        segment = whom(asked)
        counts = segment and counted(segment)
        chosen = what() if segment else None
    if segment is None or counts is None or not chosen:
        return
    provider, texts, wanted = chosen
    with preview:
        previews(segment, provider, texts)
    with form:
        held_out = measure(segment, counts)
        starts_at = when()
        plan(segment, provider, texts, wanted, held_out, starts_at, counts, manners(len(texts) > 1))


def whom(asked: str) -> Segment | None:
    look.section(_("1 · To whom"))
    settings = shop.settings()
    names = segments.names(settings)
    if not names:
        look.nothing(_("No segment is saved yet. Save one on the Segments page first."))
        return None
    index = names.index(asked) if asked in names else None
    name = st.selectbox(
        _("Segment"), names, index=index, key="plan_segment", placeholder=_("Choose who it is for"),
        persist_state="session",
    )  # fmt: skip
    if name is None:
        return None
    st.query_params["new"] = name
    segment = segments.load(settings, name)
    if segment.description:
        st.caption(display.verbatim(segment.description))
    return segment


def counted(segment: Segment) -> Counts:
    settings, version = shop.settings(), shop.version()
    counts = _counts(str(version.path), segment.name, settings.consent, segment, settings, version)
    consented = _("opted in") if settings.consent == "explicit" else _("did not opt out")
    st.caption(
        n_("{n} customer", "{n} customers", counts.customers)
        + _(", {reachable} of them reachable, {consented} of those may get promotions ({how})",
            reachable=number(counts.reachable), consented=number(counts.consented), how=consented)
    )  # fmt: skip
    return counts


def what() -> tuple[str, list[Text], list[Wanted]] | None:
    look.section(_("2 · What they read"))
    settings = shop.settings()
    able = [name for name in settings.providers if name in providers.names()]
    if not able:
        look.nothing(_("No provider is set up: `docs/registration.md` says how."))
        return None
    provider = st.selectbox(_("Provider"), able, key="plan_provider") if len(able) > 1 else able[0]
    known = {name: each for name, each in templates.sendable(settings, provider).items() if each.status == "approved"}
    if not known:
        look.nothing(_("No template is approved yet. The Templates page reads and submits them."))
        return None
    tries_two = st.toggle(_("Try two texts, each on a part of the customers by chance"), key="plan_two")
    names = ("a", "b") if tries_two else ("",)
    texts = [text(variant, known) for variant in names]
    if len(texts) == 1:
        return provider, texts, []
    first = st.slider(_("Share of a, in percent"), 10, 90, 50, 5, key="plan_share") / 100
    shares = (first, 1 - first)
    return provider, texts, [Wanted(t.variant, t.name, part) for t, part in zip(texts, shares, strict=True)]


def text(variant: str, known: Mapping[str, TemplateSettings]) -> Text:
    label = _("Template of {variant}", variant=variant) if variant else _("Template")
    other = 1 if variant == "b" and len(known) > 1 else 0
    name = st.selectbox(label, list(known), index=other, key=f"plan_template_{variant}")
    template = known[name]
    return Text(variant, name, template, tuple(variables(variant, name, template)))


def variables(variant: str, name: str, template: TemplateSettings) -> list[str]:
    """Ask what fills each of a template's variables: a field of the customer, or a text for all."""
    columns = [column for column in shop.version().columns("dim_customers") if column != "customer_id"]
    params = []
    for variable in templates.listed_variables(template.body):
        options = [FIXED, *sorted(columns, key=lambda column: column not in charts.PEOPLE)]
        default = variable if variable in columns else "name"
        left, right = st.columns(2)
        source = left.selectbox(
            f"{{{{{variable}}}}}", options, index=options.index(default), format_func=field,
            key=f"plan_source_{variant}_{name}_{variable}",
        )  # fmt: skip
        if source == FIXED:
            value = right.text_input(_("Text for all"), key=f"plan_text_{variant}_{name}_{variable}")
            source = f"{FIXED}:{value}"
        params.append(f"{variable}={source}")
    return params


def field(column: str) -> str:
    if column == FIXED:
        return _("a text, the same for all")
    return _(charts.PEOPLE[column]) if column in charts.PEOPLE else column


def previews(segment: Segment, provider: str, texts: Sequence[Text]) -> None:
    look.section(_("As they read it"), _("Real customers of the segment, the same ones each time; phones masked"))
    for each in texts:
        found = _previews(
            str(shop.version().path), segment.name, each.template.body, each.params, shop.settings(), shop.version()
        )[: 3 if len(texts) == 1 else 2]
        if each.variant:
            st.markdown(f"**{each.variant}** · {display.verbatim(each.name)}")
        for one in found:
            bubble.show(one.text, " · ".join(filter(None, (one.name, one.phone))))
            if one.missing:
                st.caption(_(":orange[{variables} is not known of them: they would be left out]",
                             variables=display.verbatim(", ".join(one.missing))))  # fmt: skip
        if not found:
            bubble.show(each.template.body)
        advice(each, found, provider)


def advice(each: Text, found: Sequence[Read], provider: str) -> None:
    """Say what stands against a text, with what its first customer would read as the examples."""
    examples = dict.fromkeys(templates.listed_variables(each.template.body), "Ana Almeida")
    draft = TemplateDraft(each.name, each.template.language, each.template.category, each.template.body, examples)
    takes_names = provider == "meta" or bool(found)
    lines = [f"- {line}" for line in said.lines(lint.lint(draft, _words(), takes_names))]
    if lines:
        with st.expander(_("Advice on this text"), expanded=True, icon=":material/lightbulb:"):
            st.markdown("\n".join(lines))


def measure(segment: Segment, counts: Counts) -> float:
    look.section(_("3 · What it causes"), _("Chance keeps some back; only beside them what it caused can be told."))
    usual = round(shop.settings().holdout_share * 100 / 5) * 5
    part = st.slider(_("Held out, in percent"), 0, 50, usual or 10, 5, key="plan_holdout") / 100
    held_out = round(counts.consented * part)
    settings, version = shop.settings(), shop.version()
    rate = _rate(str(version.path), segment.name, settings.attribution_days, segment, settings, version)
    power = holdout.shown(settings, rate, counts.consented, held_out)
    if not held_out:
        st.caption(_("Nobody is held out, so what would have come anyway can't be told apart."))
    elif power.smallest_effect is None or power.rate is None:
        st.caption(_("{n} are held out; what that can show is known once orders of these customers are published.",
                     n=number(held_out)))  # fmt: skip
    else:
        st.caption(
            _("About {n} of {customers} are held out. {rate} of such customers order in {days} days anyway: a rise by "
              "{points} points ({relative}) is found four times of five, a smaller one is more often missed.",
              n=number(held_out), customers=number(counts.consented), rate=share(power.rate),
              days=number(power.days), points=number(power.smallest_effect * 100, 1),
              relative=percent(power.smallest_effect, power.rate))
        )  # fmt: skip
    return part


def when() -> datetime | None:
    look.section(_("4 · When"))
    settings = shop.settings()
    kinds = {"now": _("As soon as it is approved and started"), "at": _("Not before a set time")}
    kind = st.segmented_control(
        _("Start"), list(kinds), format_func=kinds.__getitem__, default="now", required=True, key="plan_when",
        label_visibility="collapsed",
    )  # fmt: skip
    if kind == "now":
        return None
    tomorrow = datetime.now(settings.zone) + timedelta(days=1)
    left, right = st.columns(2)
    day = left.date_input(_("Day"), tomorrow.date(), min_value=datetime.now(settings.zone).date(), key="plan_day")
    hour = right.time_input(_("Time"), tomorrow.time().replace(10, 0, 0, 0), key="plan_time")
    st.caption(
        _("In {zone}. It has to be started from then on, and within {hours} hours; after that it counts as over.",
          zone=settings.timezone, hours=number(settings.campaign_expires_hours))
    )  # fmt: skip
    return schedule.read(settings, f"{day:%Y-%m-%d} {hour:%H:%M}")


@dataclass(frozen=True, slots=True)
class Manners:
    """How a plan is sent: to each at their best hour, without the cold, up to what it may cost, and who goes first."""

    at_best_hour: bool
    skips_cold: bool
    budget: float | None
    in_stages: Asked


def manners(has_variants: bool) -> Manners:
    settings = shop.settings()
    is_best = st.toggle(
        _("To each at their own best hour, within {hours} hours", hours=number(settings.best_hour_within_hours)),
        key="plan_best_hour",
    )  # fmt: skip
    skips = st.toggle(
        _("Leave out who gave no sign of life for {days} days", days=number(settings.cold_days)), key="plan_skip_cold"
    )
    budget = st.number_input(
        _("It pauses itself when it has cost, {currency}", currency=settings.currency), 0.01, value=None,
        key="plan_budget", placeholder=_("no limit"),
    )  # fmt: skip
    return Manners(is_best, skips, budget, campaign_stages.asked(has_variants))


def plan(
    segment: Segment, provider: str, texts: Sequence[Text], wanted: Sequence[Wanted], held_out: float,
    starts_at: datetime | None, counts: Counts, how: Manners,
) -> None:  # fmt: skip
    look.section(_("5 · Its name"))
    usual = st.query_params.get("name") or f"{segment.name}_{datetime.now(shop.settings().zone):%Y_%m_%d}"
    name = st.text_input(_("Name"), usual, key="plan_name", label_visibility="collapsed").strip()
    pressed = st.button(
        _("Plan and simulate"), type="primary", icon=":material/query_stats:", disabled=not counts.customers,
    )  # fmt: skip
    if not pressed:
        return
    settings, actor = shop.settings(), person.actor()
    if actor is None:
        return
    try:
        if not re.fullmatch(r"[^\s/?#&][^/?#&]{0,99}", name):
            raise UsageError(_("Give it a name of 1 to 100 characters, without / ? # &"))
        with st.spinner(_("Planning…")):
            params = [f"{t.variant}.{p}" if t.variant else p for t in texts for p in t.params]
            template = "" if wanted else texts[0].name
            acts.plan(
                settings, actor, name, segment.name, template, params, provider, held_out, wanted, starts_at,
                skips_cold=how.skips_cold, at_best_hour=how.at_best_hour, budget=how.budget,
                in_stages=how.in_stages,
            )  # fmt: skip
            acts.simulate(settings, actor, name)
    except WabenchError as error:
        look.refused(error)
        return
    st.query_params.from_dict({"campaign": name})
    st.rerun()


@st.cache_data(show_spinner=False, max_entries=200)
def _counts(path: str, name: str, consent: str, _segment: Segment, _settings: Settings, _version: Published) -> Counts:
    return segments.count(_settings, _segment.where, _version)


@st.cache_data(show_spinner=False, max_entries=200)
def _rate(path: str, name: str, days: int, _segment: Segment, _settings: Settings, _version: Published) -> float | None:
    chosen = segments.sample(_settings, _segment.where, SAMPLE, _version)
    return holdout.rate(_settings, chosen["customer_id"].to_pylist())


@st.cache_data(show_spinner=False, max_entries=200)
def _previews(
    path: str, name: str, body: str, params: tuple[str, ...], _settings: Settings, _version: Published
) -> list[Read]:
    sources = dict(param.partition("=")[::2] for param in params)
    return recipients.previews(_settings, _version, name, body, sources)


@st.cache_data(show_spinner=False)
def _words() -> list[lint.Word]:
    return lint.read_words()
