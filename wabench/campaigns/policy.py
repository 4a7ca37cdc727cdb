"""Whether one send may leave now: pure functions of what is known, asked at the plan and again at the send.

The rules in their order: no way to reach, no consent, opted out, already in this campaign, promotional cap, contact
pressure, variables missing or empty, marketing not delivered in the country, cold, holdout; then what only holds it for
later: too soon after another message, quiet hours, the best hour. The holdout comes last of what leaves people out, for
it is drawn of those who would be written to. Marketing needs consent, counts for cap and pressure, and keeps quiet
hours; any other template does none of it, but an opt-out is kept by all. Whether the template is approved is asked of
the whole campaign, before it starts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from wabench.campaigns import clock
from wabench.campaigns.clock import Quiet
from wabench.campaigns.schema import SendState
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily

MARKETING = "marketing"
HOLDOUT = "holdout"
CAP = "promotional cap"
PRESSURE = "contact pressure"
QUIET = "quiet hours"
DAILY_LIMIT = "the provider's limit of people a day"
BEST_HOUR = "waits for their best hour"
ATTEMPTS = 10
_UTC = ZoneInfo("UTC")
_LONGEST_BACKOFF = timedelta(seconds=256)
_STOPS = (ErrorFamily.STOP_TEMPLATE, ErrorFamily.STOP_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Send:
    """It may leave."""


@dataclass(frozen=True, slots=True)
class Skip:
    """It will not leave in this campaign."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """It may not leave before `until`."""

    until: datetime
    reason: str


Decision = Send | Skip | Hold


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person last stated, and when; `unknown` when they stated nothing."""

    value: str = "unknown"
    stated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pressure:
    """How many promotional messages one person gets at most in a moving window, and what one too many is called."""

    most: int
    window: timedelta
    reason: str = PRESSURE


@dataclass(frozen=True, slots=True)
class Rules:
    """What the shop and the template set for a whole campaign."""

    category: str
    consent: Literal["explicit", "implied"]
    promo_cap: timedelta
    customer_gap: timedelta
    takes_user_ids: bool = True
    """Whether the provider sends to a business-scoped id, to who hides their phone."""
    pressure: tuple[Pressure, ...] = ()
    closed_countries: frozenset[str] = frozenset()
    """Where marketing is not delivered, ISO 3166."""
    cold_after: timedelta | None = None
    """Who gave no sign of life for longer is left out; None: nobody is for that."""
    zone: ZoneInfo = _UTC
    """The shop's, for who has none of their own."""
    quiet: Quiet | None = None
    best_hour_until: datetime | None = None
    """Until then people may wait for their best hour; None: they don't."""
    people_a_day: int | None = None
    """How many people the provider lets the account begin with in 24 hours; None: that is not known."""

    @property
    def limits(self) -> tuple[Pressure, ...]:
        """All that limits how often somebody gets promotions, the cap first; nothing does for other templates."""
        return (Pressure(1, self.promo_cap, CAP), *self.pressure) if self.is_marketing else ()

    @property
    def memory(self) -> timedelta:
        """How far back it matters what somebody got."""
        return max(self.customer_gap, *(limit.window for limit in self.limits), self.promo_cap)

    @property
    def is_marketing(self) -> bool:
        return self.category == MARKETING


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one send's person at this moment."""

    phone: str | None
    user_id: str | None
    consent: Consent
    parameters: Mapping[str, str] = field(default_factory=dict)
    is_repeat: bool = False
    is_held_out: bool = False
    promoted_at: Collection[datetime] = ()
    """When promotional messages may have reached them."""
    last_message_at: datetime | None = None
    country: str | None = None
    last_interaction_at: datetime | None = None
    zone: ZoneInfo = _UTC
    best_hour: int | None = None
    """Their own, where enough is known of them."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much may go wrong before a campaign pauses itself; shares count from so many messages on."""

    failure_share: float = 0.15
    failure_messages: int = 50
    reply_share: float = 0.05
    reply_messages: int = 100

    def failing(self, failed: int, messages: int) -> str | None:
        """Tell why too many failed, of messages whose end is known; None where they are not more than the share."""
        if messages < self.failure_messages or failed <= self.failure_share * messages:
            return None
        return f"{failed} of {messages} messages failed, more than {self.failure_share:.0%}"

    def unanswered(self, replied: int, delivered: int) -> str | None:
        """Tell why too few answered; None where they are not fewer than the share."""
        if delivered < self.reply_messages or replied >= self.reply_share * delivered:
            return None
        return f"{replied} of {delivered} replied after a day, fewer than {self.reply_share:.0%}"


