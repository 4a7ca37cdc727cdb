"""The ledger: campaigns, their sends, consent and audit, in one database that says what may be sent and what was.

Every method is one transaction. A state moves only along `schema`'s tables: an illegal move's UPDATE finds no row.
Claims and outcomes are in `claims`, what comes back by webhook in `reconcile`.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from wabench.campaigns import database, schema, stages
from wabench.campaigns.database import SQLITE
from wabench.campaigns.failures import HAS_FAILED, IS_RETRIED
from wabench.campaigns.moves import drop_rest, move_campaign, move_sends, note
from wabench.campaigns.policy import MARKETING
from wabench.campaigns.schema import CampaignState, SendState, audit, campaigns, consent, sends, variants
from wabench.campaigns.variants import Variant
from wabench.errors import Busy, Refused, UsageError
from wabench.settings import Settings


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign as the ledger has it."""

    campaign_id: str
    name: str
    segment: str | None
    audience_version: str | None
    provider: str
    channel_id: str
    template_name: str
    language: str
    category: str
    status: CampaignState
    created_by: str
    created_at: datetime
    template_id: str | None = None
    holdout_share: float | None = None
    reason: str | None = None
    planned_at: datetime | None = None
    tested_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    template_body: str | None = None
    starts_at: datetime | None = None
    skips_cold: bool | None = None
    at_best_hour: bool | None = None
    budget: float | None = None
    open_stage: int | None = None
    retry_of: str | None = None
    variants: tuple[Variant, ...] = ()

    @property
    def texts(self) -> tuple[Variant, ...]:
        """What is sent: its variants, or its single text."""
        only = (self.template_name, self.language, self.template_id, self.template_body)
        return self.variants or (Variant("", 1, *only),)

    def text(self, variant: str | None) -> Variant:
        """Give the text of a send by the variant it was given."""
        return next(text for text in self.texts if text.variant == (variant or ""))


@dataclass(frozen=True, slots=True)
class Tally:
    """How many sends of a campaign are in one state, for one reason or error."""

    state: SendState
    reason: str | None
    error_code: str | None
    sends: int


