"""What one inbound message is answered, if anything: a pure function of what is known of it and its person.

In order: too late; too many replies already; STOP, START and HELP, confirmed once; opted out; our own text come back;
a person is answering; no rule; the rule answered lately. One message has one answer at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wabench.replies import texts
from wabench.replies.match import Verdict
from wabench.replies.rules import Rule
from wabench.replies.spoken import Command

CONFIRMED_FOR = timedelta(hours=24)
"""A command said again so soon was confirmed already, unless another came in between."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a shop answers by rule: how late at most, how long not while a person does, how often within what time."""

    within: timedelta = timedelta(minutes=5)
    pause: timedelta = timedelta(hours=24)
    loop_count: int = 5
    loop_time: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a person: when a person of ours, and rules by their names, answered them.

    `said` are our own last texts to them, `confirmed` the last command that was confirmed, `automatic` all replies by
    rule that may have reached them lately.
    """

    has_opted_out: bool = False
    person_at: datetime | None = None
    rules_at: Mapping[str, datetime] = field(default_factory=dict)
    automatic: tuple[datetime, ...] = ()
    said: frozenset[str] = frozenset()
    confirmed: tuple[Command, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Confirm:
    """Say that a command was understood."""

    command: Command


@dataclass(frozen=True, slots=True)
class Answer:
    """Do what a rule says."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Silence:
    """Do nothing, and say why."""

    reason: str
    command: Command | None = None


Decision = Confirm | Answer | Silence


def decide(
    text: str, wrote_at: datetime, verdict: Verdict, known: Known, manners: Manners, now: datetime
) -> Decision:  # fmt: skip
    """Answer for one message at `now`; a time that ends exactly now keeps nobody silent any more."""
    if wrote_at + manners.within < now:
        return Silence("too late", verdict.command)
    if sum(at + manners.loop_time > now for at in known.automatic) >= manners.loop_count:
        return Silence("too many replies already", verdict.command)
    if verdict.command:
        return _of_command(verdict.command, known, now)
    if known.has_opted_out:
        return Silence("opted out")
    if texts.plain(text) in known.said:
        return Silence("our own text")
    if known.person_at is not None and known.person_at + manners.pause > now:
        return Silence("a person is answering")
    return _of_rule(verdict, known, now)


def _of_command(command: Command, known: Known, now: datetime) -> Decision:
    last = known.confirmed
    if last is not None and last[0] is command and last[1] + CONFIRMED_FOR > now:
        return Silence("confirmed already", command)
    return Confirm(command)


def _of_rule(verdict: Verdict, known: Known, now: datetime) -> Decision:
    if verdict.chosen is None:
        return Silence("no rule")
    rule = verdict.chosen.rule
    last = known.rules_at.get(rule.rule)
    if last is not None and last + timedelta(minutes=rule.cooldown_minutes) > now:
        return Silence(f"rule {rule.rule} answered lately")
    return Answer(rule)