def newest(*statements: Consent) -> Consent:
    """Choose the statement that holds: the latest, one without a time being the oldest; of equals the opt-out."""
    dated = [s for s in statements if s.stated_at is not None]
    if dated:
        return max(dated, key=lambda s: (s.stated_at, s.value == "opted_out"))
    stated = [s for s in statements if s.value != "unknown"]
    return max(stated, key=lambda s: s.value == "opted_out", default=Consent())


def decide(facts: Facts, rules: Rules, now: datetime) -> Decision:
    """Answer for one send at `now`; a cap, gap or quiet hours that end exactly now hold nobody any more."""
    return (
        _about_person(facts, rules)
        or _about_load(facts, rules, now)
        or _about_content(facts)
        or _about_sense(facts, rules, now)
        or _about_chance(facts)
        or _about_timing(facts, rules, now)
        or Send()
    )


def _about_person(facts: Facts, rules: Rules) -> Skip | None:
    if not facts.phone and not (facts.user_id and rules.takes_user_ids):
        return Skip("no way to reach")
    if rules.is_marketing and rules.consent == "explicit" and facts.consent.value == "unknown":
        return Skip("no consent")
    if facts.consent.value == "opted_out":
        return Skip("opted out")
    return Skip("already in this campaign") if facts.is_repeat else None


def _about_load(facts: Facts, rules: Rules, now: datetime) -> Skip | None:
    for limit in rules.limits:
        if sum(at + limit.window > now for at in facts.promoted_at) >= limit.most:
            return Skip(limit.reason)
    return None


def _about_content(facts: Facts) -> Skip | None:
    return None if all(facts.parameters.values()) else Skip("variables missing or empty")


def _about_sense(facts: Facts, rules: Rules, now: datetime) -> Skip | None:
    if rules.is_marketing and facts.country in rules.closed_countries:
        return Skip("marketing not delivered in their country")
    seen = facts.last_interaction_at
    if rules.cold_after is not None and (seen is None or seen + rules.cold_after < now):
        return Skip("cold")
    return None


def _about_chance(facts: Facts) -> Skip | None:
    return Skip(HOLDOUT) if facts.is_held_out else None


def _about_timing(facts: Facts, rules: Rules, now: datetime) -> Hold | None:
    message = facts.last_message_at
    if message is not None and message + rules.customer_gap > now:
        return Hold(message + rules.customer_gap, "too soon after another message")
    return waiting(rules, now, facts.zone, facts.best_hour)


def waiting(rules: Rules, now: datetime, zone: ZoneInfo, best_hour: int | None) -> Hold | None:
    """Tell whether somebody waits for the end of their night, or for their best hour."""
    if rules.is_marketing and rules.quiet and (until := rules.quiet.ends(now, zone)):
        return Hold(until, QUIET)
    if rules.best_hour_until is None:
        return None
    at = clock.next_of(clock.best_hours(best_hour, rules.quiet), now, zone)
    return Hold(at, BEST_HOUR) if at and at < rules.best_hour_until else None


def within_limit(people: Sequence[str], written: Collection[str], allowed: int) -> list[bool]:
    """Tell of each, in their order, whether they may be written to today; who was already takes up no place."""
    taken, may = set(written), []
    for one in people:
        may.append(one in taken or len(taken) < allowed)
        if may[-1]:
            taken.add(one)
    return may


def within_budget(prices: Sequence[float], left: float) -> int:
    """Count how many messages what is left pays for, in their order; to a millionth, which adding up may cost."""
    affordable = (total <= left + 1e-6 for total in accumulate(prices))
    return sum(takewhile(bool, affordable))


def after(result: Accepted | Failed, attempts: int, now: datetime) -> tuple[SendState, datetime]:
    """Tell which state an answer leads to and when the send is next due; `attempts` counts the one just made."""
    if isinstance(result, Accepted):
        return SendState.ACCEPTED, now
    if result.family is ErrorFamily.MAYBE_SENT:
        return SendState.UNKNOWN, now
    if result.family is ErrorFamily.RETRY and attempts < ATTEMPTS:
        wait = min(timedelta(seconds=4 ** (attempts - 1)), _LONGEST_BACKOFF)
        return SendState.PLANNED, now + max(wait, timedelta(seconds=result.retry_after or 0))
    return SendState.REJECTED, now


def stops_campaign(result: Accepted | Failed) -> bool:
    """Tell whether an answer is about the template or the account, so that nobody else would get the message either."""
    return isinstance(result, Failed) and result.family in _STOPS
