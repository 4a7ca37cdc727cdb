"""Replies in the ledger: claimed before their call, their outcome after it, each key once whatever is clicked twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select, update

from wabench import masks
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.moves import move_replies, note
from wabench.campaigns.policy import Consent, Hold, Skip, after, newest
from wabench.campaigns.schema import MAY_HAVE_REACHED, SendState, consent, replies, sends
from wabench.providers.base import Accepted, Failed, Message, Template, Text
from wabench.providers.errors import STOPPED_CODES
from wabench.replies.policy import Facts, Limits, decide

CALLBACK_PREFIX = "wr:"
"""Sends have another: what came back tells whose it is."""
PERSON, RULE = "person", "rule"
DEAD_AFTER = timedelta(minutes=5)
"""A claim of a call that can't run so long any more is a dead process's, and unknown."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What shall be said to whom. `key` names this one wish to say it: whatever asks again with it gets the same row.

    `last_inbound_at` is the customer's message that opened the window; `consent` what the published file knows.
    `text` is what the customer reads, also of a `template`.
    """

    key: str
    customer_id: str
    phone: str | None
    user_id: str | None
    provider: str
    channel_id: str
    written_by: str
    author: str
    text: str
    last_inbound_at: datetime | None
    consent: Consent = field(default_factory=Consent)
    canned: str | None = None
    template: Template | None = None
    confirms_command: bool = False

    @property
    def reply_id(self) -> str:
        return sha256(f"reply\n{self.key}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Reply:
    """Where one reply stands. `is_ours`: its call is the caller's to make now; `wait_until`: nobody's before then."""

    reply_id: str
    customer_id: str
    state: SendState
    reason: str | None = None
    error_code: str | None = None
    error_detail: str | None = None
    attempts: int = 0
    spent_keys: int = 0
    is_ours: bool = False
    wait_until: datetime | None = None


def message(draft: Draft, reply: Reply) -> Message:
    """Build the message of a claimed reply."""
    callback_data = CALLBACK_PREFIX + reply.reply_id
    return Message(draft.phone, draft.user_id, draft.template or Text(draft.text), callback_data, reply.spent_keys)


def claim(ledger: Ledger, draft: Draft, limits: Limits, now: datetime) -> Reply:
    """Claim a reply, or tell why it is nobody's to send: it was already, a rule forbids it, or it has to wait."""
    with ledger.writing() as connection:
        return claim_within(connection, draft, limits, now)


def claim_within(connection: Connection, draft: Draft, limits: Limits, now: datetime) -> Reply:
    """Claim a reply in a transaction of the caller's."""
    known = connection.execute(select(replies).where(replies.c.reply_id == draft.reply_id)).one_or_none()
    if known is not None and known.state != SendState.PLANNED:
        return _reply(known)
    if known is None:
        connection.execute(insert(replies).values(_row(draft, now)))
    return _decided(connection, draft, limits, now)


def _decided(connection: Connection, draft: Draft, limits: Limits, now: datetime) -> Reply:
    this = replies.c.reply_id == draft.reply_id
    decision = decide(_facts(connection, draft, now), limits, now)
    match decision:
        case Skip(reason):
            move_replies(connection, SendState.SUPPRESSED, this, reason=reason)
            note(connection, now, draft.author, "reply suppressed", send_id=draft.reply_id, detail=reason)
        case Hold(until, reason):
            stands = _reply(connection.execute(select(replies).where(this)).one())
            return replace(stands, reason=reason, wait_until=until)
        case _:
            attempts = replies.c.attempts + 1
            move_replies(connection, SendState.CLAIMED, this, claimed_at=now, attempts=attempts, reason=None)
            note(connection, now, draft.author, "reply claimed", send_id=draft.reply_id, detail=draft.customer_id)
    stands = _reply(connection.execute(select(replies).where(this)).one())
    return replace(stands, is_ours=stands.state is SendState.CLAIMED)


def record(ledger: Ledger, reply: Reply, result: Accepted | Failed, author: str, now: datetime) -> Reply:
    """Write what a claim's call came to; one that was taken for a dead process's still tells by a definite answer."""
    with ledger.writing() as connection:
        return record_within(connection, reply, result, author, now)


def record_within(
    connection: Connection, reply: Reply, result: Accepted | Failed, author: str, now: datetime
) -> Reply:  # fmt: skip
    """Write what a claim's call came to in a transaction of the caller's."""
    state, _ = after(result, reply.attempts, now)
    failed = result if isinstance(result, Failed) else None
    is_definite = state in (SendState.ACCEPTED, SendState.REJECTED)
    ours = (SendState.CLAIMED, SendState.UNKNOWN) if is_definite else (SendState.CLAIMED,)
    this = replies.c.reply_id == reply.reply_id
    values = {
        "state": state,
        "spent_keys": reply.spent_keys + (failed is not None and failed.spends_key),
        "message_id": result.message_id if isinstance(result, Accepted) else None,
        "error_code": failed.code if failed else None,
        "error_family": failed.family if failed else None,
        "error_detail": failed.detail[:500] if failed else None,
        "outcome_at": now,
    }
    connection.execute(update(replies).where(this, replies.c.state.in_(ours)).values(values))
    action, detail = ("reply failed", f"{failed.family} {failed.code}") if failed else ("reply accepted", None)
    note(connection, now, author, action, send_id=reply.reply_id, detail=detail)
    if failed and failed.code in STOPPED_CODES:
        _state_opt_out(connection, reply.reply_id, failed.code, now)
    return _reply(connection.execute(select(replies).where(this)).one())


