"""A campaign before it is sent: who gets it and who doesn't, what it costs, when it ends, what it will likely bring."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import delete, insert, select

from wabench import accounts, published
from wabench.campaigns import clock, ledger, limits
from wabench.campaigns.costs import PlanCost, plan_costs
from wabench.campaigns.forecast import Expected, Past, Worth, forecast
from wabench.campaigns.judging import REHEARSAL, listed
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.limits import Limit
from wabench.campaigns.moves import note
from wabench.campaigns.plan import asked_rate, channel_settings, rehearses, rules_of
from wabench.campaigns.policy import CAP, PRESSURE, waiting
from wabench.campaigns.schema import CampaignState, SendState, forecasts, sends
from wabench.campaigns.stages import Stage
from wabench.errors import Refused, WabenchError
from wabench.published import Published
from wabench.settings import Settings

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_LOOKBACK = 365 * _DAY
_MOST_SENDS = 60
"""So many of the shop's latest sends are weighed; those before were to another shop."""
_ENOUGH_ORDERS = 30
"""With fewer orders of their own the recipients' are taken to be worth what everybody's are."""
_ANSWERED_DAYS = 28
_MOMENTS = ("begins_at", "finishes_at")
_BEFORE_ITS_START = (CampaignState.PLANNED, CampaignState.TESTED, CampaignState.APPROVED)
_ACTUAL = {
    "delivered": "customers_delivered", "read": "read", "replied": "replied", "opted_out": "opted_out",
    "orders": "attributed_orders", "net_revenue": "attributed_net_revenue", "margin": "attributed_margin",
}  # fmt: skip
"""What is expected -> the column of `fct_campaigns` that says what came."""


@dataclass(frozen=True, slots=True)
class Support:
    """Who waits for an answer already, and how many dialogs a day were answered in the last 28 days."""

    open_dialogs: int
    overdue_dialogs: int
    answered_per_day: float


