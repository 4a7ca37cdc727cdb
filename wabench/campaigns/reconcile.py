"""What came back: statuses settle what is unknown, and what people stated reaches the ledger without a publish."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from duckdb import DuckDBPyConnection
from sqlalchemy import Connection, func, select

from wabench.campaigns import alone, failures, health, judging, known_templates, ledger
from wabench.campaigns.failures import CALLBACK_PREFIX
from wabench.campaigns.known_templates import Told
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.moves import move_replies, move_sends, note
from wabench.campaigns.schema import SendState, replies, sends
from wabench.replies import claims as replying
from wabench.replies.claims import CALLBACK_PREFIX as REPLY_PREFIX
from wabench.settings import Settings

_TAKEN = frozenset({"accepted", "sent", "delivered", "read"})
HEARD = "webhook "  # and the event's id: the source of a statement, by which it is copied once
_STATUSES = """
    select callback_data, event_type, message_id, error_code, error_family, occurred_at
    from raw.message_events where callback_data in (select unnest($waiting))
"""
_STATEMENTS = """
    select $heard || event_id, if(event_type = 'opt_in', 'opted_in', 'opted_out'), least(occurred_at, received_at),
        events.phone, events.user_id, coalesce(users.customer_id, phones.customer_id)
    from raw.message_events as events
    left join known_as as users on users.identity_type = 'user_id' and users.identity = provider || ':' || user_id
    left join known_as as phones on phones.identity_type = 'phone' and phones.identity = events.phone
    where event_type in ('opt_in', 'opt_out') and $heard || event_id not in (select unnest($copied))
"""
_TEMPLATES = """
    select provider, template_name, template_language, coalesce(content_type, ''), category, body_text,
        template_id, event_type = 'quality_update', coalesce(occurred_at, received_at)
    from raw.message_events
    where event_type in ('template_update', 'quality_update') and template_name is not null
    order by coalesce(occurred_at, received_at), event_id
"""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOBODY = "select null::text as identity, null::text as identity_type, null::text as customer_id where false"


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """One status that came back: `status` is a message event's type."""

    callback_data: str
    status: str
    message_id: str | None = None
    error_code: str | None = None
    error_family: str | None = None
    at: datetime | None = None


def read_back(settings: Settings, warehouse: DuckDBPyConnection) -> int:
    """Take from `raw.message_events` what people stated and which unknown sends were taken; gives how many settled.

    What a dead sender had claimed becomes unknown first.
    The caller holds the warehouse lock. May be called any number of times: what is in the ledger is not taken again.
    """
    if not ledger.exists(settings):
        return 0
    with ledger.opened(settings) as opened:
        alone.abandon_dead(settings, opened, datetime.now(UTC))
        replying.abandon(opened, datetime.now(UTC))
        _hear(opened, warehouse)
        _hear_of_templates(opened, warehouse)
        failures.hear(opened, warehouse, timedelta(minutes=settings.failed_settles_minutes), datetime.now(UTC))
    waiting = unsettled(settings)
    rows = warehouse.execute(_STATUSES, {"waiting": waiting}).fetchall() if waiting else []
    seen = (
        StatusSeen(data, status, message_id, code, family, _utc(at))
        for data, status, message_id, code, family, at in rows
    )
    settled = settle(settings, seen)
    with ledger.opened(settings) as opened:
        health.pause_unwell(settings, opened, warehouse, datetime.now(UTC))
        judging.look(settings, opened, warehouse, datetime.now(UTC))
    return settled


def _hear(opened: Ledger, warehouse: DuckDBPyConnection) -> None:
    """Copy new opt-outs and opt-ins, with the customer that was known by their phone or user id at the last build."""
    built = warehouse.execute(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'dim_identities'"
    ).fetchone()
    known_as = "from marts.dim_identities" if built else _NOBODY
    asked = {"heard": HEARD, "copied": opened.consent_sources(HEARD)}
    rows = warehouse.execute(f"with known_as as ({known_as}) {_STATEMENTS}", asked).fetchall()
    opened.state_consents([
        {"source": source, "consent": value, "stated_at": _utc(at), "phone": phone, "user_id": user_id,
         "customer_id": customer_id}
        for source, value, at, phone, user_id, customer_id in rows
    ])  # fmt: skip


