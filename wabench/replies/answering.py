"""Answering by rule: messages in, the calls to make out. Each turn is one transaction of the ledger.

In it outcomes that have come are written, and for every message it is decided, once, what it is answered: its row in
`heard`, a promo code and the claim of its reply are committed together, before the call. A crash in between leaves
either nothing, and the message is read again, or a claim that becomes unknown.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from wabench import accounts
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.moves import move_replies
from wabench.campaigns.policy import after
from wabench.campaigns.schema import SendState, replies
from wabench.errors import UsageError
from wabench.providers.base import Accepted, Channel, Failed
from wabench.replies import claims, heard
from wabench.replies.actions import Shop, said
from wabench.replies.claims import Draft, Reply
from wabench.replies.decide import Answer, Confirm, Manners, Silence, decide
from wabench.replies.heard import Inbound, Writer
from wabench.replies.match import Situation, Verdict, choose
from wabench.replies.policy import Limits
from wabench.replies.rules import Does
from wabench.replies.spoken import command
from wabench.settings import Settings


@dataclass(frozen=True, slots=True)
class Job:
    """A reply that is under way: its call is ours to make now, or it waits until `due`."""

    inbound: Inbound
    draft: Draft
    reply: Reply
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job's call came to."""

    job: Job
    result: Accepted | Failed


def manners(settings: Settings) -> Manners:
    """Read how a shop answers by rule."""
    return Manners(
        timedelta(minutes=settings.reply_within_minutes),
        timedelta(hours=settings.reply_pause_hours),
        settings.reply_loop_count,
        timedelta(minutes=settings.reply_loop_minutes),
    )


def channels(settings: Settings) -> dict[str, Channel]:
    """Give the channels that are answered by rule with the setting auto_reply, by provider."""
    if settings.auto_reply == "off":
        return {}
    found = {}
    for name in settings.providers:
        with suppress(UsageError):
            found[name] = accounts.channel(settings, name)
    is_live = settings.auto_reply == "live"
    return {name: channel for name, channel in found.items() if is_live or accounts.is_rehearsal(channel.base_url)}


