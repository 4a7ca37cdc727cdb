"""A rule's or canned reply's text made ready for one customer."""

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LEADING_NAME = re.compile(r"^\s*\{name\}[\s,!.:–—-]*")
_NAME = re.compile(r"[\s,]*\{name\}")


def placeholders(text: str) -> list[str]:
    """List what stands in a text's braces, in its order."""
    return _PLACEHOLDER.findall(text)


def render(text: str, name: str | None = None, values: Mapping[str, str] | None = None) -> str:
    """Fill a text in for a customer; {name} is their first name, and goes with its comma where none is known."""
    first = first_name(name)
    if not first and _LEADING_NAME.search(text):
        text = _LEADING_NAME.sub("", text)
        text = text[:1].upper() + text[1:]
    if not first:
        text = _NAME.sub("", text)
    known = {"name": first, **(values or {})}
    return _PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), text)


def first_name(name: str | None) -> str:
    """Give the first word of a name, on one line; names come from outside and may hold anything."""
    return (name or "").split()[0][:60] if (name or "").split() else ""
