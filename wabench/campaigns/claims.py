"""One turn of the sender's bookkeeping: outcomes that have come are written, the next sends are decided and claimed.

A claim is committed before its call and its outcome after it, many of both in one commit: a commit costs about a
millisecond, and a turn needs one. Everything that limits who is written to is read inside the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from wabench.campaigns import known_templates, stages
from wabench.campaigns.failures import CALLBACK_PREFIX
from wabench.campaigns.known import KEYS, Candidate, Consents, Known
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.moves import drop_rest, move_campaign, move_sends, note
from wabench.campaigns.policy import (
    DAILY_LIMIT,
    Hold,
    Rules,
    Skip,
    after,
    decide,
    stops_campaign,
    within_budget,
    within_limit,
)
from wabench.campaigns.schema import MAY_HAVE_REACHED, CampaignState, SendState, audit, campaigns, consent, sends
from wabench.providers.base import Accepted, Failed, Message, Template
from wabench.providers.errors import STOPPED_CODES

DAY = timedelta(hours=24)
_FURTHER = (50,) * 20  # sends looked at more when a turn finds nobody who may leave
_LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A send that is ours to make now; `attempts` counts this one."""

    send_id: str
    attempts: int
    message: Message


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim; `result` is None when the call was never made."""

    claim: Claim
    result: Accepted | Failed | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn came to. `next_due_in` are the seconds until something is due to be claimed, None when all is."""

    status: CampaignState
    claims: Sequence[Claim]
    suppressed: int
    next_due_in: float | None


def take_turn(
    ledger: Ledger, campaign: Campaign, rules: Rules, consents: Consents, outcomes: Sequence[Outcome], want: int,
    now: datetime,
) -> Turn:  # fmt: skip
    """Write the outcomes and claim up to `want` sends, in one transaction."""
    with ledger.writing() as connection:
        _record(connection, campaign, outcomes, now)
        this = campaigns.c.campaign_id == campaign.campaign_id
        status = CampaignState(connection.scalars(select(campaigns.c.status).where(this)).one())
        if status is CampaignState.CANCELLED:
            drop_rest(connection, campaign.campaign_id)
        if status is not CampaignState.RUNNING:
            return Turn(status, (), 0, None)
        if _pause_for_template(connection, campaign, now):
            return Turn(CampaignState.PAUSED, (), 0, None)
        rules = _since_release(connection, campaign, rules)
        claimed, suppressed = _claim(connection, campaign, rules, consents, want, now) if want else ((), 0)
        status = CampaignState(connection.scalars(select(campaigns.c.status).where(this)).one())  # no money left?
        return Turn(status, claimed, suppressed, _next_due_in(connection, campaign.campaign_id, now))


def abandon(ledger: Ledger, campaign: Campaign, now: datetime) -> int:
    """Mark as unknown what a dead process had claimed; the caller holds the campaign's lock, so it is dead."""
    with ledger.writing() as connection:
        where = (sends.c.campaign_id == campaign.campaign_id) & (sends.c.state == SendState.CLAIMED)
        count = move_sends(connection, SendState.UNKNOWN, where, outcome_at=now, error_detail="the sender was killed")
        if count:
            note(connection, now, "sender", "abandon", campaign.campaign_id, detail=f"{count} claims of a dead process")
    return count


# A claim that somebody took for a dead process's is unknown; its own answer, when it is definite, still tells.
_IS_OURS = or_(
    sends.c.state == SendState.CLAIMED,
    and_(
        sends.c.state == SendState.UNKNOWN,
        or_(*(bindparam("b_state", type_=sends.c.state.type) == to for to in (SendState.ACCEPTED, SendState.REJECTED))),
    ),
)
_WRITE_OUTCOME = (
    update(sends)
    .where(sends.c.send_id == bindparam("b_send_id"), _IS_OURS)
    .values({column: bindparam(f"b_{column}") for column in (
        "state", "due_at", "attempts", "spent_keys", "message_id", "error_code", "error_family", "error_detail",
        "outcome_at",
    )})
)  # fmt: skip


def _record(connection: Connection, campaign: Campaign, outcomes: Sequence[Outcome], now: datetime) -> None:
    if not outcomes:
        return
    connection.execute(_WRITE_OUTCOME, [_outcome_row(outcome, now) for outcome in outcomes])
    made = [outcome for outcome in outcomes if outcome.result is not None]
    if made:
        connection.execute(insert(audit), [_audit_row(outcome, campaign.campaign_id, now) for outcome in made])
    if stopped := [o for o in made if isinstance(o.result, Failed) and o.result.code in STOPPED_CODES]:
        _state_opt_outs(connection, campaign, stopped, now)
    stop = next((o.result for o in made if o.result and stops_campaign(o.result)), None)
    if isinstance(stop, Failed):
        reason = f"{campaign.provider} answered {stop.code}: {stop.detail}"
        if move_campaign(connection, campaign.campaign_id, CampaignState.PAUSED, reason=reason):
            note(connection, now, "sender", CampaignState.PAUSED, campaign.campaign_id, detail=reason)


