"""What becomes of the rest of a campaign in stages: what is known of the first share, and what that is enough for.

Looked at with everything else that came back, each minute while it is sent and by each refresh. The answer stands on
evidence that may be looked at as often (`evidence`), so that no look is one too many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection
from sqlalchemy import Connection, func, select

from wabench.campaigns import evidence, stages
from wabench.campaigns.evidence import Arm
from wabench.campaigns.ledger import Campaign, Ledger
from wabench.campaigns.plan import rehearses
from wabench.campaigns.schema import CampaignState, SendState, consent, sends
from wabench.campaigns.stages import By, Kind, Outcome, Stage, StageState, Verdict
from wabench.providers.errors import BLOCKED_CODES
from wabench.settings import Settings

REHEARSAL = timedelta(seconds=20)
"""So long at most a rehearsal waits for a first share: whoever answers there answers at once."""

_ORDERED = """
    select send_id, converted_at from marts.fct_sends
    where campaign_id = $campaign_id and converted_at is not null
"""
_BUILT = "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'fct_sends'"
_TO_LEAVE = (SendState.PLANNED, SendState.HELD, SendState.CLAIMED)
_LEFT = (SendState.ACCEPTED, SendState.REJECTED, SendState.UNKNOWN)
_COLUMNS = {By.READ: "read_at", By.CLICK: "clicked_at", By.REPLY: "replied_at"}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a first share: how many left and how many are still to, and what came of those who left.

    `due_at` is when it is decided at the latest, None while some are still to leave. `arms` are its texts.
    """

    to_leave: int
    left: int
    ended: int
    failed: int
    opted_out: int
    blocked: int
    due_at: datetime | None
    arms: Mapping[str, Arm]

    def is_over(self, now: datetime) -> bool:
        return self.due_at is not None and now >= self.due_at


def look(settings: Settings, opened: Ledger, warehouse: DuckDBPyConnection, now: datetime) -> list[str]:
    """Decide of the running campaigns whose rest waits what can be decided; gives their names."""
    decided = []
    for campaign in opened.campaigns():
        stage = waiting(opened, campaign) if campaign.status is CampaignState.RUNNING else None
        if stage is None:
            continue
        is_rehearsal = rehearses(settings, campaign.provider)
        known = knowledge(opened, warehouse, campaign, stage, is_rehearsal)
        verdict = judge(settings, stage, known, now, is_rehearsal)
        if verdict is None:
            continue
        with opened.writing() as connection:
            if stages.decide(connection, campaign.campaign_id, stage, verdict, "sender", now):
                decided.append(campaign.name)
    return decided


def listed(opened: Ledger, campaign: Campaign) -> tuple[Stage, ...]:
    """List a campaign's stages in their order; none where all go at once."""
    with opened.reading() as connection:
        return stages.of(connection, campaign.campaign_id)


def waiting(opened: Ledger, campaign: Campaign) -> Stage | None:
    """Give the stage whose result the rest waits for; None where nobody waits."""
    if campaign.open_stage is None:
        return None
    return next((each for each in listed(opened, campaign) if each.state is not StageState.RELEASED), None)


def judge(settings: Settings, stage: Stage, known: Known, now: datetime, is_rehearsal: bool = False) -> Verdict | None:
    """Tell what becomes of the rest; None while there is nothing to tell."""
    if stage.kind is Kind.CANARY:
        return _canary(settings, known, now, is_rehearsal)
    return _winner(settings, stage, known, now)


