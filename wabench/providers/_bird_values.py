"""What Bird's three generations have in common: reading loosely typed JSON, and what an HTTP status alone says."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from wabench.events import EventType, MessageEvent
from wabench.providers import _meta_errors
from wabench.providers._json import digest
from wabench.providers.base import Failed
from wabench.providers.errors import ErrorFamily

HTTP: Mapping[int, ErrorFamily] = {401: ErrorFamily.STOP_ACCOUNT, 429: ErrorFamily.RETRY}
"""What an answer that is not Bird's says by its status; any other may have been sent."""

_ONE_PARAMETER = re.compile(r"\bparam(s|eters)[.\[]")


def at(value: object, *path: str) -> Any:
    """Follow keys into nested objects; None where one is not there."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def dicts(value: object) -> list[dict[str, Any]]:
    """Keep the objects of a list; of anything else nothing."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object) -> str | None:
    """Give a word or number as text; None for what is empty or neither."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else None


def phone(value: object) -> str | None:
    """Read a phone with or without its plus; None where it is none."""
    digits = (text(value) or "").removeprefix("+")
    return f"+{digits}" if digits.isascii() and digits.isdigit() and 6 < len(digits) < 16 else None


def user_id(value: object) -> str | None:
    """Recognise a business-scoped id (`US.13491…`)."""
    return value if isinstance(value, str) and value[2:3] == "." and value[:2].isupper() and len(value) > 3 else None


def meta_code(value: object) -> str | None:
    """Recognise an error code of Meta's that Bird hands on; None for one that is in no table."""
    code = text(value) or ""
    return code if code.isascii() and code.isdigit() and len(code) < 9 and int(code) in _meta_errors.ERRORS else None


def time(value: object) -> datetime | None:
    """Read an ISO time or seconds since 1970; a time without a zone is UTC, and what is no time is None."""
    try:
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal()):
            return datetime.fromtimestamp(float(value), UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC) if found else None
    except (ValueError, OverflowError, OSError):
        return None


def iso(moment: datetime) -> str:
    """Write a time as the APIs take it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def not_understood(kind: str, content: object) -> MessageEvent:
    """Keep what is in no table as an event of its own."""
    return MessageEvent(event_id=f"messagebird:{kind}:{digest(content)}", event_type=EventType.UNKNOWN)


def retry_after(response: httpx.Response) -> float | None:
    """Read the seconds a throttling answer asks to wait."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None


def not_theirs(response: httpx.Response) -> Failed:
    """Read an answer that has none of Bird's shapes: a proxy's, or half of one."""
    family = HTTP.get(response.status_code, ErrorFamily.MAYBE_SENT)
    return Failed(family, f"http_{response.status_code}", "the answer is not Bird's", retry_after(response))


def is_ones_value(path: str) -> bool:
    """Tell whether an error's path leads to one of a template's parameters: a person's value, which stops nobody else.

    A path that ends at the parameters is about their number, which is everybody's.
    """
    return _ONE_PARAMETER.search(path) is not None