def _state_opt_outs(connection: Connection, campaign: Campaign, stopped: Sequence[Outcome], now: datetime) -> None:
    """Keep it as an opt-out when a refusal says the person stopped us: no other provider knows, and no event may come.

    The send's id in the source makes it one statement however often the send is refused.
    """
    sources = {_refused(outcome): outcome.claim.send_id for outcome in stopped}
    told: Sequence[str] = connection.scalars(select(consent.c.source).where(consent.c.source.in_(sources))).all()
    sources = {source: send_id for source, send_id in sources.items() if source not in told}
    keys = select(sends.c.send_id, *KEYS).where(sends.c.send_id.in_(sources.values()))
    people = {row.send_id: row._asdict() for row in connection.execute(keys)}
    for source, send_id in sources.items():
        person = {key.name: people[send_id][key.name] for key in KEYS}
        stated = {"consent": "opted_out", "stated_at": now, "source": source}
        connection.execute(insert(consent).values(person | stated))
        note(connection, now, source, "opted_out", campaign.campaign_id, send_id)


def _refused(outcome: Outcome) -> str:
    code = outcome.result.code if isinstance(outcome.result, Failed) else ""
    return f"refusal {outcome.claim.send_id}:{code}"


def _pause_for_template(connection: Connection, campaign: Campaign, now: datetime) -> bool:
    """Pause a campaign of whose templates one was paused, turned down or made marketing since it started."""
    found = (
        known_templates.problem(
            connection, campaign.provider, text.template_name, text.language, text.template_id, campaign.category
        )
        for text in campaign.texts
    )
    problem = next(filter(None, found), None)
    if problem is None:
        return False
    move_campaign(connection, campaign.campaign_id, CampaignState.PAUSED, reason=problem)
    note(connection, now, "sender", CampaignState.PAUSED, campaign.campaign_id, detail=problem)
    return True


def _outcome_row(outcome: Outcome, now: datetime) -> dict[str, Any]:
    claim, result = outcome.claim, outcome.result
    state, due_at = after(result, claim.attempts, now) if result else (SendState.PLANNED, now)
    failed = result if isinstance(result, Failed) else None
    return {
        "b_send_id": claim.send_id,
        "b_state": state,
        "b_due_at": due_at,
        "b_attempts": claim.attempts if result else claim.attempts - 1,
        "b_spent_keys": claim.message.spent_keys + (failed is not None and failed.spends_key),
        "b_message_id": result.message_id if isinstance(result, Accepted) else None,
        "b_error_code": failed.code if failed else None,
        "b_error_family": failed.family if failed else None,
        "b_error_detail": failed.detail[:500] if failed else None,
        "b_outcome_at": now if result else None,
    }


def _audit_row(outcome: Outcome, campaign_id: str, now: datetime) -> dict[str, Any]:
    result = outcome.result
    accepted = isinstance(result, Accepted)
    detail = result.message_id if isinstance(result, Accepted) else f"{result.family} {result.code}" if result else None
    action = "send accepted" if accepted else "send failed"
    ids = {"campaign_id": campaign_id, "send_id": outcome.claim.send_id}
    return {"at": now, "actor": "sender", "action": action, "detail": detail, **ids}


def _claim(
    connection: Connection, campaign: Campaign, rules: Rules, consents: Consents, want: int, now: datetime
) -> tuple[Sequence[Claim], int]:
    """Claim up to `want`; where nobody of the first may leave now, look further at once: a night holds thousands."""
    suppressed = 0
    for size in (want, *_FURTHER):
        candidates = _candidates(connection, campaign.campaign_id, size, now)
        free, skipped = _decided(connection, candidates, rules, consents, now)
        suppressed += skipped
        unlimited = _unlimited(connection, campaign, free[:want], rules, now)
        going = _affordable(connection, campaign, unlimited, now)
        if unlimited or not candidates:
            break
    ours = sends.c.send_id.in_([candidate.send_id for candidate in going])
    move_sends(connection, SendState.CLAIMED, ours, claimed_at=now, attempts=sends.c.attempts + 1)
    return [Claim(c.send_id, c.attempts + 1, _message(c, campaign)) for c in going], suppressed


def _since_release(connection: Connection, campaign: Campaign, rules: Rules) -> Rules:
    """Give who waited for a stage as long for their best hour as those who did not."""
    if rules.best_hour_until is None or campaign.started_at is None:
        return rules
    released = stages.released_at(connection, campaign.campaign_id) or campaign.started_at
    return replace(rules, best_hour_until=rules.best_hour_until + max(released - campaign.started_at, timedelta(0)))


