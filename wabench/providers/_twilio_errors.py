"""Twilio's error codes, of answers and of failed messages, and what may be done after each."""

from collections.abc import Mapping

import httpx

from wabench.providers.base import Failed
from wabench.providers.errors import ErrorFamily

_RETRY, _MAYBE, _NEVER = ErrorFamily.RETRY, ErrorFamily.MAYBE_SENT, ErrorFamily.NEVER
_TEMPLATE, _ACCOUNT = ErrorFamily.STOP_TEMPLATE, ErrorFamily.STOP_ACCOUNT

# A code that is about one person's values (21656) is `never`: as `stop_template` one empty name would stop everybody.
ERRORS: Mapping[int, ErrorFamily] = {
    20429: _RETRY,  # calls of the account
    21611: _RETRY,  # the sender's queue is full
    30001: _RETRY,  # the same, told after it was accepted
    63017: _RETRY,  # messages a second of the account
    # One code for the sender's messages a second, messages to one person and the portfolio's people in 24 h. None of
    # them was sent, and waiting helps against each; a full portfolio shows by its retries running out.
    63018: _RETRY,
    63119: _RETRY,  # Meta's own rate limit
    20500: _MAYBE,
    20503: _MAYBE,
    20504: _MAYBE,
    63009: _MAYBE,  # Meta answered with an error
    63010: _MAYBE,
    63012: _MAYBE,
    63023: _MAYBE,  # an error without a name
    20001: _NEVER,  # a field Twilio does not know
    20002: _NEVER,
    20400: _NEVER,
    21211: _NEVER,  # To is no number
    21408: _NEVER,  # a country the account does not send to
    21604: _NEVER,  # To is missing
    21608: _NEVER,  # a trial account writes only to verified numbers
    21610: _NEVER,  # the person opted out at Twilio
    21612: _NEVER,
    21614: _NEVER,
    21617: _NEVER,  # over 1600 characters
    21619: _NEVER,  # neither text nor media
    21620: _NEVER,  # the media's address
    21656: _NEVER,
    30003: _NEVER,
    30004: _NEVER,
    30005: _NEVER,
    30006: _NEVER,
    30007: _NEVER,
    30036: _NEVER,  # stood in the queue for longer than it was valid
    63003: _NEVER,  # no channel leads to this person
    63005: _NEVER,  # Meta does not take the content
    63006: _NEVER,
    63013: _NEVER,  # against Meta's policy
    63014: _NEVER,  # the person blocked the shop
    63015: _NEVER,  # the person has not joined Twilio's own sandbox
    63016: _NEVER,  # outside the 24 h window
    63019: _NEVER,
    63021: _NEVER,
    63024: _NEVER,  # no WhatsApp recipient
    63032: _NEVER,  # a limitation of WhatsApp's, such as an experiment
    63033: _NEVER,  # the person may not get messages
    63049: _NEVER,  # Meta held the promotion back; sending it again soon makes it worse
    21654: _TEMPLATE,
    21655: _TEMPLATE,  # no such ContentSid in the account
    21657: _TEMPLATE,
    63027: _TEMPLATE,  # does not exist in the language
    63028: _TEMPLATE,  # number of parameters
    63040: _TEMPLATE,  # rejected
    63041: _TEMPLATE,  # paused
    63042: _TEMPLATE,  # disabled
    20003: _ACCOUNT,  # account SID, token or key
    20004: _ACCOUNT,
    20005: _ACCOUNT,  # not active
    20006: _ACCOUNT,
    20008: _ACCOUNT,  # test credentials
    20403: _ACCOUNT,
    20404: _ACCOUNT,  # nothing at this address: the account SID is another's
    21212: _ACCOUNT,  # From is no number
    21603: _ACCOUNT,  # From is missing
    21606: _ACCOUNT,  # From is not the account's
    21609: _ACCOUNT,  # StatusCallback: the same address for everybody
    21701: _ACCOUNT,  # no such Messaging Service
    21703: _ACCOUNT,  # it has no senders
    21705: _ACCOUNT,
    30002: _ACCOUNT,  # suspended
    63001: _ACCOUNT,
    63002: _ACCOUNT,
    63007: _ACCOUNT,  # From is no WhatsApp sender
    63008: _ACCOUNT,
    63020: _ACCOUNT,  # the business manager has not let Twilio in
    63026: _ACCOUNT,  # spam limit of the sender: going on makes it worse
    63038: _ACCOUNT,  # the day's messages are used up: none leaves before tomorrow
    63062: _ACCOUNT,  # the terms of the Marketing Messages API are not accepted
}
_HTTP = {401: _ACCOUNT, 429: _RETRY}


def family(code: int | str | None) -> ErrorFamily:
    """Tell what may be done after an error code; one we do not know may have been sent."""
    try:
        return ERRORS.get(int(code), _MAYBE) if code is not None else _MAYBE
    except ValueError:
        return _MAYBE


def refusal(response: httpx.Response) -> Failed:
    """Read an answer that is no success: Twilio's error, or whatever stood before Twilio; never raises."""
    try:
        error = response.json()
        code = int(error["code"])
        return Failed(family(code), str(code), str(error.get("message") or ""), _retry_after(response))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return not_theirs(response)


def not_theirs(response: httpx.Response) -> Failed:
    """Say that an answer is not in Twilio's shape."""
    by_status = _HTTP.get(response.status_code, _MAYBE)
    return Failed(by_status, f"http_{response.status_code}", "the answer is not Twilio's", _retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None