class Answering:
    """Takes turns with an open ledger for the providers that are answered by rule."""

    def __init__(
        self, settings: Settings, ledger: Ledger, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:  # fmt: skip
        self._settings, self._ledger, self._clock = settings, ledger, clock
        self.channels = channels(settings)
        self._manners = manners(settings)
        self._limits = {name: _limits(settings, name) for name in self.channels}
        self._shop = Shop(settings)

    def take_turn(
        self, inbounds: Sequence[Inbound] = (), outcomes: Sequence[Outcome] = (), again: Sequence[Job] = ()
    ) -> list[Job]:
        """Write outcomes, decide about messages and claim replies; gives the jobs to do now or later."""
        ours = [i for i in inbounds if i.provider in self.channels and i.identities]
        if not (ours or outcomes or again):
            return []
        writers = heard.writers(self._settings, ours) if ours else []
        verdicts = self._verdicts(ours, writers)
        now = self._clock()
        jobs: list[Job] = []
        with self._ledger.writing() as connection:
            for outcome in outcomes:
                jobs += self._record(connection, outcome, now)
            for job in again:
                jobs += self._claim(connection, job.inbound, job.draft, now)
            for inbound, writer, verdict in zip(ours, writers, verdicts, strict=True):
                jobs += self._decide(connection, inbound, writer, verdict, now)
        return jobs

    def give_up(self) -> None:
        """Suppress what a process before us put off until it is too late now; mark as unknown what it had claimed."""
        now = self._clock()
        claims.abandon(self._ledger, now)
        late = replies.c.last_inbound_at < now - self._manners.within
        ours = (replies.c.written_by == claims.RULE) & (replies.c.state == SendState.PLANNED)
        with self._ledger.writing() as connection:
            move_replies(connection, SendState.SUPPRESSED, ours & late, reason="too late")

    def _verdicts(self, inbounds: Sequence[Inbound], writers: Sequence[Writer]) -> list[Verdict]:
        matches = self._shop.matcher.found([inbound.text for inbound in inbounds])
        hours, zone = self._settings.open_hours, self._settings.zone
        found = []
        for inbound, writer, those in zip(inbounds, writers, matches, strict=True):
            situation = Situation(hours.is_open(inbound.wrote_at.astimezone(zone)), writer.is_new)
            spoken = command(inbound.text)
            found.append(Verdict(spoken) if spoken else choose(those, situation))
        return found

    def _record(self, connection: Connection, outcome: Outcome, now: datetime) -> list[Job]:
        job = outcome.job
        reply = claims.record_within(connection, job.reply, outcome.result, job.draft.author, now)
        if reply.state is not SendState.PLANNED:
            return []
        return [replace(job, reply=reply, due=after(outcome.result, job.reply.attempts, now)[1])]

    def _decide(
        self, connection: Connection, inbound: Inbound, writer: Writer, verdict: Verdict, now: datetime
    ) -> list[Job]:
        if row := heard.row_of(connection, inbound):
            return self._go_on(connection, inbound, writer, row, now)
        known = heard.known(connection, inbound, writer, self._manners, now)
        match decide(inbound.text, inbound.wrote_at, verdict, known, self._manners, now):
            case Silence(reason, spoken):
                heard.keep(connection, inbound, writer, heard.NOTHING, now, reason=reason, command=spoken)
                return []
            case Confirm(spoken):
                done, more = self._shop.confirmed(inbound, spoken), {"command": str(spoken)}
            case Answer(rule):
                code = None
                if rule.action is Does.PROMO_CODE:
                    code = self._shop.codes.give(connection, rule.rule, inbound.inbound_id, now)
                done, more = said(self._shop, rule, inbound, writer, code), {"rule": rule.rule}
        draft = _draft(inbound, writer, done.text, next(iter(more.values()))) if done.text else None
        ids = {"reply_id": draft.reply_id if draft else None, "tag": done.tag, "reason": done.reason}
        heard.keep(connection, inbound, writer, done.does, now, **more, **ids)
        if draft is None:
            return []
        draft = replace(draft, template=done.template, confirms_command="command" in more)
        return self._claim(connection, inbound, draft, now)

    def _go_on(
        self, connection: Connection, inbound: Inbound, writer: Writer, row: Row[Any], now: datetime
    ) -> list[Job]:
        """Take up a reply that was put off by a process that is gone; what was called is never called again."""
        this = select(replies).where(replies.c.reply_id == row.reply_id, replies.c.state == SendState.PLANNED)
        waiting = connection.execute(this).one_or_none() if row.reply_id else None
        if waiting is None:
            return []
        draft = _draft(inbound, writer, waiting.text, waiting.author)
        rule = self._shop.rule(row.rule)
        template = said(self._shop, rule, inbound, writer, None).template if rule else None
        draft = replace(draft, template=template, confirms_command=row.does == heard.CONFIRMS)
        return self._claim(connection, inbound, draft, now)

    def _claim(self, connection: Connection, inbound: Inbound, draft: Draft, now: datetime) -> list[Job]:
        if inbound.wrote_at + self._manners.within < now:
            waiting = replies.c.reply_id == draft.reply_id
            move_replies(connection, SendState.SUPPRESSED, waiting, reason="too late")
            return []
        reply = claims.claim_within(connection, draft, self._limits[inbound.provider], now)
        if reply.wait_until:
            return [Job(inbound, draft, reply, reply.wait_until)]
        return [Job(inbound, draft, reply)] if reply.is_ours else []


def _draft(inbound: Inbound, writer: Writer, text: str, author: str) -> Draft:
    return Draft(
        key=f"inbound\n{inbound.key}",
        customer_id=writer.customer_id,
        phone=inbound.phone,
        user_id=inbound.user_id,
        provider=inbound.provider,
        channel_id=inbound.channel_id,
        written_by=claims.RULE,
        author=author,
        text=text,
        last_inbound_at=inbound.wrote_at,
        consent=writer.consent,
    )


def _limits(settings: Settings, provider: str) -> Limits:
    can = accounts.capabilities(settings, provider)
    return Limits(timedelta(seconds=can.seconds_between_messages_to_one_customer), can.user_id_recipients)
