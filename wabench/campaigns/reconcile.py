"""Settling what is unknown: a status that carries our callback data tells whether the message was taken."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from wabench.campaigns import ledger
from wabench.campaigns.claims import CALLBACK_PREFIX
from wabench.campaigns.moves import move_sends, note
from wabench.campaigns.schema import SendState, sends
from wabench.settings import Settings

_TAKEN = frozenset({"accepted", "sent", "delivered", "read"})


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """One status that came back: `status` is a message event's type."""

    callback_data: str
    status: str
    message_id: str | None = None
    error_code: str | None = None
    error_family: str | None = None
    at: datetime | None = None


def settle(settings: Settings, seen: Iterable[StatusSeen]) -> int:
    """Move unknown sends to accepted or rejected by the statuses that came; gives how many moved.

    Sent, delivered or read says that it was taken, whatever else came; failed alone says that it was not delivered.
    """
    now = datetime.now(UTC)
    statuses = sorted((s for s in seen if s.status in _TAKEN or s.status == "failed"), key=_order)
    with ledger.opened(settings) as opened, opened.writing() as connection:
        campaign_of = _unknown(connection)
        first = {s.callback_data: s for s in reversed(statuses) if s.callback_data in campaign_of}
        for callback_data, status in first.items():
            to = SendState.ACCEPTED if status.status in _TAKEN else SendState.REJECTED
            send_id = callback_data.removeprefix(CALLBACK_PREFIX)
            errors = {"error_code": status.error_code, "error_family": status.error_family, "error_detail": None}
            this = sends.c.send_id == send_id
            move_sends(connection, to, this, message_id=status.message_id, outcome_at=status.at or now, **errors)
            note(connection, now, "reconcile", f"settled {to}", campaign_of[callback_data], send_id, status.message_id)
    return len(first)


def unsettled(settings: Settings) -> list[str]:
    """List the callback data of all sends that are unknown, for whoever looks their statuses up."""
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return list(_unknown(connection))


def _unknown(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(sends.c.send_id, sends.c.campaign_id).where(sends.c.state == SendState.UNKNOWN))
    return {CALLBACK_PREFIX + row.send_id: row.campaign_id for row in rows}


def _order(status: StatusSeen) -> tuple[bool, datetime]:
    """Put what says the message was taken first, then what came first."""
    return status.status not in _TAKEN, status.at or datetime.max.replace(tzinfo=UTC)
