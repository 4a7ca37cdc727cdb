"""The ledger's tables and the moves its states may make; the same Core definitions serve SQLite and PostgreSQL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
)


class CampaignState(StrEnum):
    """Where a campaign stands; `draft` exists only inside the transaction that plans it."""

    DRAFT = "draft"
    PLANNED = "planned"
    TESTED = "tested"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class SendState(StrEnum):
    """Where one send stands; `unknown` is a state of its own and never simply sent again."""

    PLANNED = "planned"
    HELD = "held"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"


_C, _S = CampaignState, SendState

CAMPAIGN_MOVES: Mapping[CampaignState, frozenset[CampaignState]] = {
    _C.DRAFT: frozenset({_C.PLANNED}),
    _C.PLANNED: frozenset({_C.PLANNED, _C.TESTED, _C.CANCELLED}),
    _C.TESTED: frozenset({_C.PLANNED, _C.TESTED, _C.APPROVED, _C.CANCELLED}),
    _C.APPROVED: frozenset({_C.RUNNING, _C.CANCELLED}),
    _C.RUNNING: frozenset({_C.PAUSED, _C.FINISHED, _C.CANCELLED}),
    _C.PAUSED: frozenset({_C.RUNNING, _C.CANCELLED}),
    _C.FINISHED: frozenset({_C.RUNNING}),  # only to send again what stayed unknown, by a person's decision
    _C.CANCELLED: frozenset(),
}
SEND_MOVES: Mapping[SendState, frozenset[SendState]] = {
    _S.PLANNED: frozenset({_S.CLAIMED, _S.SUPPRESSED, _S.HELD}),
    _S.HELD: frozenset({_S.PLANNED, _S.SUPPRESSED}),
    _S.CLAIMED: frozenset({_S.ACCEPTED, _S.REJECTED, _S.UNKNOWN, _S.PLANNED}),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.REJECTED, _S.PLANNED}),
    _S.REJECTED: frozenset({_S.PLANNED}),  # only what a stopped template or account turned away, when it is resumed
    _S.ACCEPTED: frozenset(),
    _S.SUPPRESSED: frozenset(),
}
MAY_HAVE_REACHED = (_S.CLAIMED, _S.ACCEPTED, _S.UNKNOWN)


class Utc(TypeDecorator[datetime]):
    """An aware UTC time in Python, a naive one in the database: SQLite has no zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


class Word(TypeDecorator[str]):
    """A word of a closed set, kept as plain text: drivers differ in what they make of an enum's member."""

    impl = String(20)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return str(value) if value is not None else None


metadata = MetaData()

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_id", String(32), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("segment", Text),
    Column("audience_version", Text),  # the published version the audience was read from
    Column("provider", String(40), nullable=False),
    Column("channel_id", String(100), nullable=False),
    Column("template_name", String(200), nullable=False),
    Column("language", String(20), nullable=False),
    Column("template_id", String(200)),  # the provider's own id of the template, where it has one
    Column("category", Word, nullable=False),
    Column("holdout_share", Float),  # of those who would be written to; null: planned before there was a holdout
    Column("status", Word, nullable=False),
    Column("reason", Text),  # why it is paused
    Column("created_by", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("planned_at", Utc),
    Column("tested_at", Utc),
    Column("approved_at", Utc),
    Column("approved_by", Text),
    Column("started_at", Utc),
    Column("finished_at", Utc),
    Column("template_body", Text),  # as it was when planned, what is the same for everybody filled in
    Column("starts_at", Utc),  # not before this moment; null: whenever somebody runs it
    Column("skips_cold", Boolean),  # whether who gave no sign of life for long is left out
    Column("at_best_hour", Boolean),  # whether each gets it at their own best hour
    Column("budget", Float),  # what its messages may cost in the project's currency; null: whatever they do
    Column("open_stage", Integer),  # the last stage whose sends may leave; null: all of them may
)