@dataclass(frozen=True, slots=True)
class Wave:
    """Who goes together where there are stages, and by when: in minutes since the campaign begins.

    `decided_after` is when it is decided at the latest what becomes of the next ones, None for the last.
    """

    kind: str
    customers: int
    left_after: float
    decided_after: float | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a plan would come to; `campaigns` and `months` are the earlier sends that `expected` stands on.

    `capped` of those who were planned had a promotion too lately to get this one if it began when it may, `pressed` too
    many of them; `reachable` are the others, `held` of whom would wait for the end of their night or their best hour.
    """

    campaign: Campaign
    made_at: datetime
    reachable: int
    capped: int
    left_out: Mapping[str, int]
    currency: str
    costs: tuple[PlanCost, ...]
    begins_at: datetime
    finishes_at: datetime
    limit: Limit | None
    expected: tuple[Expected, ...]
    campaigns: int
    months: int
    support: Support | None
    pressed: int = 0
    held: int = 0
    waves: tuple[Wave, ...] = ()

    @property
    def cost(self) -> PlanCost | None:
        """The cost on the plan it would really be sent on."""
        return next((each for each in self.costs if each.is_own), None)


@dataclass(frozen=True, slots=True)
class Compared:
    """One expectation beside what came of it; `actual` is None while it is not known."""

    metric: str
    expected: float
    low: float
    high: float
    actual: float | None


def simulate(settings: Settings, name: str, actor: str, now: datetime | None = None) -> Simulation:
    """Simulate a planned campaign and keep the forecast, for its report; raises Refused for one that has begun."""
    at = now or datetime.now(UTC)
    with ledger.opened(settings) as opened:
        campaign = opened.campaign(name)
        if campaign.status not in _BEFORE_ITS_START:
            raise Refused(f"campaign {name!r} is {campaign.status}; what was expected of it stands in its report")
        begins_at = max(at, campaign.starts_at or at)
        planned = _planned(opened, campaign)
        recipients, too_many = _uncapped(settings, opened, campaign, planned, begins_at)
        tally = opened.tally(campaign.campaign_id)
        stages = listed(opened, campaign)
    reachable = len(recipients)
    version = _version(settings)
    history = _history(version, campaign) if version else []
    limit = limits.of(version, campaign.provider) if version else None
    waves, held = _waves(settings, campaign, recipients, stages, begins_at, limit)
    made = Simulation(
        campaign=campaign,
        made_at=at,
        reachable=reachable,
        capped=too_many[CAP],
        pressed=too_many[PRESSURE],
        held=held,
        waves=tuple(waves) if stages else (),
        left_out={t.reason or str(t.state): t.sends for t in tally if t.state is SendState.SUPPRESSED},
        currency=settings.currency,
        costs=plan_costs(
            settings, version, campaign.provider, campaign.category, [(one.phone, one.user_id) for one in recipients],
            begins_at,
        ),
        begins_at=begins_at,
        finishes_at=begins_at + timedelta(minutes=waves[-1].left_after),
        limit=limit,
        expected=forecast(
            reachable, [_past(row) for row in history], _worth(version, recipients, history) if version else None,
            np.random.default_rng(int(campaign.campaign_id[:8], 16)),
        ),
        campaigns=sum(row["is_campaign"] for row in history),
        months=sum(not row["is_campaign"] for row in history),
        support=_support(version) if version else None,
    )  # fmt: skip
    _keep(settings, made, actor)
    return made


def kept(settings: Settings, campaign: Campaign) -> Simulation | None:
    """Give the last simulation of this plan; None where nobody made one."""
    with ledger.opened(settings) as opened, opened.reading() as connection:
        of_campaign = select(forecasts).where(forecasts.c.campaign_id == campaign.campaign_id)
        row = connection.execute(of_campaign.where(forecasts.c.planned_at == campaign.planned_at)).one_or_none()
    return _read(campaign, row.content, row.made_at) if row else None


def compared(settings: Settings, campaign: Campaign, funnels: Sequence[Mapping[str, Any]]) -> list[Compared]:
    """Set what was expected beside what came; nothing where nobody simulated this plan."""
    made = kept(settings, campaign)
    if made is None:
        return []
    found = [Compared(**asdict(each), actual=_actual(funnels, _ACTUAL[each.metric])) for each in made.expected]
    if made.cost and (cost := made.cost.total) is not None:
        found.append(Compared("cost", cost, cost, cost, _actual(funnels, "cost")))
    return found


def _actual(funnels: Sequence[Mapping[str, Any]], column: str) -> float | None:
    missing = {"cost": "messages_without_cost", "attributed_margin": "attributed_orders_without_margin"}.get(column)
    if not funnels or (missing and any(row[missing] for row in funnels)):
        return None
    return float(sum(row[column] or 0 for row in funnels))


@dataclass(frozen=True, slots=True)
class _Recipient:
    customer_id: str
    phone: str | None
    user_id: str | None
    timezone: str | None
    best_hour: int | None
    stage: int | None = None


def _planned(opened: Ledger, campaign: Campaign) -> list[_Recipient]:
    keys = (sends.c.customer_id, sends.c.phone, sends.c.user_id, sends.c.timezone, sends.c.best_hour, sends.c.stage)
    waiting = sends.c.state.in_((SendState.PLANNED, SendState.HELD))
    planned = (sends.c.campaign_id == campaign.campaign_id) & waiting
    with opened.reading() as connection:
        rows = connection.execute(select(*keys).where(planned)).all()
    return [_Recipient(**row._asdict()) for row in rows]


def _uncapped(
    settings: Settings, opened: Ledger, campaign: Campaign, planned: Sequence[_Recipient], begins_at: datetime
) -> tuple[list[_Recipient], Counter[str]]:
    """Leave out who had a promotion so lately, or so many, that this one is too many; count them by the reason."""
    too_many: Counter[str] = Counter()
    left = list(planned)
    for limit in rules_of(settings, campaign).limits:
        promoted = opened.recently_promoted(begins_at - limit.window, limit.most)
        before = len(left)
        left = [one for one in left if promoted.isdisjoint(filter(None, (one.customer_id, one.phone, one.user_id)))]
        too_many[limit.reason] += before - len(left)
    return left, too_many


def _waves(
    settings: Settings, campaign: Campaign, recipients: Sequence[_Recipient], stages: Sequence[Stage],
    begins_at: datetime, limit: Limit | None,
) -> tuple[list[Wave], int]:  # fmt: skip
    """Tell who leaves until when, stage by stage, and how many wait for a night or an hour; all at once without."""
    found, at, held = [], begins_at, 0
    for stage in (*stages, None):
        number = stage.stage if stage else len(stages) + 1
        people = [one for one in recipients if (one.stage or number) == number]
        waits = _waits(settings, campaign, people, at)
        left = max(at + _takes(settings, campaign, len(people), limit), *waits, at)
        wait = _wait(settings, campaign, stage) if stage else timedelta(0)
        after = [(moment - begins_at) / _MINUTE for moment in (left, left + wait)]
        found.append(Wave(str(stage.kind) if stage else "rest", len(people), after[0], after[1] if stage else None))
        at, held = left + wait, held + len(waits)
        limit = limit and replace(limit, written=limit.written + len(people))
    return found, held


def _wait(settings: Settings, campaign: Campaign, stage: Stage) -> timedelta:
    wait = timedelta(hours=stage.hours)
    return min(wait, REHEARSAL) if rehearses(settings, campaign.provider) else wait


def _waits(
    settings: Settings, campaign: Campaign, recipients: Sequence[_Recipient], begins_at: datetime
) -> list[datetime]:
    """Tell until when those would wait whose night or best hour it is to wait for."""
    held_to = rules_of(settings, replace(campaign, started_at=begins_at))
    alike = Counter((one.timezone, one.best_hour) for one in recipients)
    found = {key: waiting(held_to, begins_at, clock.zone(key[0], held_to.zone), key[1]) for key in alike}
    return [hold.until for key, hold in found.items() if hold for _ in range(alike[key])]


def _version(settings: Settings) -> Published | None:
    try:
        return published.current(settings)
    except WabenchError:
        return None


def _takes(settings: Settings, campaign: Campaign, messages: int, limit: Limit | None) -> timedelta:
    """Tell how long the sending takes: by the pace, and in as many days as the provider's limit of people needs."""
    table = channel_settings(settings, campaign.provider)
    can = accounts.capabilities(settings, campaign.provider)
    rate = asked_rate(settings, campaign.provider)
    if not accounts.is_rehearsal(table.base_url or can.base_url):
        rate = min(rate, can.messages_per_second)
    by_pace = timedelta(seconds=messages / rate)
    if limit is None or messages <= limit.allowed - limit.written:
        return by_pace
    left = max(limit.allowed - limit.written, 0)
    return max(by_pace, ceil((messages - left) / limit.allowed) * _DAY)


