"""Whether one reply may leave now: a pure function of what is known, asked at the moment of the claim.

In order: no way to reach, opted out, outside the 24 h window, nothing to say, said already, too soon after another
message. An opt-out is kept by replies as by campaigns; only that
it was understood is said. The window is closed in the very second it ends: a provider
counts in whole seconds, and refuses what comes late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wabench.campaigns.policy import Consent, Decision, Hold, Send, Skip

WINDOW = timedelta(hours=24)
"""How long after a customer's last message free text may be written; WhatsApp's own rule."""

SAME_TEXT = timedelta(minutes=10)
"""A text that went to somebody so lately is a second click, or a machine that answers a machine."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the provider sets."""

    customer_gap: timedelta
    takes_user_ids: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one reply and its person at this moment."""

    phone: str | None
    user_id: str | None
    consent: Consent
    text: str
    last_inbound_at: datetime | None
    last_message_at: datetime | None = None
    same_text_at: datetime | None = None
    confirms_command: bool = False
    """It only says that a STOP, START or HELP was understood, which is owed to who opted out, too."""


def decide(facts: Facts, limits: Limits, now: datetime) -> Decision:
    """Answer for one reply at `now`; a gap that ends exactly now holds nobody any more."""
    if not facts.phone and not (facts.user_id and limits.takes_user_ids):
        return Skip("no way to reach")
    if facts.consent.value == "opted_out" and not facts.confirms_command:
        return Skip("opted out")
    if facts.last_inbound_at is None or facts.last_inbound_at + WINDOW <= now:
        return Skip("outside the 24 h window")
    if not facts.text.strip():
        return Skip("nothing to say")
    if facts.same_text_at is not None and facts.same_text_at + SAME_TEXT > now:
        return Skip("said already")
    if facts.last_message_at is not None and facts.last_message_at + limits.customer_gap > now:
        return Hold(facts.last_message_at + limits.customer_gap, "too soon after another message")
    return Send()
