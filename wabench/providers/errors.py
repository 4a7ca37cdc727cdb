"""Error families: what to do about a provider's refusal. Each provider maps its codes to these in a table.

ErrorFamily
├── retry            refused before it was processed: safe to send again, later
├── maybe_sent       the answer does not say; the send becomes `unknown` and is never simply sent again
├── never            this send will not succeed: the person, the window or the content forbids it
├── stop_template    the template is paused, disabled, missing or mis-parametrised
└── stop_account     token, permission, payment or ban: nothing will go through
"""

from enum import StrEnum


class ErrorFamily(StrEnum):
    """What may be done after an error; a code in no table is MAYBE_SENT."""

    RETRY = "retry"
    MAYBE_SENT = "maybe_sent"
    NEVER = "never"
    STOP_TEMPLATE = "stop_template"
    STOP_ACCOUNT = "stop_account"


STOPPED_CODES = frozenset({"131050", "21610", "recipient_suppressed"})
"""Errors that say the person stopped the shop's promotions: Meta's (also as others hand it on), Twilio's, Bird's."""

BLOCKED_CODES = frozenset({"63014"})
"""Errors that say the person blocked the shop's number: Twilio's; the others don't tell."""


class Unparsable(Exception):
    """The body is not what the provider sends at all (not JSON, not an object)."""
