"""Planning a campaign: who, what and on what rule, frozen into one ledger row per customer."""

import getpass
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wabench import accounts, providers, published
from wabench.campaigns import audience, ledger, templates
from wabench.campaigns.holdout import HELD_OUT, TREATED, Holdout, Power, power
from wabench.campaigns.ledger import Campaign, Tally
from wabench.campaigns.policy import HOLDOUT, MARKETING, Decision, Facts, Rules, Skip, decide
from wabench.campaigns.schema import CampaignState, SendState
from wabench.errors import UsageError, WabenchError
from wabench.settings import ProviderSettings, Settings

_FUNNEL = "select * from fct_campaigns where campaign_id = $campaign_id"
_PEOPLE = ("customer_id", "phone", "user_id", "consent", "consent_at")


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


def plan(
    settings: Settings, name: str, segment: str, template_name: str, params: Sequence[str] = (), provider: str = "meta",
    now: datetime | None = None, holdout: float | None = None,
) -> Plan:  # fmt: skip
    """Freeze a campaign; one of that name that is not approved yet is replaced.

    `holdout` is the share of customers to hold out, by default the shop's. Raises UsageError for an unknown segment,
    template, variable or column, Refused for a template that is not approved or a name that is taken by an approved
    campaign.
    """
    at = now or datetime.now(UTC)
    template = templates.approved(settings, template_name, provider)
    chosen = audience.select(settings, segment)
    sources = templates.sources(template, params, chosen.customers.column_names)
    with ledger.opened(settings) as opened:  # planned again, a campaign keeps its id and so holds out the same
        campaign_id = opened.id_of(name) or secrets.token_hex(6)
    kept_back = Holdout(campaign_id, settings.holdout_share if holdout is None else holdout)
    campaign = Campaign(
        campaign_id=campaign_id,
        name=name,
        segment=segment,
        audience_version=chosen.version,
        provider=provider,
        channel_id=channel_settings(settings, provider).channel_id,
        template_name=template_name,
        language=template.language,
        category=template.category,
        template_id=template.ids.get(provider),
        holdout_share=kept_back.share,
        status=CampaignState.PLANNED,
        created_by=getpass.getuser(),
        created_at=at,
        planned_at=at,
        template_body=templates.shared_text(template.body, sources),
    )
    wanted = {*_PEOPLE, *sources.values()} & set(chosen.customers.column_names)
    customers = chosen.customers.select(sorted(wanted)).to_pylist()
    rows = list(_sends(customers, template.body, sources, rules(settings, provider, template.category), kept_back, at))
    return _store(settings, campaign, rows, template.body)


def _store(settings: Settings, campaign: Campaign, rows: Sequence[Mapping[str, Any]], body: str) -> Plan:
    """Put a plan into the ledger, and tell what it comes to."""
    since = campaign.created_at - timedelta(hours=settings.promo_cap_hours)
    with ledger.opened(settings) as opened:
        stored = opened.plan(campaign, rows)
        tally = opened.tally(stored.campaign_id)
        promoted = opened.recently_promoted(since)
    planned = [row for row in rows if row["state"] is SendState.PLANNED]
    return Plan(
        campaign=stored,
        tally=tally,
        capped_now=_capped(planned, promoted) if campaign.category == MARKETING else 0,
        minutes=len(planned) / asked_rate(settings, campaign.provider) / 60,
        sample=templates.fill(body, planned[0]["parameters"]) if planned else None,
        power=_power(settings, rows),
    )


def funnel(settings: Settings, campaign: Campaign) -> dict[str, Any] | None:
    """Look up what the published file says became of a campaign; None when it does not know it yet."""
    try:
        found = published.query(settings, _FUNNEL, {"campaign_id": campaign.campaign_id}).to_pylist()
    except WabenchError:
        return None
    return found[0] if found else None


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
    )


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
    customers: Iterable[Mapping[str, Any]],
    body: str,
    sources: Mapping[str, str],
    rules: Rules,
    holdout: Holdout,
    now: datetime,
) -> Iterator[dict[str, Any]]:
    """Decide each customer, once; of several that share a phone or a user id the first is written to, or held out."""
    customers_seen: set[str] = set()
    recipients: set[tuple[str, str]] = set()
    for customer in customers:
        if customer["customer_id"] in customers_seen:
            continue
        customers_seen.add(customer["customer_id"])
        ways = {(key, value) for key in ("phone", "user_id") if (value := customer.get(key))}
        consent = audience.consent_of(customer)
        facts = Facts(
            phone=customer.get("phone"),
            user_id=customer.get("user_id"),
            consent=consent,
            parameters=templates.render(sources, customer),
            is_repeat=not ways.isdisjoint(recipients),
            is_held_out=holdout.has(customer["customer_id"]),
        )
        decision = decide(facts, rules, now)
        arm = _arm(decision)
        if arm:
            recipients |= ways
        text = {
            "text_length": len(templates.fill(body, facts.parameters)),
            "is_personalised": templates.names_customer(sources, facts.parameters),
            "arm": arm if holdout.share else None,
        }
        yield _row(customer["customer_id"], facts, decision, rules, now) | text


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
        "due_at": now,
        "attempts": 0,
        "planned_at": now,
    }


def _capped(rows: Iterable[Mapping[str, Any]], promoted: frozenset[str]) -> int:
    return sum(not promoted.isdisjoint((row["customer_id"], row["phone"], row["user_id"])) for row in rows)
