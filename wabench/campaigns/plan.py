"""Planning a campaign: who, what and on what rule, frozen into one ledger row per customer."""

import getpass
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

from wabench import accounts, providers, published
from wabench.campaigns import audience, clock, costs, ledger, limits, schedule, staging, templates
from wabench.campaigns import variants as variants_of
from wabench.campaigns.audience import Audience
from wabench.campaigns.clock import Quiet
from wabench.campaigns.holdout import HELD_OUT, TREATED, Holdout, Power, power
from wabench.campaigns.known import country_of
from wabench.campaigns.ledger import Campaign, Tally
from wabench.campaigns.policy import HOLDOUT, Decision, Facts, Pressure, Rules, Skip, decide
from wabench.campaigns.schema import CampaignState, SendState
from wabench.campaigns.stages import Stage
from wabench.campaigns.staging import AT_ONCE, Asked
from wabench.campaigns.texts import Text, described, readings, texts_of
from wabench.campaigns.variants import Wanted
from wabench.errors import Refused, UsageError, WabenchError
from wabench.settings import ProviderSettings, Settings

_FUNNEL = "select * from fct_campaigns where campaign_id = $campaign_id order by variant"
_PEOPLE = (
    "customer_id", "phone", "user_id", "consent", "consent_at", "local_timezone", "timezone", "last_interaction_at",
    "best_hour", "best_hour_messages", "engagement_tag",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What planning came to. `capped_now` of those planned could not be written to at this moment.

    `power` is what the holdout can show, None where nobody is held out.
    """

    campaign: Campaign
    tally: Sequence[Tally]
    capped_now: int
    minutes: float
    sample: str | None
    power: Power | None
    stages: tuple[Stage, ...] = ()


def plan(
    settings: Settings, name: str, segment: str, template_name: str = "", params: Sequence[str] = (),
    provider: str = "meta", now: datetime | None = None, holdout: float | None = None,
    variants: Sequence[Wanted] = (), starts_at: datetime | None = None, actor: str | None = None,
    skips_cold: bool = False, at_best_hour: bool = False, budget: float | None = None, in_stages: Asked = AT_ONCE,
) -> Plan:  # fmt: skip
    """Freeze a campaign; one of that name that is not approved yet is replaced.

    It has one template or several `variants`. `holdout` is the share of customers to hold out, by default the shop's;
    `starts_at` the moment it may be run from on; `actor` who plans it, by default who is at this machine. `skips_cold`
    leaves out who gave no sign of life for long, `at_best_hour` lets each get it at their own best hour, `budget` is
    what its messages may cost, `in_stages` what goes first and what the rest waits for. Raises UsageError for an
    unknown segment, template, variable or column, for a budget where there is no price and for stages that can't be,
    Refused for a template that is not approved, for a start that is over and for a name that is taken by an approved
    campaign.
    """
    at = now or datetime.now(UTC)
    if starts_at and starts_at < at:
        raise Refused(f"{schedule.told(settings, starts_at)} is over; give a later start, or none to run it at once")
    chosen = audience.select(settings, segment)
    _must_tell_cold(chosen, segment, skips_cold)
    wanted = staging.stages(settings, in_stages, bool(variants))
    texts = texts_of(settings, provider, template_name, variants, params, chosen.customers.column_names)
    with ledger.opened(settings) as opened:  # planned again, a campaign keeps its id and so holds out the same
        campaign_id = opened.id_of(name) or secrets.token_hex(6)
    kept_back = Holdout(campaign_id, settings.holdout_share if holdout is None else holdout)
    first = texts[0].variant
    campaign = Campaign(
        campaign_id=campaign_id,
        name=name,
        segment=segment,
        audience_version=chosen.version,
        provider=provider,
        channel_id=channel_settings(settings, provider).channel_id,
        template_name=first.template_name,
        language=first.language,
        category=texts[0].category,
        template_id=first.template_id,
        holdout_share=kept_back.share,
        status=CampaignState.PLANNED,
        created_by=actor or getpass.getuser(),
        created_at=at,
        planned_at=at,
        template_body=first.template_body,
        starts_at=starts_at,
        skips_cold=skips_cold,
        at_best_hour=at_best_hour,
        budget=budget,
        variants=tuple(text.variant for text in texts) if variants else (),
    )
    rows, stages = _rows(settings, chosen, texts, campaign, kept_back, wanted)
    campaign = replace(campaign, open_stage=1 if stages else None)
    return store(settings, campaign, rows, {text.variant.variant: text.body for text in texts}, stages)


def _must_tell_cold(chosen: Audience, segment: str, skips_cold: bool) -> None:
    if skips_cold and "last_interaction_at" not in chosen.customers.column_names:
        raise UsageError(
            f"{segment} has no column last_interaction_at, so who is cold can't be told; leave --skip-cold"
        )


def _rows(
    settings: Settings, chosen: Audience, texts: Sequence[Text], campaign: Campaign, kept_back: Holdout,
    stages: Sequence[Stage],
) -> tuple[list[dict[str, Any]], Sequence[Stage]]:  # fmt: skip
    """Decide each of the chosen customers and when they go; where there is a budget, with what each message costs."""
    used = {source for text in texts for source in text.sources.values()}
    wanted = {*_PEOPLE, *used} & set(chosen.customers.column_names)
    customers = chosen.customers.select(sorted(wanted)).to_pylist()
    held_to = rules_of(settings, campaign)
    rows = list(_sends(customers, texts, held_to, kept_back, campaign, settings.best_hour_messages))
    if campaign.budget is not None:
        price(settings, campaign, rows)
    return rows, staging.staged(settings, campaign.campaign_id, stages, rows, customers, partial(readings, texts))


def price(settings: Settings, campaign: Campaign, rows: Sequence[dict[str, Any]]) -> None:
    """Put into each send what it costs; raises UsageError where the price book does not say."""
    ways = {id(row): (row["phone"], row["user_id"]) for row in rows if row["state"] is SendState.PLANNED}
    countries = {key: country_of(*way) or "" for key, way in ways.items()}
    samples = {countries[key]: way for key, way in ways.items()}
    day = campaign.starts_at or campaign.created_at
    prices = costs.prices(settings, campaign.provider, campaign.category, samples, day)
    for row in rows:
        row["price"] = prices[countries[id(row)]] if id(row) in countries else None


def store(
    settings: Settings, campaign: Campaign, rows: Sequence[Mapping[str, Any]], bodies: Mapping[str, str],
    stages: Sequence[Stage] = (),
) -> Plan:  # fmt: skip
    """Put a plan into the ledger, and tell what it comes to."""
    held_to, at = rules_of(settings, campaign), campaign.starts_at or campaign.created_at
    with ledger.opened(settings) as opened:
        stored = opened.plan(campaign, rows, stages)
        tally = opened.tally(stored.campaign_id)
        promoted = [opened.recently_promoted(at - limit.window, limit.most) for limit in held_to.limits]
    planned = [row for row in rows if row["state"] is not SendState.SUPPRESSED]
    first = planned[0] if planned else None
    return Plan(
        campaign=stored,
        tally=tally,
        capped_now=_capped(planned, frozenset().union(*promoted)),
        minutes=len(planned) / asked_rate(settings, campaign.provider) / 60,
        sample=templates.fill(bodies[first["variant"] or ""], first["parameters"]) if first else None,
        power=_power(settings, rows),
        stages=tuple(stages),
    )


def funnels(settings: Settings, campaign: Campaign) -> list[dict[str, Any]]:
    """Look up what the published file says became of a campaign, a row a variant; none when it does not know it yet."""
    try:
        found: list[dict[str, Any]] = published.query(
            settings, _FUNNEL, {"campaign_id": campaign.campaign_id}
        ).to_pylist()
    except WabenchError:
        return []
    return found


def rules(settings: Settings, provider: str, category: str) -> Rules:
    """Gather what the shop, the template and the provider set for a campaign."""
    channel_settings(settings, provider)
    can = accounts.capabilities(settings, provider)
    return Rules(
        category=category,
        consent=settings.consent,
        promo_cap=timedelta(hours=settings.promo_cap_hours),
        customer_gap=timedelta(seconds=can.seconds_between_messages_to_one_customer),
        takes_user_ids=can.user_id_recipients,
        pressure=(
            Pressure(settings.promo_per_7_days, timedelta(days=7)),
            Pressure(settings.promo_per_30_days, timedelta(days=30)),
        ),
        closed_countries=settings.closed_countries,
        zone=settings.zone,
        quiet=None if rehearses(settings, provider) else _quiet(settings),
    )


def rules_of(settings: Settings, campaign: Campaign) -> Rules:
    """Gather all that a campaign is held to; people wait for their best hour from its start on, in no rehearsal."""
    is_real = not rehearses(settings, campaign.provider)
    begun = campaign.started_at if campaign.at_best_hour and is_real else None
    return replace(
        rules(settings, campaign.provider, campaign.category),
        people_a_day=limits.people_a_day(settings, campaign.provider) if is_real else None,
        cold_after=timedelta(days=settings.cold_days) if campaign.skips_cold else None,
        best_hour_until=begun + timedelta(hours=settings.best_hour_within_hours) if begun else None,
    )


def _quiet(settings: Settings) -> Quiet | None:
    start, end = time.fromisoformat(settings.quiet_from), time.fromisoformat(settings.quiet_until)
    return Quiet(start, end) if start != end else None


def rehearses(settings: Settings, provider: str) -> bool:
    """Tell whether nobody is written to at all, so that nobody is woken up either."""
    address = channel_settings(settings, provider).base_url or accounts.capabilities(settings, provider).base_url
    return accounts.is_rehearsal(address)


def channel_settings(settings: Settings, provider: str) -> ProviderSettings:
    """Find the channel to send from; raises UsageError when `wabench.toml` names none."""
    channel = settings.providers.get(provider)
    if channel is None or not channel.channel_id or provider not in providers.names():
        raise UsageError(f"wabench.toml needs [providers.{provider}] with channel_id, the number to send from")
    return channel


def asked_rate(settings: Settings, provider: str) -> float:
    """Give the messages a second that are asked for on a provider's channel."""
    return (channel_settings(settings, provider).pace_per_minute or settings.pace_per_minute) / 60


def _power(settings: Settings, rows: Iterable[Mapping[str, Any]]) -> Power | None:
    arms = {row["customer_id"]: row["arm"] for row in rows if row["arm"]}
    held_out = sum(arm == HELD_OUT for arm in arms.values())
    return power(settings, list(arms), held_out) if held_out else None


def _sends(
    customers: Iterable[Mapping[str, Any]], texts: Sequence[Text], rules: Rules, holdout: Holdout, campaign: Campaign,
    enough_for_best_hour: int,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Decide each customer, once; of several that share a phone or a user id the first is written to, or held out."""
    customers_seen: set[str] = set()
    recipients: set[tuple[str, str]] = set()
    shares = [text.variant.share for text in texts]
    begins_at = campaign.starts_at or campaign.created_at
    for customer in customers:
        if customer["customer_id"] in customers_seen:
            continue
        customers_seen.add(customer["customer_id"])
        text = texts[variants_of.draw(campaign.campaign_id, customer["customer_id"], shares)]
        ways = {(key, value) for key in ("phone", "user_id") if (value := customer.get(key))}
        facts = Facts(
            phone=customer.get("phone"),
            user_id=customer.get("user_id"),
            consent=audience.consent_of(customer),
            parameters=templates.render(text.sources, customer),
            is_repeat=not ways.isdisjoint(recipients),
            is_held_out=holdout.has(customer["customer_id"]),
            country=country_of(customer.get("phone"), customer.get("user_id")) if rules.closed_countries else None,
            last_interaction_at=audience.moment(customer.get("last_interaction_at")),
            zone=clock.zone(_zone_name(customer), rules.zone),
            best_hour=_best_hour(customer, enough_for_best_hour),
        )
        decision = decide(facts, rules, begins_at)
        arm = _arm(decision)
        if arm:
            recipients |= ways
        of_text = {
            "variant": text.variant.variant or None,
            **described(text, facts.parameters),
            "arm": arm if holdout.share else None,
        }
        row = _row(customer["customer_id"], facts, decision, rules, campaign.created_at)
        yield row | of_text | {"due_at": begins_at, "timezone": _zone_name(customer)}


def _zone_name(customer: Mapping[str, Any]) -> str | None:
    return customer.get("local_timezone") or customer.get("timezone") or None


def _best_hour(customer: Mapping[str, Any], enough: int) -> int | None:
    """Give a customer's own best hour, None where too little is known of them; a file has both as text."""
    try:
        hour, messages = int(customer.get("best_hour") or 0), int(customer.get("best_hour_messages") or 0)
    except ValueError:
        return None
    return hour if messages >= enough and 0 <= hour < 24 else None


def _arm(decision: Decision) -> str | None:
    """Tell which arm chance put a customer in; none who would not be written to anyway."""
    if isinstance(decision, Skip):
        return HELD_OUT if decision.reason == HOLDOUT else None
    return TREATED


def _row(customer_id: str, facts: Facts, decision: Decision, rules: Rules, now: datetime) -> dict[str, Any]:
    skip = decision if isinstance(decision, Skip) else None
    return {
        "customer_id": customer_id,
        "phone": facts.phone,
        "user_id": facts.user_id,
        "parameters": dict(facts.parameters),
        "category": rules.category,
        "consent": facts.consent.value,
        "consent_at": facts.consent.stated_at,
        "state": SendState.SUPPRESSED if skip else SendState.PLANNED,
        "reason": skip.reason if skip else None,
        "last_interaction_at": facts.last_interaction_at,
        "best_hour": facts.best_hour,
        "attempts": 0,
        "planned_at": now,
    }


def _capped(rows: Iterable[Mapping[str, Any]], promoted: frozenset[str]) -> int:
    return sum(not promoted.isdisjoint((row["customer_id"], row["phone"], row["user_id"])) for row in rows)