variants = Table(  # the texts of a campaign that has several; one that has a single text has it itself
    "variants",
    metadata,
    Column("campaign_id", String(32), ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("variant", String(40), primary_key=True),
    Column("share", Float, nullable=False),
    Column("template_name", String(200), nullable=False),
    Column("language", String(20), nullable=False),
    Column("template_id", String(200)),
    Column("template_body", Text),
)

forecasts = Table(  # what a simulation expected, of the plan that it was made for
    "forecasts",
    metadata,
    Column("campaign_id", String(32), ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("planned_at", Utc, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("content", JSON, nullable=False),
)

sends = Table(
    "sends",
    metadata,
    Column("send_id", String(32), primary_key=True),
    Column("campaign_id", String(32), ForeignKey("campaigns.campaign_id"), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("variant", String(40)),
    Column("arm", Word),  # treated held_out: by chance, at the plan; null where a rule decided, or nothing was held out
    Column("phone", String(40)),
    Column("user_id", String(200)),
    Column("parameters", JSON, nullable=False),  # pairs, rendered and in the template's order
    Column("category", Word, nullable=False),
    Column("consent", Word, nullable=False),
    Column("consent_at", Utc),
    Column("state", Word, nullable=False),
    Column("reason", Text),  # why suppressed or held
    Column("due_at", Utc, nullable=False),  # not before this moment
    Column("attempts", Integer, nullable=False),
    Column("spent_keys", Integer),  # idempotency keys under which the provider keeps a refusal; null: none
    Column("message_id", String(200)),
    Column("error_code", String(40)),
    Column("error_family", Word),
    Column("error_detail", Text),
    Column("planned_at", Utc, nullable=False),
    Column("claimed_at", Utc),
    Column("outcome_at", Utc),
    Column("text_length", Integer),  # characters of the whole text as this customer reads it
    Column("is_personalised", Boolean),  # whether their name is in it
    Column("timezone", String(60)),  # the customer's; null: the shop's
    Column("last_interaction_at", Utc),  # as known when planned
    Column("price", Float),  # of one message by the price book, in the project's currency; where there is a budget
    Column("best_hour", Integer),  # their own local hour; null: too little is known of them
    Column("stage", Integer),  # goes when this stage is open; null: at once, or never
    Column("texts", JSON(none_as_null=True)),  # each variant as they would read it, of who waits for the winner
    UniqueConstraint("campaign_id", "customer_id"),
)
Index("sends_due", sends.c.campaign_id, sends.c.state, sends.c.due_at)
for _key in (sends.c.customer_id, sends.c.phone, sends.c.user_id):
    Index(f"sends_by_{_key.name}", _key, sends.c.claimed_at)
Index("sends_by_claim", sends.c.claimed_at)
for _key in (sends.c.phone, sends.c.user_id):  # two customers may share a phone; it is written to once
    _once = sends.c.state != _S.SUPPRESSED
    Index(f"sends_once_{_key.name}", sends.c.campaign_id, _key, unique=True, sqlite_where=_once, postgresql_where=_once)

replies = Table(  # what was answered to one message or dialog, by a rule or a person; its states move as a send's do
    "replies",
    metadata,
    Column("reply_id", String(32), primary_key=True),  # of the key under which it was asked for: asked twice, one row
    Column("customer_id", String(200), nullable=False),
    Column("phone", String(40)),
    Column("user_id", String(200)),
    Column("provider", String(40), nullable=False),
    Column("channel_id", String(100), nullable=False),
    Column("written_by", Word, nullable=False),  # rule person
    Column("author", Text, nullable=False),  # the person's name, or the rule's
    Column("canned", Text),  # the canned reply it was made of, if it was
    Column("text", Text, nullable=False),
    Column("last_inbound_at", Utc),  # the customer's message that opened the window it was claimed in
    Column("state", Word, nullable=False),
    Column("reason", Text),  # why suppressed
    Column("attempts", Integer, nullable=False),
    Column("spent_keys", Integer, nullable=False),
    Column("message_id", String(200)),
    Column("error_code", String(40)),
    Column("error_family", Word),
    Column("error_detail", Text),
    Column("asked_at", Utc, nullable=False),
    Column("claimed_at", Utc),
    Column("outcome_at", Utc),
)
Index("replies_by_state", replies.c.state, replies.c.claimed_at)
for _key in (replies.c.customer_id, replies.c.phone, replies.c.user_id):
    Index(f"replies_by_{_key.name}", _key, replies.c.asked_at)

heard = Table(  # what was decided of each message a customer wrote, once, and why; tags are here
    "heard",
    metadata,
    Column("inbound_id", String(32), primary_key=True),  # of the provider and its message id: heard twice, one row
    Column("provider", String(40), nullable=False),
    Column("channel_id", String(100), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("phone", String(40)),
    Column("user_id", String(200)),
    Column("wrote_at", Utc, nullable=False),
    Column("decided_at", Utc, nullable=False),
    Column("does", Word, nullable=False),  # confirm text template promo_code tag hand_over nothing
    Column("command", Word),  # stop start help
    Column("rule", Text),
    Column("tag", Text),
    Column("reason", Text),  # why nothing is done
    Column("reply_id", String(32)),  # null: nothing is said
)
for _key in (heard.c.customer_id, heard.c.phone, heard.c.user_id):
    Index(f"heard_by_{_key.name}", _key, heard.c.decided_at)

given_codes = Table(  # promo codes that somebody was given; each is given once, whatever becomes of the reply
    "given_codes",
    metadata,
    Column("code", String(200), primary_key=True),
    Column("inbound_id", String(32), nullable=False, unique=True),
    Column("rule", Text, nullable=False),
    Column("given_at", Utc, nullable=False),
)

consent = Table(
    "consent",
    metadata,
    Column("statement_id", Integer, primary_key=True),
    Column("customer_id", String(200), index=True),
    Column("phone", String(40), index=True),
    Column("user_id", String(200), index=True),
    Column("consent", Word, nullable=False),  # opted_in opted_out
    Column("stated_at", Utc, nullable=False),
    Column("source", Text, nullable=False),
)

templates = Table(  # as the provider had them when they were last synced, or as a webhook said since
    "templates",
    metadata,
    Column("provider", String(40), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("language", String(20), primary_key=True),
    Column("category", Word, nullable=False),
    Column("status", Word, nullable=False),  # approved pending rejected paused disabled
    Column("quality", Word, nullable=False),
    Column("body", Text, nullable=False),  # empty where only a webhook named it
    Column("provider_id", String(200)),
    Column("reason", Text),  # why it was rejected or paused
    Column("told_at", Utc, nullable=False),  # the moment this is known of
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("campaign_id", String(32), index=True),
    Column("send_id", String(32)),
    Column("detail", Text),
)


def connect(url: str) -> Engine:
    """Open a ledger and create what is missing of it."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    with engine.connect().execution_options(reads_only=True) as connection:  # who only reads must not wait for a writer
        known = {name: {c["name"] for c in inspect(connection).get_columns(name)} for name in _tables(connection)}
    if set(metadata.tables) - set(known):
        metadata.create_all(engine)
    lacking = [c for name in known for c in metadata.tables[name].columns if c.name not in known[name]]
    if lacking:
        with engine.begin() as connection:
            for column in lacking:
                _add(connection, column)
            for index in (index for name in known for index in metadata.tables[name].indexes):
                index.create(connection, checkfirst=True)  # such a ledger lacks the newer ones of these too
    return engine


def _tables(connection: Connection) -> list[str]:
    return [name for name in inspect(connection).get_table_names() if name in metadata.tables]


def _add(connection: Connection, column: Column[Any]) -> None:
    """Add a column that a newer version knows to a ledger that an older one made; it is empty there."""
    kind = column.type.compile(connection.dialect)
    connection.exec_driver_sql(f"alter table {column.table.name} add column {column.name} {kind}")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin deferred, and a claim must not read before it locks
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
