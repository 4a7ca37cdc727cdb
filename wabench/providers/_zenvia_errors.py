"""Zenvia's errors, and what may be done after each.

Its own are few; what becomes of an accepted message is told by webhook, with Meta's code in `channelErrorCode`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from wabench.providers.base import Failed
from wabench.providers.errors import ErrorFamily

ERRORS: Mapping[str, ErrorFamily] = {
    "VALIDATION_ERROR": ErrorFamily.NEVER,
    "AUTHENTICATION_ERROR": ErrorFamily.STOP_ACCOUNT,
    "NOT_FOUND": ErrorFamily.STOP_ACCOUNT,  # people are not looked up here: it is the sender or the address
    # Of a message, "entity already exists" can only mean that an earlier try of it was taken.
    "DUPLICATED": ErrorFamily.MAYBE_SENT,
    # Documented as worth another try, but not as refused before anything was done.
    "INTERNAL_ERROR": ErrorFamily.MAYBE_SENT,
}
# What a fault in one place of the request means for the other messages. The first that is in a fault's path holds, so
# that a variable called `from` is no sender.
_PLACES: Mapping[str, ErrorFamily] = {
    "fields": ErrorFamily.NEVER,
    "templateId": ErrorFamily.STOP_TEMPLATE,
    "from": ErrorFamily.STOP_ACCOUNT,
}
# No throttling is documented; where it is met nevertheless, HTTP's own words for it are taken.
_HTTP = {401: ErrorFamily.STOP_ACCOUNT, 429: ErrorFamily.RETRY}


def failed(response: httpx.Response) -> Failed:
    """Read an answer that is no success; never raises."""
    by_status = _HTTP.get(response.status_code, ErrorFamily.MAYBE_SENT)
    try:
        answer = response.json()
        code = answer["code"]
        faults = [fault for fault in answer.get("details") or () if isinstance(fault, dict)]
        family = next(_placed(faults), ERRORS.get(code, by_status))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Failed(by_status, f"http_{response.status_code}", "the answer is not Zenvia's", _wait(response))
    said = [str(answer.get("message") or ""), *(f"{f.get('path', '')}: {f.get('message', '')}" for f in faults)]
    return Failed(family, str(code), "; ".join(filter(None, said)), _wait(response))


def _placed(faults: list[dict[str, Any]]) -> Iterator[ErrorFamily]:
    for fault in faults:
        path = re.split(r"[^\w]+", str(fault.get("path", "")))
        yield from (family for place, family in _PLACES.items() if place in path)


def _wait(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() and value.isascii() else None
