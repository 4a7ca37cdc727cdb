"""A campaign in stages: a first share goes, the rest is held until it is decided what becomes of it.

A stage is open or not by the campaign's `open_stage` alone, so a kill, a pause or a restart changes nothing. A stage is
decided once, in one transaction: with it the rest is released, with the winner's text, or the campaign pauses itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from wabench.campaigns.moves import move_campaign, move_sends, note
from wabench.campaigns.schema import CampaignState, SendState, Utc, Word, campaigns, metadata, sends

WAITS = "waits for the first share's result"
_LAST = 1_000_000

stages = Table(
    "stages",
    metadata,
    Column("campaign_id", String(32), ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("stage", Integer, primary_key=True),
    Column("kind", Word, nullable=False),  # canary winner
    Column("share", Float, nullable=False),  # of the customers, up to this stage
    Column("hours", Float, nullable=False),  # after the last of them left
    Column("by", Word),  # what the winner is told by: reply read click order
    Column("state", Word, nullable=False),  # waiting released stopped
    Column("decided_at", Utc),
    Column("decided_by", Text),
    Column("outcome", Word),
    Column("winner", String(40)),  # the variant that the rest gets; null: each the one drawn for it
    Column("reason", Text),
    Column("figures", JSON),  # what the decision stands on
)


class Kind(StrEnum):
    """What a stage is for."""

    CANARY = "canary"
    WINNER = "winner"


class StageState(StrEnum):
    """Whether the rest still waits for a stage, was let go, or stays where it is."""

    WAITING = "waiting"
    RELEASED = "released"
    STOPPED = "stopped"


class Outcome(StrEnum):
    """What a stage came to."""

    WENT_WELL = "went_well"
    TOO_LITTLE_KNOWN = "too_little_known"
    TOO_MANY_FAILED = "too_many_failed"
    TOO_MANY_OPTED_OUT = "too_many_opted_out"
    TOO_MANY_BLOCKED = "too_many_blocked"
    PROVEN = "proven"
    BEST_SO_FAR = "best_so_far"
    EQUAL = "equal"


class By(StrEnum):
    """What the better text is told by."""

    REPLY = "reply"
    READ = "read"
    CLICK = "click"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a campaign: `share` of its customers are up to it, and `hours` after the last of them it is decided.

    `figures` are what the decision stands on; while it is waiting, nothing is decided.
    """

    stage: int
    kind: Kind
    share: float
    hours: float
    by: By | None = None
    state: StageState = StageState.WAITING
    decided_at: datetime | None = None
    decided_by: str | None = None
    outcome: Outcome | None = None
    winner: str | None = None
    reason: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of the rest, and why in one line; `winner` is the text it gets, None: each the one drawn."""

    outcome: Outcome
    goes_on: bool
    reason: str
    figures: Mapping[str, Any]
    winner: str | None = None


def store(connection: Connection, campaign_id: str, planned: Sequence[Stage]) -> None:
    """Put a plan's stages into the ledger, in place of those of the plan before."""
    connection.execute(delete(stages).where(stages.c.campaign_id == campaign_id))
    if planned:
        wanted = ("stage", "kind", "share", "hours", "by", "state", "figures")
        rows = [{name: getattr(each, name) for name in wanted} for each in planned]
        connection.execute(insert(stages), [row | {"campaign_id": campaign_id, "figures": {}} for row in rows])


def of(connection: Connection, campaign_id: str) -> tuple[Stage, ...]:
    """List a campaign's stages in their order; none where all go at once."""
    found = select(stages).where(stages.c.campaign_id == campaign_id).order_by(stages.c.stage)
    return tuple(_stage(row._asdict()) for row in connection.execute(found))


def _stage(row: Mapping[str, Any]) -> Stage:
    words = {
        "kind": Kind(row["kind"]),
        "state": StageState(row["state"]),
        "by": By(row["by"]) if row["by"] else None,
        "outcome": Outcome(row["outcome"]) if row["outcome"] else None,
    }
    return Stage(**{key: value for key, value in row.items() if key != "campaign_id"} | words)


