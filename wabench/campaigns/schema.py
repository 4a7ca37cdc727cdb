"""The ledger's tables and the moves its states may make; the same Core definitions serve SQLite and PostgreSQL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
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

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return str(value) if value is not None else None


class Written(TypeDecorator[str]):
    """Text as somebody wrote it, however long, without what a database refuses: NUL and half a pair of UTF-16."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.replace("\0", "").encode(errors="replace").decode() if value else value


metadata = MetaData()

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_id", String(32), primary_key=True),
    Column("name", Written, nullable=False, unique=True),
    Column("segment", Written),
    Column("audience_version", Written),  # the published version the audience was read from
    Column("provider", Written, nullable=False),
    Column("channel_id", Written, nullable=False),
    Column("template_name", Written, nullable=False),
    Column("language", Written, nullable=False),
    Column("template_id", Written),  # the provider's own id of the template, where it has one
    Column("category", Word, nullable=False),
    Column("holdout_share", Float),  # of those who would be written to; null: planned before there was a holdout
    Column("status", Word, nullable=False),
    Column("reason", Written),  # why it is paused
    Column("created_by", Written, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("planned_at", Utc),
    Column("tested_at", Utc),
    Column("approved_at", Utc),
    Column("approved_by", Written),
    Column("started_at", Utc),
    Column("finished_at", Utc),
    Column("template_body", Written),  # as it was when planned, what is the same for everybody filled in
    Column("starts_at", Utc),  # not before this moment; null: whenever somebody runs it
    Column("skips_cold", Boolean),  # whether who gave no sign of life for long is left out
    Column("at_best_hour", Boolean),  # whether each gets it at their own best hour
    Column("budget", Float),  # what its messages may cost in the project's currency; null: whatever they do
    Column("open_stage", Integer),  # the last stage whose sends may leave; null: all of them may
    Column("retry_of", String(32)),  # the campaign whose failed sends it tries again, the first of a row of retries
)

