"""What customers wrote, in the ledger: decided once a message, in one transaction with the claim of its reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, or_, select

from wabench import published
from wabench.campaigns.audience import consent_of
from wabench.campaigns.policy import Consent, newest
from wabench.campaigns.schema import MAY_HAVE_REACHED, consent, heard, replies
from wabench.errors import WabenchError
from wabench.replies import claims, texts
from wabench.replies.decide import CONFIRMED_FOR, Known, Manners
from wabench.replies.rules import Does
from wabench.replies.spoken import Command
from wabench.settings import Settings

CONFIRMS, NOTHING = "confirm", "nothing"
_LOOKED_BACK = timedelta(hours=24)
"""How far back our own texts are known again when they come back."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message of a customer, as its provider told it."""

    provider: str
    channel_id: str
    message_id: str
    phone: str | None
    user_id: str | None
    name: str | None
    text: str
    wrote_at: datetime

    @property
    def key(self) -> str:
        return f"{self.provider}\n{self.message_id}"

    @property
    def inbound_id(self) -> str:
        return sha256(f"inbound\n{self.key}".encode()).hexdigest()[:16]

    @property
    def identities(self) -> tuple[str, ...]:
        """Give the person's user id and phone as the published file has them, the surer first."""
        return tuple(filter(None, (self.user_id and f"{self.provider}:{self.user_id}", self.phone)))


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote: a published customer, or somebody not known yet, who goes by their number."""

    customer_id: str
    name: str | None
    consent: Consent
    is_new: bool


def writers(settings: Settings, inbounds: Sequence[Inbound]) -> list[Writer]:
    """Find who wrote each message. While nothing is published nobody counts as new, lest all get what new ones do."""
    try:
        found, is_published = _published(settings, inbounds), True
    except WabenchError:
        found, is_published = {}, False
    return [
        next(
            (found[each] for each in inbound.identities if each in found),
            Writer(next(iter(inbound.identities)), inbound.name, Consent(), is_published),
        )
        for inbound in inbounds
    ]


def _published(settings: Settings, inbounds: Sequence[Inbound]) -> Mapping[str, Writer]:
    phones = [i.phone for i in inbounds if i.phone]
    user_ids = [f"{i.provider}:{i.user_id}" for i in inbounds if i.user_id]
    rows = published.current(settings).query(_sql(), {"phones": phones, "user_ids": user_ids}).to_pylist()
    return {
        row["identity"]: Writer(row["customer_id"], row["name"], consent_of(row), row["is_new"])
        for row in rows
    }  # fmt: skip


def row_of(connection: Connection, inbound: Inbound) -> Row[Any] | None:
    """Give what was decided of a message, or None."""
    return connection.execute(select(heard).where(heard.c.inbound_id == inbound.inbound_id)).one_or_none()


def keep(connection: Connection, inbound: Inbound, writer: Writer, does: str, now: datetime, **more: Any) -> None:
    """Write what is decided of a message."""
    names = ("inbound_id", "provider", "channel_id", "message_id", "phone", "user_id", "wrote_at")
    given = {name: getattr(inbound, name) for name in names}
    row = {**given, "customer_id": writer.customer_id, "decided_at": now, "does": does}
    connection.execute(insert(heard).values(row | more))


def known(connection: Connection, inbound: Inbound, writer: Writer, manners: Manners, now: datetime) -> Known:
    """Read what a decision asks of a person, whichever customer their phone or user id was then taken for."""
    since = now - max(manners.pause, manners.loop_time, _LOOKED_BACK)
    columns = (replies.c.written_by, replies.c.text, replies.c.claimed_at)
    reached = replies.c.state.in_(MAY_HAVE_REACHED) & (replies.c.asked_at > since)
    said = connection.execute(select(*columns).where(reached, _theirs(replies, inbound, writer))).all()
    by = (heard.c.does, heard.c.rule, heard.c.command)
    done = select(*by, func.max(heard.c.decided_at).label("at")).group_by(*by)
    rows = connection.execute(done.where(heard.c.does != NOTHING, _theirs(heard, inbound, writer))).all()
    handed = [row.at for row in rows if row.does == Does.HAND_OVER]
    confirmed = [(row.at, row.command) for row in rows if row.does == CONFIRMS and row.at > now - CONFIRMED_FOR]
    last = max(confirmed, default=None)
    told = connection.execute(select(consent.c.consent, consent.c.stated_at).where(_theirs(consent, inbound, writer)))
    stands = newest(writer.consent, *(Consent(row.consent, row.stated_at) for row in told))
    return Known(
        has_opted_out=stands.value == "opted_out",
        person_at=max((*handed, *(r.claimed_at for r in said if r.written_by == claims.PERSON)), default=None),
        rules_at={row.rule: row.at for row in rows if row.rule},
        automatic=tuple(row.claimed_at for row in said if row.written_by == claims.RULE),
        said=frozenset(texts.plain(row.text) for row in said if row.claimed_at > now - _LOOKED_BACK),
        confirmed=(Command(last[1]), last[0]) if last else None,
    )


def _theirs(table: Any, inbound: Inbound, writer: Writer) -> ColumnElement[bool]:
    keys = {"customer_id": writer.customer_id, "phone": inbound.phone, "user_id": inbound.user_id}
    return or_(*(table.c[name] == value for name, value in keys.items() if value))


@cache
def _sql() -> str:
    return (Path(__file__).parent / "known.sql").read_text(encoding="utf-8")