class Ledger:
    """A ledger that is open; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads_only=True)

    def writing(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that has the write lock from its first statement on."""
        return self._engine.begin()

    def reading(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that only reads and waits for nobody."""
        return self._reader.begin()

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock by name among all machines that share the ledger; raises Busy while another process has it.

        A SQLite ledger is on one machine, whose lock files do.
        """
        if self._engine.dialect.name == SQLITE:
            yield
            return
        with self._reader.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(select(func.pg_try_advisory_lock(func.hashtext(name)))):
                raise Busy(f"another machine is at work on {name}; wait for it to end or stop it")
            try:
                yield
            finally:
                with suppress(SQLAlchemyError):  # a connection that is gone holds no lock
                    connection.execute(select(func.pg_advisory_unlock(func.hashtext(name))))

    def is_locked(self, name: str) -> bool:
        """Tell whether a machine that shares the ledger has a lock; on SQLite only its lock file can tell."""
        if self._engine.dialect.name == SQLITE:
            return False
        with self.reading() as connection:
            return bool(connection.scalar(text(_sql()), {"name": name}))

    def campaign(self, name: str) -> Campaign:
        """Find a campaign; raises UsageError with the nearest name."""
        with self.reading() as connection:
            if row := connection.execute(select(campaigns).where(campaigns.c.name == name)).one_or_none():
                return _campaign(connection, row._asdict())
            known: list[str] = list(connection.scalars(select(campaigns.c.name)))
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else "`wabench campaign list` names those there are"
        raise UsageError(f"there is no campaign {name!r}; {hint}")

    def id_of(self, name: str) -> str | None:
        """Give the id of the campaign of a name, or None where there is none yet."""
        with self.reading() as connection:
            found: str | None = connection.scalar(select(campaigns.c.campaign_id).where(campaigns.c.name == name))
            return found

    def campaigns(self) -> list[Campaign]:
        """List all campaigns, newest first."""
        with self.reading() as connection:
            rows = connection.execute(select(campaigns).order_by(campaigns.c.created_at.desc()))
            return [_campaign(connection, row._asdict()) for row in rows]

    def claiming(self) -> list[Campaign]:
        """List the campaigns that have claims without an outcome."""
        claimed = select(sends.c.campaign_id).where(sends.c.state == SendState.CLAIMED)
        with self.reading() as connection:
            rows = connection.execute(select(campaigns).where(campaigns.c.campaign_id.in_(claimed)))
            return [_campaign(connection, row._asdict()) for row in rows]

    def plan(
        self, campaign: Campaign, planned: Sequence[Mapping[str, Any]], in_stages: Sequence[stages.Stage] = ()
    ) -> Campaign:
        """Store a campaign and all its sends at once; a plan of that name not yet approved is replaced.

        Raises Refused when the name belongs to a campaign that was approved.
        """
        with self.writing() as connection:
            known = connection.execute(select(campaigns).where(campaigns.c.name == campaign.name)).one_or_none()
            campaign_id = known.campaign_id if known else campaign.campaign_id
            values = asdict(campaign)
            texts = values.pop("variants")
            if not known:
                connection.execute(insert(campaigns).values(values | {"status": CampaignState.DRAFT}))
            values = {k: v for k, v in values.items() if k not in ("campaign_id", "name", "status")}
            self._move(connection, campaign_id, CampaignState.PLANNED, values)
            connection.execute(sends.delete().where(sends.c.campaign_id == campaign_id))
            ids = {"campaign_id": campaign_id}
            connection.execute(delete(variants).where(variants.c.campaign_id == campaign_id))
            if texts:
                connection.execute(insert(variants), [text | ids for text in texts])
            stages.store(connection, campaign_id, in_stages)
            rows = [{**row, **ids, "send_id": send_id(campaign_id, row["customer_id"])} for row in planned]
            if rows:
                connection.execute(insert(sends), rows)
            at = campaign.planned_at or campaign.created_at
            note(connection, at, campaign.created_by, "plan", campaign_id, detail=f"{len(rows)} customers")
        return self.campaign(campaign.name)

    def move(
        self, campaign_id: str, to: CampaignState, actor: str, now: datetime, reason: str | None = None,
        as_planned: datetime | None = None, **values: Any,
    ) -> None:  # fmt: skip
        """Move a campaign to another state; raises Refused where there is no such move from where it stands.

        `as_planned` is the `planned_at` of the plan that is meant: another one is refused too.
        """
        with self.writing() as connection:
            if as_planned:
                self._expect(connection, campaign_id, as_planned)
            self._move(connection, campaign_id, to, {"reason": reason, **values})
            if to is CampaignState.CANCELLED:
                drop_rest(connection, campaign_id)
            note(connection, now, actor, str(to), campaign_id, detail=reason)

    def _move(self, connection: Connection, campaign_id: str, to: CampaignState, values: Mapping[str, Any]) -> None:
        if not move_campaign(connection, campaign_id, to, **values):
            row = connection.execute(select(campaigns).where(campaigns.c.campaign_id == campaign_id)).one()
            raise Refused(f"campaign {row.name!r} is {row.status}, which can't become {to}")

    def _expect(self, connection: Connection, campaign_id: str, planned_at: datetime) -> None:
        this = select(campaigns).where(campaigns.c.campaign_id == campaign_id).with_for_update()
        campaign = connection.execute(this).one()
        if campaign.planned_at != planned_at:
            raise Refused(
                f"campaign {campaign.name!r} was planned again meanwhile; test it, then let somebody approve it"
            )

    def set_budget(self, campaign: Campaign, budget: float, actor: str, now: datetime) -> None:
        """Let a campaign cost another amount in all; raises Refused for one whose sends have no prices."""
        if campaign.budget is None:
            raise Refused(f"campaign {campaign.name!r} was planned without a budget, so its sends have no prices")
        with self.writing() as connection:
            this = update(campaigns).where(campaigns.c.campaign_id == campaign.campaign_id)
            connection.execute(this.values(budget=budget))
            note(connection, now, actor, "budget", campaign.campaign_id, detail=f"{budget:,.2f}")

    def tally(self, campaign_id: str) -> list[Tally]:
        """Count a campaign's sends by state, reason and error."""
        by = (sends.c.state, sends.c.reason, sends.c.error_code)
        statement = select(*by, func.count()).where(sends.c.campaign_id == campaign_id).group_by(*by).order_by(*by)
        with self.reading() as connection:
            return [Tally(SendState(row[0]), *row[1:]) for row in connection.execute(statement)]

    def unsettled(self, campaign_id: str, before: datetime) -> list[dict[str, Any]]:
        """List the sends that were claimed before a moment and are still unknown."""
        chosen = (sends.c.send_id, sends.c.customer_id, sends.c.claimed_at, sends.c.error_code)
        with self.reading() as connection:
            rows = connection.execute(select(*chosen).where(_unknown(campaign_id, before)).order_by(*chosen[2:3]))
            return [dict(row._asdict()) for row in rows]

    def retry_unknown(self, campaign_id: str, before: datetime, actor: str, now: datetime) -> int:
        """Plan again, by a person's decision, what was claimed before a moment and is still unknown."""
        with self.writing() as connection:
            where = _unknown(campaign_id, before)
            retried: list[str] = list(connection.scalars(select(sends.c.send_id).where(where)))
            count = move_sends(connection, SendState.PLANNED, where, due_at=now, reason=None)
            for send_id in retried:
                note(connection, now, actor, "retry unknown", campaign_id, send_id)
        return count

    def retry_stopped(self, campaign_id: str, actor: str, now: datetime) -> int:
        """Plan again what was turned away only because the template or the account was stopped."""
        stopped = sends.c.error_family.in_(("stop_template", "stop_account"))
        where = (sends.c.campaign_id == campaign_id) & (sends.c.state == SendState.REJECTED) & stopped & ~IS_RETRIED
        with self.writing() as connection:
            count = move_sends(connection, SendState.PLANNED, where, due_at=now, reason=None)
            note(connection, now, actor, "retry stopped", campaign_id, detail=f"{count} sends")
        return count

    def state_consent(
        self, value: str, stated_at: datetime, source: str, *, phone: str | None = None, user_id: str | None = None,
        customer_id: str | None = None
    ) -> None:  # fmt: skip
        """Record what a person stated; it holds for every campaign from the next claim on."""
        keys = {"phone": phone, "user_id": user_id, "customer_id": customer_id}
        self.state_consents([{**keys, "consent": value, "stated_at": stated_at, "source": source}])

    def state_consents(self, statements: Sequence[Mapping[str, Any]]) -> None:
        """Record several statements, each a row of the table `consent`."""
        if not statements:
            return
        lines = [{"at": s["stated_at"], "actor": s["source"], "action": s["consent"]} for s in statements]
        with self.writing() as connection:
            connection.execute(insert(consent), list(statements))
            connection.execute(insert(audit), lines)

    def hear_consents(self, statements: Sequence[Mapping[str, Any]]) -> None:
        """Record those of several statements whose source is not recorded yet."""
        if not statements:
            return
        with self.writing() as connection:
            sources = [statement["source"] for statement in statements]
            known: set[str] = set(connection.scalars(select(consent.c.source).where(consent.c.source.in_(sources))))
            new = list({s["source"]: s for s in statements if s["source"] not in known}.values())
            if new:
                lines = [{"at": s["stated_at"], "actor": s["source"], "action": s["consent"]} for s in new]
                connection.execute(insert(consent), new)
                connection.execute(insert(audit), lines)

    def consent_sources(self, prefix: str) -> list[str]:
        """List the sources of recorded statements that begin with a prefix."""
        with self.reading() as connection:
            return list(connection.scalars(select(consent.c.source).where(consent.c.source.startswith(prefix))))

    def messages(self, campaign_id: str) -> Iterator[Mapping[str, Any]]:
        """Read the sends of a campaign that are to be sent, in the order of their ids."""
        open_states = (SendState.PLANNED, SendState.HELD)
        where = (sends.c.campaign_id == campaign_id) & sends.c.state.in_(open_states)
        with self.reading() as connection:
            for row in connection.execution_options(yield_per=1000).execute(select(sends).where(where)):
                yield row._asdict()

    def audit_lines(self, campaign_id: str) -> list[dict[str, Any]]:
        """Read what was done to a campaign and its sends, oldest first."""
        with self.reading() as connection:
            lines = select(audit).where(audit.c.campaign_id == campaign_id).order_by(audit.c.audit_id)
            return [dict(row._asdict()) for row in connection.execute(lines)]

    def record(self, actor: str, action: str, now: datetime, *, detail: str | None = None) -> None:
        """Write into the audit what somebody did that is no move of a campaign."""
        with self.writing() as connection:
            note(connection, now, actor, action, detail=detail)

    def recently_promoted(self, since: datetime, most: int = 1) -> frozenset[str]:
        """Give the customer ids, phones and user ids that so many promotions may have reached after a moment."""
        reached = sends.c.state.in_(schema.MAY_HAVE_REACHED) & (sends.c.category == MARKETING) & ~HAS_FAILED
        found: set[str] = set()
        with self.reading() as connection:
            for key in (sends.c.customer_id, sends.c.phone, sends.c.user_id):
                often = select(key).where(reached, sends.c.claimed_at > since, key.is_not(None))
                found.update(connection.scalars(often.group_by(key).having(func.count() >= most)))
        return frozenset(found)


def send_id(campaign_id: str, customer_id: str) -> str:
    """Name the send of one campaign to one customer; it travels as callback data and comes back in every status."""
    return sha256(f"{campaign_id}\n{customer_id}".encode()).hexdigest()[:16]


@contextmanager
def opened(settings: Settings) -> Iterator[Ledger]:
    """Open the shop's ledger for a `with` block; it is created when there is none."""
    if not settings.ledger_url:
        settings.paths.ledger.parent.mkdir(parents=True, exist_ok=True)
    engine = database.connect(settings.ledger_url or f"sqlite:///{settings.paths.ledger}")
    try:
        yield Ledger(engine)
    finally:
        engine.dispose()


def exists(settings: Settings) -> bool:
    """Tell whether anything was ever planned or stated here."""
    return bool(settings.ledger_url) or settings.paths.ledger.exists()


def _campaign(connection: Connection, row: Mapping[str, Any]) -> Campaign:
    of_campaign = select(variants).where(variants.c.campaign_id == row["campaign_id"]).order_by(variants.c.variant)
    texts = [text._asdict() for text in connection.execute(of_campaign)]
    values = {field.name: row[field.name] for field in fields(Campaign) if field.name != "variants"}
    found = tuple(Variant(**{k: v for k, v in text.items() if k != "campaign_id"}) for text in texts)
    return Campaign(**values | {"status": CampaignState(row["status"]), "variants": found})


@cache
def _sql() -> str:
    return (Path(__file__).parent / "lock_held.sql").read_text(encoding="utf-8")


def _unknown(campaign_id: str, before: datetime) -> ColumnElement[bool]:
    is_unknown = sends.c.state == SendState.UNKNOWN
    return (sends.c.campaign_id == campaign_id) & is_unknown & (sends.c.claimed_at <= before)
