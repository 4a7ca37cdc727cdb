"""Moving a row to another state: the UPDATE's own WHERE holds the rule, so no caller and no race can break it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, insert, update

from wabench.campaigns.schema import (
    CAMPAIGN_MOVES,
    SEND_MOVES,
    CampaignState,
    SendState,
    audit,
    campaigns,
    replies,
    sends,
)

_State = TypeVar("_State", bound=StrEnum)


def sources(moves: Mapping[_State, frozenset[_State]], to: _State) -> tuple[_State, ...]:
    """List the states from which there is a move to another."""
    return tuple(state for state, targets in moves.items() if to in targets)


def move_campaign(connection: Connection, campaign_id: str, to: CampaignState, **values: Any) -> bool:
    """Move a campaign; False when there is no such move from where it stands."""
    where = (campaigns.c.campaign_id == campaign_id) & campaigns.c.status.in_(sources(CAMPAIGN_MOVES, to))
    return bool(connection.execute(update(campaigns).where(where).values(status=to, **values)).rowcount)


def move_sends(connection: Connection, to: SendState, where: ColumnElement[bool], **values: Any) -> int:
    """Move the sends that `where` chooses and that may go there; gives how many did."""
    movable = sends.c.state.in_(sources(SEND_MOVES, to))
    return connection.execute(update(sends).where(where, movable).values(state=to, **values)).rowcount


def move_replies(connection: Connection, to: SendState, where: ColumnElement[bool], **values: Any) -> int:
    """Move the replies that `where` chooses, by the rules of sends; gives how many did."""
    movable = replies.c.state.in_(sources(SEND_MOVES, to))
    return connection.execute(update(replies).where(where, movable).values(state=to, **values)).rowcount


def drop_rest(connection: Connection, campaign_id: str) -> int:
    """Suppress what a cancelled campaign had still to send."""
    rest = (sends.c.campaign_id == campaign_id) & sends.c.state.in_((SendState.PLANNED, SendState.HELD))
    return move_sends(connection, SendState.SUPPRESSED, rest, reason="campaign cancelled")


def note(
    connection: Connection, at: datetime, actor: str, action: str, campaign_id: str | None = None,
    send_id: str | None = None, detail: str | None = None,
) -> None:  # fmt: skip
    """Write one line of the audit."""
    values = {"at": at, "actor": actor, "action": action, "detail": detail}
    connection.execute(insert(audit).values(campaign_id=campaign_id, send_id=send_id, **values))