def _decided(
    connection: Connection, candidates: Sequence[Candidate], rules: Rules, consents: Consents, now: datetime
) -> tuple[Sequence[Candidate], int]:
    """Decide each of some sends; gives those that may leave, and how many never will."""
    if not candidates:
        return (), 0
    known = Known(connection, candidates, rules, now - rules.memory, consents(candidates))
    decided = [(candidate, decide(known.facts(candidate), rules, now)) for candidate in candidates]
    for candidate, decision in decided:
        this = sends.c.send_id == candidate.send_id
        match decision:
            case Skip(reason):
                move_sends(connection, SendState.SUPPRESSED, this, reason=reason)
            case Hold(until, reason):
                move_sends(connection, SendState.HELD, this, reason=reason, due_at=until)
    free = [candidate for candidate, decision in decided if not isinstance(decision, Skip | Hold)]
    return free, sum(isinstance(decision, Skip) for _, decision in decided)


def _unlimited(
    connection: Connection, campaign: Campaign, going: Sequence[Candidate], rules: Rules, now: datetime
) -> Sequence[Candidate]:
    """Hold whom the provider would take no more today, until the first of its places is free again."""
    allowed = rules.people_a_day
    lately = (sends.c.claimed_at > now - DAY) & sends.c.state.in_(MAY_HAVE_REACHED)
    if allowed is None or not going:
        return going
    at_most = connection.scalar(select(func.count()).where(sends.c.claimed_at > now - DAY)) or 0
    if at_most + len(going) <= allowed:  # of all providers, and read from the index alone: nearly always enough
        return going
    of_provider = select(campaigns.c.campaign_id).where(campaigns.c.provider == campaign.provider)
    begun = select(sends.c.customer_id, func.max(sends.c.claimed_at)).group_by(sends.c.customer_id)
    found = connection.execute(begun.where(lately, sends.c.campaign_id.in_(of_provider))).all()
    written: dict[str, datetime] = {row[0]: row[1] for row in found}
    may = within_limit([send.customer_id for send in going], written, allowed)
    held = [send.send_id for send, is_free in zip(going, may, strict=True) if not is_free]
    until = min(written.values(), default=now) + DAY
    move_sends(connection, SendState.HELD, sends.c.send_id.in_(held), reason=DAILY_LIMIT, due_at=until)
    return [send for send, is_free in zip(going, may, strict=True) if is_free]


def _affordable(
    connection: Connection, campaign: Campaign, going: Sequence[Candidate], now: datetime
) -> Sequence[Candidate]:
    """Take as many as the budget has room for; where there is none for the first, the campaign pauses itself."""
    if campaign.budget is None or not going:
        return going
    may_cost = (sends.c.campaign_id == campaign.campaign_id) & sends.c.state.in_(MAY_HAVE_REACHED)
    spent = connection.scalar(select(func.coalesce(func.sum(sends.c.price), 0.0)).where(may_cost)) or 0.0
    room = within_budget([send.price or 0.0 for send in going], campaign.budget - spent)
    if not room:
        reason = f"the budget of {campaign.budget:,.2f} is used up: its messages cost {spent:,.2f} by the price book"
        move_campaign(connection, campaign.campaign_id, CampaignState.PAUSED, reason=reason)
        note(connection, now, "sender", CampaignState.PAUSED, campaign.campaign_id, detail=reason)
    return going[:room]


def _candidates(connection: Connection, campaign_id: str, want: int, now: datetime) -> Sequence[Candidate]:
    of_campaign = (sends.c.campaign_id == campaign_id) & (sends.c.due_at <= now) & stages.is_open(campaign_id)
    move_sends(connection, SendState.PLANNED, of_campaign & (sends.c.state == SendState.HELD), reason=None)
    due = of_campaign & (sends.c.state == SendState.PLANNED)
    first = select(sends).where(due).order_by(sends.c.due_at).limit(want)
    return connection.execute(first.with_for_update(skip_locked=True)).all()


def _next_due_in(connection: Connection, campaign_id: str, now: datetime) -> float | None:
    """Tell in how many seconds something is due; while all of it waits for a stage, when to look again."""
    waiting = (sends.c.campaign_id == campaign_id) & sends.c.state.in_((SendState.PLANNED, SendState.HELD))
    earliest = select(func.min(sends.c.due_at)).where(waiting)
    found: datetime | None = connection.scalar(earliest.where(stages.is_open(campaign_id)))
    if found is not None:
        return (found - now).total_seconds()
    return _LOOK_SECONDS if connection.scalar(earliest) else None


def _message(send: Candidate, campaign: Campaign) -> Message:
    return message(send._asdict(), campaign)


def message(send: Mapping[str, Any], campaign: Campaign) -> Message:
    """Build the message of one send as it was frozen by the plan."""
    parameters: dict[str, str] = send["parameters"]
    text = campaign.text(send["variant"])
    template = Template(
        name=text.template_name,
        language=text.language,
        category=campaign.category,
        parameters=parameters,
        is_named=not all(key.isdigit() for key in parameters),
        provider_id=text.template_id or "",
    )
    callback_data, spent_keys = CALLBACK_PREFIX + send["send_id"], send["spent_keys"] or 0
    return Message(send["phone"], send["user_id"], template, callback_data, spent_keys)
