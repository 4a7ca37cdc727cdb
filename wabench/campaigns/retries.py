"""Trying again what failed for a passing reason: who failed and why, and the plan of a campaign that retries them.

A retry is a campaign like any other: planned, tested, approved, run, held to the policy at each claim. It takes its
texts and each customer's parameters from the campaign it retries, as they were frozen. Whom chance held out stays
held out.
"""

import getpass
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, select
from sqlalchemy.exc import IntegrityError

from wabench.campaigns import ledger, passing, schedule, templates
from wabench.campaigns import plan as planning
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.passing import Reasons
from wabench.campaigns.plan import Plan
from wabench.campaigns.schema import CampaignState, SendState, campaigns, sends
from wabench.errors import Refused
from wabench.settings import Settings

NOT_PASSING = "does not pass"
OFTEN = "was tried often enough"
RETRIED = "is in "
_OVER = (CampaignState.FINISHED, CampaignState.CANCELLED)
_FROZEN = (
    "customer_id", "variant", "phone", "user_id", "parameters", "category", "consent", "consent_at", "text_length",
    "is_personalised", "timezone", "last_interaction_at", "best_hour",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """One send that failed and reached nobody; from `due_at` on it may be tried again, None: it may not, `why` says."""

    send_id: str
    customer_id: str
    code: str | None
    reason: str
    failed_at: datetime
    due_at: datetime | None
    why: str | None
    retries: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Failures of one reason and code; `due_from` is when the first of those that may be tried again is due."""

    reason: str
    code: str | None
    failed: int
    passing: int
    due_from: datetime | None
    due_until: datetime | None
    why: str | None


def failures(settings: Settings, campaign: Campaign, besides: str | None = None) -> list[Failure]:
    """List what failed of a campaign, first failure first; a retry whose id is `besides` counts as none."""
    reasons = passing.read()
    with ledger.opened(settings) as opened, opened.reading() as connection:
        rows = _failed(connection, campaign.campaign_id, besides)
        reached = _reached_before(connection, [row["retries_send_id"] for row in rows if row["retries_send_id"]])
    found = [_failure(settings, row, reasons) for row in rows if row["retries_send_id"] not in reached]
    return sorted(found, key=lambda failure: (failure.failed_at, failure.send_id))


def summed(found: Iterable[Failure]) -> list[Sum]:
    """Count failures by reason and code, most first."""
    by: dict[tuple[str, str | None], list[Failure]] = {}
    for each in found:
        by.setdefault((each.reason, each.code), []).append(each)
    sums = [_sum(reason, code, each) for (reason, code), each in by.items()]
    return sorted(sums, key=lambda each: (-each.failed, each.reason, each.code or ""))


def _sum(reason: str, code: str | None, found: Sequence[Failure]) -> Sum:
    due = [each.due_at for each in found if each.due_at]
    whys = Counter(each.why for each in found if each.why).most_common(1)
    why = whys[0][0] if whys else None
    return Sum(reason, code, len(found), len(due), min(due, default=None), max(due, default=None), why)


def plan(
    settings: Settings, name: str, of: str, now: datetime | None = None, starts_at: datetime | None = None,
    actor: str | None = None, budget: float | None = None,
) -> Plan:  # fmt: skip
    """Freeze a campaign for those of another one who failed for a passing reason and were not reached since.

    Each is due when their wait is over; whose wait ends later than `retry_within_hours` after the start is left for
    another retry. Raises UsageError for an unknown campaign, Refused for one that is not over, for nobody to retry, for
    a template that is not approved any more, and where another retry was planned for some of them meanwhile.
    """
    at = now or datetime.now(UTC)
    if starts_at and starts_at < at:
        raise Refused(f"{schedule.told(settings, starts_at)} is over; give a later start, or none to run it at once")
    with ledger.opened(settings) as opened:
        old, campaign_id = opened.campaign(of), opened.id_of(name) or secrets.token_hex(6)
    _must_be_over(old)
    for text in old.texts:
        templates.approved(settings, text.template_name, old.provider)
    found = failures(settings, old, besides=campaign_id)
    begins_at = starts_at or at
    until = begins_at + timedelta(hours=settings.retry_within_hours)
    chosen = {each.send_id: each for each in found if each.due_at and each.due_at <= until}
    if not chosen:
        raise Refused(_nobody(settings, of, found))
    first_due = min(max(begins_at, each.due_at) for each in chosen.values() if each.due_at)
    campaign = _campaign(old, name, campaign_id, at, actor or getpass.getuser(), budget)
    campaign = replace(campaign, starts_at=first_due if first_due > at else None)
    rows = _rows(settings, old, chosen, at, begins_at)
    if budget is not None:
        planning.price(settings, campaign, rows)
    try:
        return planning.store(settings, campaign, rows, {t.variant: t.template_body or "" for t in old.texts})
    except IntegrityError:
        raise Refused(f"some of {of!r} were put into another retry just now; plan it again for the others") from None


def _must_be_over(old: Campaign) -> None:
    if old.status not in _OVER:
        raise Refused(f"campaign {old.name!r} is {old.status}; what failed is retried when it is finished or cancelled")


def _nobody(settings: Settings, of: str, found: Sequence[Failure]) -> str:
    later = min((each.due_at for each in found if each.due_at), default=None)
    if later:
        return f"nobody of {of!r} may be tried again before {schedule.told(settings, later)}; plan it later"
    return f"nobody of {of!r} failed for a reason that passes; `wabench campaign status {of}` says for what"


def _campaign(
    old: Campaign, name: str, campaign_id: str, at: datetime, actor: str, budget: float | None
) -> Campaign:  # fmt: skip
    return replace(
        old, name=name, campaign_id=campaign_id, status=CampaignState.PLANNED, created_by=actor, created_at=at,
        planned_at=at, tested_at=None, approved_at=None, approved_by=None, started_at=None, finished_at=None,
        reason=None, holdout_share=0.0, budget=budget, retry_of=old.retry_of or old.campaign_id,
    )  # fmt: skip


def _rows(
    settings: Settings, old: Campaign, chosen: Mapping[str, Failure], at: datetime, begins_at: datetime
) -> list[dict[str, Any]]:
    """Freeze a send for each of those who are tried again, as they were frozen before."""
    of_old = select(sends).where(sends.c.campaign_id == old.campaign_id)
    with ledger.opened(settings) as opened, opened.reading() as connection:
        frozen = [row._asdict() for row in connection.execute(of_old) if row.send_id in chosen]
    return [
        {key: row[key] for key in _FROZEN}
        | {
            "state": SendState.PLANNED, "reason": None, "attempts": 0, "planned_at": at, "arm": None, "price": None,
            "due_at": max(begins_at, chosen[row["send_id"]].due_at or begins_at),
            "retries_send_id": row["send_id"], "retry_number": chosen[row["send_id"]].retries + 1,
        }
        for row in frozen
    ]  # fmt: skip


def _failed(connection: Connection, campaign_id: str, besides: str | None) -> list[dict[str, Any]]:
    """Read the sends that failed and reached nobody, each with the name of the campaign that retries it."""
    retry, others = sends.alias("retry"), campaigns.alias("others")
    lives = and_(
        retry.c.retries_send_id == sends.c.send_id,
        retry.c.state != SendState.SUPPRESSED,
        retry.c.campaign_id != (besides or ""),
    )
    retried = sends.outerjoin(retry, lives).outerjoin(others, others.c.campaign_id == retry.c.campaign_id)
    is_refused = sends.c.state == SendState.REJECTED
    is_lost = (sends.c.state == SendState.ACCEPTED) & sends.c.failed_at.is_not(None)
    where = (sends.c.campaign_id == campaign_id) & sends.c.reached_at.is_(None) & (is_refused | is_lost)
    statement = select(sends, others.c.name.label("retried_by")).select_from(retried).where(where)
    return [dict(row._asdict()) for row in connection.execute(statement)]


def _reached_before(connection: Connection, parents: Sequence[str]) -> set[str]:
    """Tell which of some sends, or what they retried, were delivered after all."""
    ways = {parent: parent for parent in parents}  # from each to the send it leads to, one generation up at a time
    reached: set[str] = set()
    while ways:
        columns = (sends.c.send_id, sends.c.retries_send_id, sends.c.reached_at)
        rows = connection.execute(select(*columns).where(sends.c.send_id.in_(set(ways.values()))))
        found = {row.send_id: row for row in rows}
        reached |= {way for way, at in ways.items() if at in found and found[at].reached_at}
        ways = {way: found[at].retries_send_id for way, at in ways.items() if at in found and found[at].retries_send_id}
    return reached


def _failure(settings: Settings, row: Mapping[str, Any], reasons: Reasons) -> Failure:
    if row["state"] == SendState.REJECTED:
        code, family, failed_at = row["error_code"], row["error_family"], row["outcome_at"]
    else:
        code, family, failed_at = row["failed_code"], row["failed_family"], row["failed_at"]
    reason, retries = reasons.of(code, family), row["retry_number"] or 0
    wait, why = reason.after(retries), None
    if row["retried_by"]:
        why = f"{RETRIED}{row['retried_by']}"
    elif wait is None:
        why = NOT_PASSING
    elif retries >= settings.retry_most:
        why = OFTEN
    due_at = failed_at + wait if wait is not None and why is None else None
    return Failure(row["send_id"], row["customer_id"], code, reason.name, failed_at, due_at, why, retries)