variants = Table(  # the texts of a campaign that has several; one that has a single text has it itself
    "variants",
    metadata,
    Column("campaign_id", String(32), ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("variant", Written, primary_key=True),
    Column("share", Float, nullable=False),
    Column("template_name", Written, nullable=False),
    Column("language", Written, nullable=False),
    Column("template_id", Written),
    Column("template_body", Written),
)

forecasts = Table(  # what a simulation expected, of the plan that it was made for
    "forecasts",
    metadata,
    Column("campaign_id", String(32), ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("planned_at", Utc, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("made_by", Written, nullable=False),
    Column("content", JSON, nullable=False),
)

sends = Table(
    "sends",
    metadata,
    Column("send_id", String(32), primary_key=True),
    Column("campaign_id", String(32), ForeignKey("campaigns.campaign_id"), nullable=False),
    Column("customer_id", Written, nullable=False),
    Column("variant", Written),
    Column("arm", Word),  # treated held_out: by chance, at the plan; null where a rule decided, or nothing was held out
    Column("phone", Written),
    Column("user_id", Written),
    Column("parameters", JSON, nullable=False),  # pairs, rendered and in the template's order
    Column("category", Word, nullable=False),
    Column("consent", Word, nullable=False),
    Column("consent_at", Utc),
    Column("state", Word, nullable=False),
    Column("reason", Written),  # why suppressed or held
    Column("due_at", Utc, nullable=False),  # not before this moment
    Column("attempts", Integer, nullable=False),
    Column("spent_keys", Integer),  # idempotency keys under which the provider keeps a refusal; null: none
    Column("message_id", Written),
    Column("error_code", Written),
    Column("error_family", Word),
    Column("error_detail", Written),
    Column("planned_at", Utc, nullable=False),
    Column("claimed_at", Utc),
    Column("outcome_at", Utc),
    Column("text_length", Integer),  # characters of the whole text as this customer reads it
    Column("is_personalised", Boolean),  # whether their name is in it
    Column("timezone", Written),  # the customer's; null: the shop's
    Column("last_interaction_at", Utc),  # as known when planned
    Column("price", Float),  # of one message by the price book, in the project's currency; where there is a budget
    Column("best_hour", Integer),  # their own local hour; null: too little is known of them
    Column("stage", Integer),  # goes when this stage is open; null: at once, or never
    Column("texts", JSON(none_as_null=True)),  # each variant as they would read it, of who waits for the winner
    Column("failed_at", Utc),  # when a status last said that it failed; one that was refused at once has none
    Column("failed_code", Written),
    Column("failed_family", Word),
    Column("reached_at", Utc),  # when one that failed was delivered all the same, as another status says
    Column("retries_send_id", String(32)),  # the failed send that this one tries again
    Column("retry_number", Integer),  # 1 for the first time; null: it is no retry
    UniqueConstraint("campaign_id", "customer_id"),
)
Index("sends_due", sends.c.campaign_id, sends.c.state, sends.c.due_at)
for _key in (sends.c.customer_id, sends.c.phone, sends.c.user_id):
    Index(f"sends_by_{_key.name}", _key, sends.c.claimed_at)
Index("sends_by_claim", sends.c.claimed_at)
_once = sends.c.state != _S.SUPPRESSED
Index(  # what failed is tried again by one campaign; who was left out of that may be in another
    "sends_once_retried", sends.c.retries_send_id, unique=True, sqlite_where=_once, postgresql_where=_once
)
for _key in (sends.c.phone, sends.c.user_id):  # two customers may share a phone; it is written to once
    Index(f"sends_once_{_key.name}", sends.c.campaign_id, _key, unique=True, sqlite_where=_once, postgresql_where=_once)

replies = Table(  # what was answered to one message or dialog, by a rule or a person; its states move as a send's do
    "replies",
    metadata,
    Column("reply_id", String(32), primary_key=True),  # of the key under which it was asked for: asked twice, one row
    Column("customer_id", Written, nullable=False),
    Column("phone", Written),
    Column("user_id", Written),
    Column("provider", Written, nullable=False),
    Column("channel_id", Written, nullable=False),
    Column("written_by", Word, nullable=False),  # rule person
    Column("author", Written, nullable=False),  # the person's name, or the rule's
    Column("canned", Written),  # the canned reply it was made of, if it was
    Column("text", Written, nullable=False),
    Column("last_inbound_at", Utc),  # the customer's message that opened the window it was claimed in
    Column("state", Word, nullable=False),
    Column("reason", Written),  # why suppressed
    Column("attempts", Integer, nullable=False),
    Column("spent_keys", Integer, nullable=False),
    Column("message_id", Written),
    Column("error_code", Written),
    Column("error_family", Word),
    Column("error_detail", Written),
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
    Column("provider", Written, nullable=False),
    Column("channel_id", Written, nullable=False),
    Column("message_id", Written, nullable=False),
    Column("customer_id", Written, nullable=False),
    Column("phone", Written),
    Column("user_id", Written),
    Column("wrote_at", Utc, nullable=False),
    Column("decided_at", Utc, nullable=False),
    Column("does", Word, nullable=False),  # confirm text template promo_code tag hand_over nothing
    Column("command", Word),  # stop start help
    Column("rule", Written),
    Column("tag", Written),
    Column("reason", Written),  # why nothing is done
    Column("reply_id", String(32)),  # null: nothing is said
)
for _key in (heard.c.customer_id, heard.c.phone, heard.c.user_id):
    Index(f"heard_by_{_key.name}", _key, heard.c.decided_at)

given_codes = Table(  # promo codes that somebody was given; each is given once, whatever becomes of the reply
    "given_codes",
    metadata,
    Column("code", Written, primary_key=True),
    Column("inbound_id", String(32), nullable=False, unique=True),
    Column("rule", Written, nullable=False),
    Column("given_at", Utc, nullable=False),
)

consent = Table(
    "consent",
    metadata,
    Column("statement_id", Integer, primary_key=True),
    Column("customer_id", Written, index=True),
    Column("phone", Written, index=True),
    Column("user_id", Written, index=True),
    Column("consent", Word, nullable=False),  # opted_in opted_out
    Column("stated_at", Utc, nullable=False),
    Column("source", Written, nullable=False),
)

templates = Table(  # as the provider had them when they were last synced, or as a webhook said since
    "templates",
    metadata,
    Column("provider", Written, primary_key=True),
    Column("name", Written, primary_key=True),
    Column("language", Written, primary_key=True),
    Column("category", Word, nullable=False),
    Column("status", Word, nullable=False),  # approved pending rejected paused disabled
    Column("quality", Word, nullable=False),
    Column("body", Written, nullable=False),  # empty where only a webhook named it
    Column("provider_id", Written),
    Column("reason", Written),  # why it was rejected or paused
    Column("told_at", Utc, nullable=False),  # the moment this is known of
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("actor", Written, nullable=False),
    Column("action", Written, nullable=False),
    Column("campaign_id", String(32), index=True),
    Column("send_id", String(32)),
    Column("detail", Written),
)