def _history(version: Published, campaign: Campaign) -> list[dict[str, Any]]:
    asked = {"category": campaign.category, "campaign_id": campaign.campaign_id, "most": _MOST_SENDS}
    found: list[dict[str, Any]] = version.query(
        _sql("history"), {**asked, "since": version.as_of - _LOOKBACK}
    ).to_pylist()
    return found


def _past(row: Mapping[str, Any]) -> Past:
    steps = ("sent", "delivered", "read", "replied", "converted", "opted_out")
    return Past({step: row[step] for step in steps if row[step] is not None})


def _worth(version: Published, recipients: Sequence[_Recipient], history: Sequence[Mapping[str, Any]]) -> Worth | None:
    window = {"since": version.as_of - _LOOKBACK, "until": version.as_of}
    rows = version.query(_sql("worth"), {"customers": [one.customer_id for one in recipients], **window}).to_pylist()
    groups = sorted((row for row in rows if row["orders"]), key=lambda row: not row["is_theirs"])
    if not groups:
        return None
    row = groups[0] if groups[0]["orders"] >= _ENOUGH_ORDERS else groups[-1]
    buyers = [(each["orders"], each["converted"]) for each in history if each["orders"] is not None]
    orders, converted = (sum(each[n] for each in buyers) for n in (0, 1))
    per_buyer = max(orders / converted, 1) if converted else 1
    return Worth(row["net"], row["net_sd"], row["orders"], per_buyer, row["margin_share"])


def _support(version: Published) -> Support | None:
    if "is_open" not in version.columns("fct_dialogs"):
        return None
    asked = {"since": version.as_of - _ANSWERED_DAYS * _DAY, "days": _ANSWERED_DAYS}
    return Support(**version.one(_sql("support_load"), asked))


def _keep(settings: Settings, made: Simulation, actor: str) -> None:
    campaign = made.campaign
    content = asdict(made) | {name: getattr(made, name).isoformat() for name in _MOMENTS}
    kept = {name: value for name, value in content.items() if name not in ("campaign", "made_at")}
    row = {"planned_at": campaign.planned_at, "made_at": made.made_at, "made_by": actor, "content": kept}
    with ledger.opened(settings) as opened, opened.writing() as connection:
        connection.execute(delete(forecasts).where(forecasts.c.campaign_id == campaign.campaign_id))
        connection.execute(insert(forecasts).values(campaign_id=campaign.campaign_id, **row))
        note(connection, made.made_at, actor, "simulate", campaign.campaign_id, detail=f"{made.reachable} customers")


def _read(campaign: Campaign, content: Mapping[str, Any], made_at: datetime) -> Simulation:
    made = Simulation(campaign=campaign, made_at=made_at, **content)
    return replace(
        made,
        begins_at=datetime.fromisoformat(content["begins_at"]),
        finishes_at=datetime.fromisoformat(content["finishes_at"]),
        costs=tuple(PlanCost(**each) for each in content["costs"]),
        expected=tuple(Expected(**each) for each in content["expected"]),
        limit=content["limit"] and Limit(**content["limit"]),
        support=content["support"] and Support(**content["support"]),
        waves=tuple(Wave(**each) for each in content.get("waves", ())),
    )


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