def give_back(ledger: Ledger, reply: Reply, now: datetime) -> None:
    """Take a claim back whose call was never made."""
    this = (replies.c.reply_id == reply.reply_id) & (replies.c.state == SendState.CLAIMED)
    with ledger.writing() as connection:
        move_replies(connection, SendState.PLANNED, this, attempts=replies.c.attempts - 1)


def abandon(ledger: Ledger, now: datetime) -> int:
    """Mark as unknown the claims whose process must be dead; gives how many. They are never simply sent again."""
    dead = replies.c.claimed_at <= now - DEAD_AFTER
    with ledger.reading() as connection:
        if not connection.scalar(select(func.count()).where(replies.c.state == SendState.CLAIMED, dead)):
            return 0
    with ledger.writing() as connection:
        claimed = (replies.c.state == SendState.CLAIMED) & dead
        why = {"outcome_at": now, "error_detail": "the sender was killed"}
        count = move_replies(connection, SendState.UNKNOWN, claimed, **why)
        if count:
            note(connection, now, "replies", "abandon", detail=f"{count} replies of a dead process")
    return count


def said(ledger: Ledger, customers: Sequence[str], since: datetime, is_masked: bool = False) -> list[dict[str, Any]]:
    """List what customers were answered from here since a moment, oldest first, without whom it went to.

    `is_masked` hides phones and e-mails in the texts.
    """
    shown = ("reply_id", "customer_id", "written_by", "author", "canned", "text", "state", "reason", "error_code",
             "error_detail", "asked_at", "outcome_at")  # fmt: skip
    chosen = select(*(replies.c[name] for name in shown))
    where = replies.c.customer_id.in_(customers) & (replies.c.asked_at >= since)
    with ledger.reading() as connection:
        rows = connection.execute(chosen.where(where).order_by(replies.c.asked_at))
        found = [dict(row._asdict()) for row in rows]
    return [row | {"text": masks.without_identities(row["text"])} for row in found] if is_masked else found


def _row(draft: Draft, now: datetime) -> dict[str, Any]:
    names = ("reply_id", "customer_id", "phone", "user_id", "provider", "channel_id", "written_by", "author", "canned",
             "text", "last_inbound_at")  # fmt: skip
    given = {name: getattr(draft, name) for name in names}
    return {**given, "state": SendState.PLANNED, "attempts": 0, "spent_keys": 0, "asked_at": now}


def _reply(row: Row[Any]) -> Reply:
    names = ("reply_id", "customer_id", "reason", "error_code", "error_detail", "attempts", "spent_keys")
    return Reply(**{name: getattr(row, name) for name in names}, state=SendState(row.state))


def _facts(connection: Connection, draft: Draft, now: datetime) -> Facts:
    return Facts(
        phone=draft.phone,
        user_id=draft.user_id,
        consent=newest(draft.consent, *_stated(connection, draft)),
        text=draft.text,
        last_inbound_at=draft.last_inbound_at,
        last_message_at=max(
            filter(None, (_last(connection, table, draft) for table in (sends, replies))), default=None
        ),
        same_text_at=_last(connection, replies, draft, replies.c.text == draft.text),
        confirms_command=draft.confirms_command,
    )


def _stated(connection: Connection, draft: Draft) -> list[Consent]:
    found = connection.execute(select(consent.c.consent, consent.c.stated_at).where(_theirs(consent, draft)))
    return [Consent(row.consent, row.stated_at) for row in found]


def _last(connection: Connection, table: Any, draft: Draft, *more: ColumnElement[bool]) -> datetime | None:
    reached = table.c.state.in_(MAY_HAVE_REACHED)
    latest = select(func.max(table.c.claimed_at)).where(reached, _theirs(table, draft), *more)
    found: datetime | None = connection.scalar(latest)
    return found


def _theirs(table: Any, draft: Draft) -> ColumnElement[bool]:
    """Choose the rows of the same person, whichever customer a phone or user id was then taken for."""
    keys = {"customer_id": draft.customer_id, "phone": draft.phone, "user_id": draft.user_id}
    return or_(*(table.c[name] == value for name, value in keys.items() if value))


def _state_opt_out(connection: Connection, reply_id: str, code: str, now: datetime) -> None:
    """Keep it as an opt-out when a refusal says that the person stopped us."""
    who = select(replies.c.customer_id, replies.c.phone, replies.c.user_id).where(replies.c.reply_id == reply_id)
    source = f"refusal {reply_id}:{code}"
    stated = {"consent": "opted_out", "stated_at": now, "source": source}
    connection.execute(insert(consent).values(connection.execute(who).one()._asdict() | stated))
    note(connection, now, source, "opted_out", send_id=reply_id)