def _canary(settings: Settings, known: Known, now: datetime, is_rehearsal: bool) -> Verdict | None:
    figures = {name: getattr(known, name) for name in ("left", "ended", "failed", "opted_out", "blocked")}
    limits = (
        (known.failed, settings.canary_failure_share, Outcome.TOO_MANY_FAILED, "failed"),
        (known.opted_out, settings.canary_opt_out_share, Outcome.TOO_MANY_OPTED_OUT, "opted out"),
        (known.blocked, settings.canary_block_share, Outcome.TOO_MANY_BLOCKED, "blocked the number"),
    )
    enough = log(len(limits) / settings.stage_error)  # each of the three may be wrong with a third of the error
    for hits, limit, outcome, said in limits:
        if evidence.above(hits, known.left, limit) >= enough:
            reason = f"{hits} of the canary's {known.left} {said}, which proves more than {limit:.1%}"
            return Verdict(outcome, False, reason, figures)
    if not known.is_over(now):
        return None
    if known.ended < max(settings.canary_known_share * known.left, 1):
        goes_on = is_rehearsal or settings.canary_unknown == "go_on"
        reason = f"too little is known of the canary: {known.ended} of {known.left} were delivered or failed so far"
        return Verdict(Outcome.TOO_LITTLE_KNOWN, goes_on, reason, figures)
    told = f"{known.failed} failed, {known.opted_out} opted out, {known.blocked} blocked the number"
    return Verdict(Outcome.WENT_WELL, True, f"the canary went well: of {known.left} {told}", figures)


def _winner(settings: Settings, stage: Stage, known: Known, now: datetime) -> Verdict | None:
    names, arms = list(known.arms), list(known.arms.values())
    if len(arms) < 2:
        return _unproven(stage, known, None) if known.is_over(now) else None
    proven = evidence.winner(arms, settings.stage_error)
    if proven is not None:
        told = f"{names[proven]} is the better text by {stage.by}, {_said(known)}"
        reason = f"{told}; wrong in {settings.stage_error:.0%} of such tests at most"
        return Verdict(Outcome.PROVEN, True, reason, _figures(known), names[proven])
    if not known.is_over(now):
        return None
    return _unproven(stage, known, evidence.best(arms) if settings.winner_unproven == "best" else None)


def _unproven(stage: Stage, known: Known, best: int | None) -> Verdict:
    told = f"no text is proven to be better by {stage.by}, {_said(known)}"
    if best is None:
        return Verdict(Outcome.EQUAL, True, f"{told}; each gets the one that chance drew", _figures(known))
    name = list(known.arms)[best]
    return Verdict(Outcome.BEST_SO_FAR, True, f"{told}; the rest gets {name}, the best so far", _figures(known), name)


def _said(known: Known) -> str:
    return ", ".join(f"{name} {len(arm.hits)} of {len(arm.begun)}" for name, arm in known.arms.items())


def _figures(known: Known) -> dict[str, Any]:
    """Give each text's customers and hits, and how doubtful it is that the best so far is the best."""
    arms = list(known.arms.values())
    best = evidence.best(arms) if len(arms) > 1 else None
    texts = {name: {"customers": len(arm.begun), "hits": len(arm.hits)} for name, arm in known.arms.items()}
    return {"texts": texts, "doubt": None if best is None else evidence.doubt(arms, best)}


def figures(stage: Stage, known: Known) -> dict[str, Any]:
    """Give what is known so far in the shape in which a decision keeps it."""
    if stage.kind is Kind.WINNER:
        return _figures(known)
    return {name: getattr(known, name) for name in ("left", "ended", "failed", "opted_out", "blocked")}


def knowledge(
    opened: Ledger, warehouse: DuckDBPyConnection, campaign: Campaign, stage: Stage, is_rehearsal: bool = False
) -> Known:
    """Look up what is known of those who went up to a stage."""
    with opened.reading() as connection:
        rows = _first_share(connection, campaign, stage)
        opted_out = _opted_out(connection, campaign, stage)
    left = [row for row in rows if row["state"] in _LEFT]
    told = _told(warehouse, campaign, left)
    failed = {row["send_id"] for row in left if row["state"] == SendState.REJECTED or told[row["send_id"]]["is_failed"]}
    delivered = {row["send_id"] for row in left if told[row["send_id"]]["is_delivered"]}
    wait = timedelta(hours=stage.hours)
    last = max((row["claimed_at"] for row in left), default=campaign.started_at or campaign.created_at)
    to_leave = sum(row["state"] in _TO_LEAVE for row in rows)
    return Known(
        to_leave=to_leave,
        left=len(left),
        ended=len(failed | delivered),
        failed=len(failed),
        opted_out=len(opted_out & {row["send_id"] for row in left}),
        blocked=sum(_is_blocked(row, told[row["send_id"]]) for row in left),
        due_at=None if to_leave else last + (min(wait, REHEARSAL) if is_rehearsal else wait),
        arms=_arms(warehouse, campaign, stage, left, told, opted_out) if stage.kind is Kind.WINNER else {},
    )


