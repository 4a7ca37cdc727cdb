"""Meta's error codes, and what may be done after each; other providers hand them on, so they read this table too."""

from collections.abc import Mapping

import httpx

from wabench.providers.base import Failed
from wabench.providers.errors import ErrorFamily

_RETRY, _MAYBE, _NEVER = ErrorFamily.RETRY, ErrorFamily.MAYBE_SENT, ErrorFamily.NEVER
_TEMPLATE, _ACCOUNT = ErrorFamily.STOP_TEMPLATE, ErrorFamily.STOP_ACCOUNT
_HTTP = {401: _ACCOUNT, 429: _RETRY}

# Throttling comes as HTTP 400 with a code, so codes decide and HTTP statuses only where there is no code. A code that
# is about one person's values (132005, 132018) is `never`: as `stop_template` one long name would stop everybody.
ERRORS: Mapping[int, ErrorFamily] = {
    4: _RETRY,  # calls of the app
    80007: _RETRY,  # calls of the business account
    130429: _RETRY,  # messages a second of the number
    131056: _RETRY,  # messages to one person
    1: _MAYBE,
    2: _MAYBE,
    131000: _MAYBE,
    131016: _MAYBE,
    131057: _MAYBE,
    133004: _MAYBE,
    134101: _MAYBE,
    2494100: _MAYBE,
    33: _NEVER,
    100: _NEVER,
    130472: _NEVER,  # held back by an experiment of Meta's
    131008: _NEVER,
    131009: _NEVER,
    131021: _NEVER,  # sender and recipient are one
    131026: _NEVER,  # undeliverable
    131030: _NEVER,  # not on a test number's list
    131047: _NEVER,  # outside the 24 h window
    131049: _NEVER,  # the person's marketing limit: not within 24 h
    131050: _NEVER,  # the person stopped marketing
    131051: _NEVER,
    131052: _NEVER,
    131053: _NEVER,
    131055: _NEVER,
    131062: _NEVER,
    131063: _NEVER,
    131064: _NEVER,
    132005: _NEVER,
    132018: _NEVER,
    134100: _NEVER,
    134102: _NEVER,
    135000: _NEVER,
    132000: _TEMPLATE,
    132001: _TEMPLATE,
    132007: _TEMPLATE,
    132008: _TEMPLATE,
    132012: _TEMPLATE,
    132015: _TEMPLATE,
    132016: _TEMPLATE,
    132068: _TEMPLATE,
    132069: _TEMPLATE,
    0: _ACCOUNT,
    3: _ACCOUNT,
    10: _ACCOUNT,
    190: _ACCOUNT,  # token
    **dict.fromkeys(range(200, 300), _ACCOUNT),  # permissions
    368: _ACCOUNT,
    130497: _ACCOUNT,
    131005: _ACCOUNT,
    131031: _ACCOUNT,
    131037: _ACCOUNT,
    131042: _ACCOUNT,  # payment
    131045: _ACCOUNT,
    131048: _ACCOUNT,  # spam limit of the number: going on makes it worse
    133010: _ACCOUNT,
}


def family(code: int | str | None) -> ErrorFamily:
    """Tell what may be done after an error code of Meta's; one we do not know may have been sent."""
    try:
        return ERRORS.get(int(code), _MAYBE) if code is not None else _MAYBE
    except ValueError:
        return _MAYBE


def failed(response: httpx.Response) -> Failed:
    """Read an answer that is no success; never raises."""
    try:
        error = response.json()["error"]
        detail = (error.get("error_data") or {}).get("details") or error.get("message") or ""
        return Failed(family(error["code"]), str(error["code"]), str(detail), _retry_after(response))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        by_status = _HTTP.get(response.status_code, _MAYBE)
        return Failed(by_status, f"http_{response.status_code}", "the answer is not Meta's", _retry_after(response))


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() and value.isascii() else None