def _hear_of_templates(opened: Ledger, warehouse: DuckDBPyConnection) -> None:
    """Bring the ledger's templates up to date with what webhooks said since."""
    rows = [(*said, at.replace(tzinfo=UTC)) for *said, at in warehouse.execute(_TEMPLATES).fetchall()]
    told = [Told(*row) for row in rows]  # in the order of its fields
    with opened.reading() as connection:
        newest: dict[tuple[str, str], datetime] = {}
        for row in known_templates.rows(connection):
            for key in filter(None, (row.name, row.provider_id)):
                newest[row.provider, key] = min(row.told_at, newest.get((row.provider, key), row.told_at))
    news = [each for each in told if each.at > _known_since(newest, each)]
    if news:
        with opened.writing() as connection:
            for each in news:
                known_templates.tell(connection, each)


def _known_since(newest: Mapping[tuple[str, str], datetime], told: Told) -> datetime:
    by_name = newest.get((told.provider, told.name), _LONG_AGO)
    return newest.get((told.provider, told.provider_id), by_name) if told.provider_id else by_name


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at else None


def settle(settings: Settings, seen: Iterable[StatusSeen]) -> int:
    """Move unknown sends to accepted or rejected by the statuses that came; gives how many moved.

    Sent, delivered or read says that it was taken, whatever else came; failed alone says that it was not delivered.
    """
    now = datetime.now(UTC)
    statuses = sorted((s for s in seen if s.status in _TAKEN or s.status == "failed"), key=_order)
    with ledger.opened(settings) as opened, opened.writing() as connection:
        unknown = _unknown(connection)
        first = {s.callback_data: s for s in reversed(statuses) if s.callback_data in unknown}
        for callback_data, status in first.items():
            _settle(connection, unknown[callback_data], status, now)
    return len(first)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A send or a reply that is unknown; a reply is of no campaign."""

    key: str
    campaign_id: str | None
    is_reply: bool


def _settle(connection: Connection, unknown: _Unknown, status: StatusSeen, now: datetime) -> None:
    to = SendState.ACCEPTED if status.status in _TAKEN else SendState.REJECTED
    table, key, move = (
        (replies, replies.c.reply_id, move_replies) if unknown.is_reply else (sends, sends.c.send_id, move_sends)
    )
    spent_keys = func.coalesce(table.c.spent_keys, 0) + int(to is SendState.REJECTED)
    told = {"message_id": status.message_id, "outcome_at": status.at or now, "spent_keys": spent_keys}
    errors = {"error_code": status.error_code, "error_family": status.error_family, "error_detail": None}
    move(connection, to, key == unknown.key, **told, **errors)
    note(connection, now, "reconcile", f"settled {to}", unknown.campaign_id, unknown.key, status.message_id)


def unsettled(settings: Settings) -> list[str]:
    """List the callback data of all sends and replies that are unknown, for whoever looks their statuses up."""
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return list(_unknown(connection))


def _unknown(connection: Connection) -> dict[str, _Unknown]:
    sent = connection.execute(select(sends.c.send_id, sends.c.campaign_id).where(sends.c.state == SendState.UNKNOWN))
    said = connection.execute(select(replies.c.reply_id).where(replies.c.state == SendState.UNKNOWN))
    return {
        **{CALLBACK_PREFIX + row.send_id: _Unknown(row.send_id, row.campaign_id, False) for row in sent},
        **{REPLY_PREFIX + row.reply_id: _Unknown(row.reply_id, None, True) for row in said},
    }


def _order(status: StatusSeen) -> tuple[bool, datetime]:
    """Put what says the message was taken first, then what came first."""
    return status.status not in _TAKEN, status.at or datetime.max.replace(tzinfo=UTC)
