"""What Bird's three stand-ins check alike: bodies, fields, phones, templates and their values."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wabench.campaigns.templates import variables
from wabench.sandbox.base import Call, Happening, Refusal, Shop, Why
from wabench.settings import TemplateSettings

VALUE_LENGTH = 1024
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_WEB_ADDRESS = re.compile(r"https?://[^\s/]+\S*")
_FIELD = re.compile(r"[\w.\[\]-]+")
_PAUSED = {"paused": Why.TEMPLATE_PAUSED, "disabled": Why.TEMPLATE_DISABLED}


def body_of(call: Call) -> dict[str, Any] | Refusal:
    """Read a call's body, which is a JSON object."""
    try:
        body = json.loads(call.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else Refusal(Why.INVALID, "body: it is no JSON object")


def wrong(field: str, message: str, why: Why = Why.INVALID) -> Refusal:
    """Refuse a call for one of its fields."""
    return Refusal(why, f"{field}: {message}")


def field_of(refusal: Refusal) -> tuple[str, str]:
    """Give the field a refusal is about, empty where it is about none, and what is said of it."""
    field, colon, message = refusal.detail.partition(": ")
    return (field, message) if colon and _FIELD.fullmatch(field) else ("", refusal.detail)


def fields(given: object, known: Collection[str], where: str, needed: Sequence[str] = ()) -> Refusal | None:
    """Find what is unknown or missing in an object: a misspelt field is refused, not ignored."""
    if not isinstance(given, dict):
        return wrong(where or "body", "it is no object")
    prefix = f"{where}." if where else ""
    if unknown := sorted(set(given) - set(known)):
        return wrong(prefix + unknown[0], "unknown field")
    if missing := [field for field in needed if field not in given]:
        return wrong(prefix + missing[0], "it is missing")
    return None


def said(given: object, where: str, longest: int) -> Refusal | None:
    """Check a text: there, and not too long."""
    is_good = isinstance(given, str) and 0 < len(given) <= longest
    return None if is_good else wrong(where, f"it is text of 1 to {longest} characters")


def address(given: object, where: str) -> Refusal | None:
    """Check the address of a file."""
    return None if isinstance(given, str) and _WEB_ADDRESS.fullmatch(given) else wrong(where, "it is no web address")


def template(given: str, language: object, shop: Shop, where: str) -> tuple[str, TemplateSettings] | Refusal:
    """Find a template by the provider's id of it, else by its name; one that may not be sent is refused."""
    found = next((item for item in shop.templates.items() if given in (item[0], item[1].ids.get("messagebird"))), None)
    spoken = language.replace("-", "_") if isinstance(language, str) else None
    if found is None or found[1].language.replace("-", "_") != spoken:
        return wrong(where, f"there is no template {given!r} in {language!r}", Why.TEMPLATE_MISSING)
    if found[1].status != "approved":
        why = _PAUSED.get(found[1].status, Why.TEMPLATE_MISSING)
        return wrong(where, f"the template is {found[1].status}", why)
    return found


def values(given: Sequence[tuple[str | None, object]], body: str, where: str) -> tuple[str, ...] | Refusal:
    """Check a template's values, each with its name or None, and give them in the template's order."""
    wanted = variables(body)
    if len(given) != len(wanted):
        return wrong(where, f"{len(given)} values where the template has {len(wanted)}", Why.PARAMETERS)
    is_named = any(name is not None for name, _ in given)
    if is_named and sorted(str(name) for name, _ in given) != sorted(wanted):
        return wrong(where, f"the names are {', '.join(wanted)}", Why.PARAMETERS)
    if not is_named and wanted and not wanted[0].isdigit():
        return wrong(where, "a template with named variables takes named values", Why.PARAMETERS)
    by_name = {str(name): value for name, value in given} if is_named else {}
    ordered = [by_name[name] for name in wanted] if is_named else [value for _, value in given]
    good = [value for value in ordered if isinstance(value, str) and _is_value(value)]
    return tuple(good) if len(good) == len(wanted) else wrong(where, "a value is empty, long or broken", Why.PARAMETERS)


def _is_value(value: str) -> bool:
    return bool(value.strip()) and len(value) <= VALUE_LENGTH and not re.search(r"[\n\t]| {5,}", value)


def encoded(content: object) -> bytes:
    """Write a body."""
    return json.dumps(content, ensure_ascii=False).encode()


def iso(at: float) -> str:
    """Write a time as Bird does."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def by_message(happened: Sequence[Happening]) -> Mapping[str, list[Happening]]:
    """Gather what became of each message, oldest message first."""
    found: dict[str, list[Happening]] = {}
    for happening in happened:
        found.setdefault(happening.message_id, []).append(happening)
    return found


def pages(items: Sequence[Any], ids: Sequence[str], after: str, limit: str) -> tuple[Sequence[Any], str | None]:
    """Give the page after an id, and the id to go on after."""
    start = ids.index(after) + 1 if after in ids else 0
    end = start + min(max(int(limit) if limit.isdecimal() else 100, 1), 100)
    return items[start:end], ids[end - 1] if end < len(items) else None