def _first_share(connection: Connection, campaign: Campaign, stage: Stage) -> list[dict[str, Any]]:
    wanted = ("send_id", "state", "variant", "phone", "user_id", "message_id", "error_code", "claimed_at")
    of_share = (sends.c.campaign_id == campaign.campaign_id) & (sends.c.stage <= stage.stage)
    rows = connection.execute(select(*(sends.c[name] for name in wanted)).where(of_share).order_by(sends.c.send_id))
    return [dict(row._asdict()) for row in rows]


def _opted_out(connection: Connection, campaign: Campaign, stage: Stage) -> set[str]:
    """Name the sends whose customers stated an opt-out after it left, and no opt-in since."""
    found: dict[str, tuple[datetime, str]] = {}
    for key in ("customer_id", "phone", "user_id"):
        stated = (
            select(sends.c.send_id, consent.c.stated_at, consent.c.consent)
            .join(consent, consent.c[key] == sends.c[key])
            .where(sends.c.campaign_id == campaign.campaign_id, sends.c.stage <= stage.stage)
            .where(consent.c.stated_at >= func.coalesce(sends.c.claimed_at, campaign.created_at))
        )
        for row in connection.execute(stated):
            said = (row.stated_at, row.consent)
            found[row.send_id] = max(found.get(row.send_id, said), said)
    return {send_id for send_id, (_, value) in found.items() if value == "opted_out"}


def _told(
    warehouse: DuckDBPyConnection, campaign: Campaign, left: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    if not left:
        return {}
    columns = {"send_ids": "send_id", "phones": "phone", "user_ids": "user_id", "message_ids": "message_id"}
    asked: dict[str, Any] = {name: [row[column] for row in left] for name, column in columns.items()}
    asked["claimed_ats"] = [_naive(row["claimed_at"]) for row in left]
    asked |= {"provider": campaign.provider, "since": min(asked["claimed_ats"])}
    rows = warehouse.sql(_sql(), params=asked).to_arrow_table().to_pylist()
    return {row["send_id"]: row for row in rows}


def _is_blocked(row: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    return not BLOCKED_CODES.isdisjoint((row["error_code"], *told["error_codes"]))


def _arms(
    warehouse: DuckDBPyConnection, campaign: Campaign, stage: Stage, left: Sequence[Mapping[str, Any]],
    told: Mapping[str, Mapping[str, Any]], opted_out: set[str],
) -> dict[str, Arm]:  # fmt: skip
    """Tell of each text who got it and who did what it is measured by; who said STOP did not answer for it."""
    if stage.by is By.ORDER:
        hits = _ordered(warehouse, campaign)
    else:
        column = _COLUMNS[stage.by or By.REPLY]
        hits = {send_id: row[column] for send_id, row in told.items() if row[column] and send_id not in opted_out}
    found = {}
    for text in campaign.texts:
        of_text = [row for row in left if row["variant"] == text.variant]
        begun = [_naive(row["claimed_at"]).timestamp() for row in of_text]
        hit = [hits[row["send_id"]].timestamp() for row in of_text if row["send_id"] in hits]
        if begun:
            found[text.variant] = Arm(np.array(begun, float), np.array(hit, float))
    return found


def _ordered(warehouse: DuckDBPyConnection, campaign: Campaign) -> dict[str, datetime]:
    """Tell who ordered for it, and when, as the last refresh knows it."""
    if not warehouse.execute(_BUILT).fetchone():
        return {}
    return dict(warehouse.execute(_ORDERED, {"campaign_id": campaign.campaign_id}).fetchall())


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _sql() -> str:
    return (Path(__file__).parent / "stage_outcomes.sql").read_text(encoding="utf-8")