def readings(send: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give a send as it may be sent: with each variant's text where it waits for the winner, else as it is."""
    texts: Mapping[str, Mapping[str, Any]] = send["texts"] or {}
    whole = {name: text for name, text in texts.items() if all(text["parameters"].values())}
    return [{**send, "variant": name, **text} for name, text in whole.items()] or [send]


def is_open(campaign_id: str) -> ColumnElement[bool]:
    """Make the condition that a send's stage may leave."""
    this = campaigns.c.campaign_id == campaign_id
    open_stage = select(func.coalesce(campaigns.c.open_stage, _LAST)).where(this).scalar_subquery()
    return func.coalesce(sends.c.stage, 0) <= open_stage


def released_at(connection: Connection, campaign_id: str) -> datetime | None:
    """Tell when the rest was last let go; None where nothing was yet."""
    released = (stages.c.campaign_id == campaign_id) & (stages.c.state == StageState.RELEASED)
    found: datetime | None = connection.scalar(select(func.max(stages.c.decided_at)).where(released))
    return found


def decide(
    connection: Connection, campaign_id: str, stage: Stage, verdict: Verdict, actor: str, now: datetime
) -> bool:  # fmt: skip
    """Let the rest of a running campaign go, or pause it; False where somebody decided, or it runs no more."""
    this = select(campaigns.c.status).where(campaigns.c.campaign_id == campaign_id).with_for_update()
    if connection.scalar(this) != CampaignState.RUNNING:
        return False
    told = {"outcome": verdict.outcome, "winner": verdict.winner, "reason": verdict.reason, "figures": verdict.figures}
    if verdict.goes_on:
        return _release(connection, campaign_id, stage, StageState.WAITING, actor, now, told)
    if not _set(connection, campaign_id, stage, (StageState.WAITING,), StageState.STOPPED, actor, now, told):
        return False
    move_campaign(connection, campaign_id, CampaignState.PAUSED, reason=verdict.reason)
    note(connection, now, actor, CampaignState.PAUSED, campaign_id, detail=verdict.reason)
    return True


def release_stopped(connection: Connection, campaign_id: str, actor: str, now: datetime) -> bool:
    """Let the rest go after all, by a person's decision; False where no stage was stopped."""
    stopped = [stage for stage in of(connection, campaign_id) if stage.state is StageState.STOPPED]
    for stage in stopped:
        _release(connection, campaign_id, stage, StageState.STOPPED, actor, now, {})
    return bool(stopped)


def _release(
    connection: Connection, campaign_id: str, stage: Stage, state: StageState, actor: str, now: datetime,
    told: Mapping[str, Any],
) -> bool:  # fmt: skip
    if not _set(connection, campaign_id, stage, (state,), StageState.RELEASED, actor, now, told):
        return False
    later = [each.stage for each in of(connection, campaign_id) if each.stage > stage.stage]
    upto = later[0] if later else _LAST
    this = update(campaigns).where(campaigns.c.campaign_id == campaign_id)
    connection.execute(this.values(open_stage=upto if later else None))
    rest = (sends.c.campaign_id == campaign_id) & (sends.c.stage > stage.stage)
    if told.get("winner"):
        _give(connection, rest, told["winner"])
    opened = rest & (sends.c.stage <= upto) & (sends.c.state == SendState.HELD)
    count = move_sends(connection, SendState.PLANNED, opened, reason=None, due_at=now)
    why = told.get("reason") or f"{stage.reason}; goes on by a person's decision"
    note(connection, now, actor, "release", campaign_id, detail=f"{count} sends: {why}")
    return True


def _give(connection: Connection, rest: ColumnElement[bool], winner: str) -> None:
    """Give the rest the winner's text as the plan froze it; who of them is held out now stands against it, too."""
    text = sends.c.texts[winner]
    values = {
        "variant": winner,
        "parameters": text["parameters"],
        "text_length": text["text_length"].as_integer(),
        "is_personalised": text["is_personalised"].as_boolean(),
    }
    connection.execute(update(sends).where(rest, sends.c.texts.is_not(None)).values(**values))


def _set(
    connection: Connection, campaign_id: str, stage: Stage, sources: Sequence[StageState], to: StageState, actor: str,
    now: datetime, told: Mapping[str, Any],
) -> bool:  # fmt: skip
    where = (stages.c.campaign_id == campaign_id) & (stages.c.stage == stage.stage) & stages.c.state.in_(sources)
    decided = {"state": to, "decided_at": now, "decided_by": actor, **told}
    return bool(connection.execute(update(stages).where(where).values(**decided)).rowcount)
