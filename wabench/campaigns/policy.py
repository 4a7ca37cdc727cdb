"""Whether one send may leave now: pure functions of what is known, asked at the plan and again at the send.

The rules in their order: no way to reach, no consent, opted out, already in this campaign, promotional cap, variables
missing or empty, holdout. The holdout comes last, for it is drawn of those who would be written to. Marketing needs
consent and counts for the cap; any other template needs neither, but an opt-out is kept by all. Whether the template is
approved is asked of the whole campaign, before it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from wabench.campaigns.schema import SendState
from wabench.providers.base import Accepted, Failed
from wabench.providers.errors import ErrorFamily

MARKETING = "marketing"
HOLDOUT = "holdout"
ATTEMPTS = 10
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
class Rules:
    """What the shop and the template set for a whole campaign."""

    category: str
    consent: Literal["explicit", "implied"]
    promo_cap: timedelta
    customer_gap: timedelta
    takes_user_ids: bool = True
    """Whether the provider sends to a business-scoped id, to who hides their phone."""

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
    last_promotional_at: datetime | None = None
    last_message_at: datetime | None = None


def newest(*statements: Consent) -> Consent:
    """Choose the statement that holds: the latest, one without a time being the oldest; of equals the opt-out."""
    dated = [s for s in statements if s.stated_at is not None]
    if dated:
        return max(dated, key=lambda s: (s.stated_at, s.value == "opted_out"))
    stated = [s for s in statements if s.value != "unknown"]
    return max(stated, key=lambda s: s.value == "opted_out", default=Consent())


def decide(facts: Facts, rules: Rules, now: datetime) -> Decision:
    """Answer for one send at `now`; a cap or gap that ends exactly now holds nobody any more."""
    return (
        _about_person(facts, rules)
        or _about_timing(facts, rules, now)
        or _about_content(facts)
        or _about_chance(facts)
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


def _about_timing(facts: Facts, rules: Rules, now: datetime) -> Skip | Hold | None:
    promotional, message = facts.last_promotional_at, facts.last_message_at
    if rules.is_marketing and promotional is not None and promotional + rules.promo_cap > now:
        return Skip("promotional cap")
    if message is not None and message + rules.customer_gap > now:
        return Hold(message + rules.customer_gap, "too soon after another message")
    return None


def _about_content(facts: Facts) -> Skip | None:
    return None if all(facts.parameters.values()) else Skip("variables missing or empty")


def _about_chance(facts: Facts) -> Skip | None:
    return Skip(HOLDOUT) if facts.is_held_out else None


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
