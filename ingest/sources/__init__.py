"""Kinds of sources, one module a kind: found by its name, `kind` of `[sources.NAME]`."""

import hashlib
import importlib
import pkgutil
import re
from dataclasses import replace
from datetime import UTC
from typing import cast

import msgspec

from ingest.records import Reading, compile_mapping
from ingest.sources.base import COMMON_OPTIONS, Feeds, Source, Table
from wabench.errors import UsageError
from wabench.settings import SourceSettings
from wabench.spelling import hint

_NUMBERS = {
    "page_size": r"[1-9]\d{0,3}",
    "requests_per_second": r"[1-9]\d{0,3}(\.\d+)?|0\.\d*[1-9]\d*",
    "waiting_seconds": r"[1-9]\d{0,5}",
}


def names() -> list[str]:
    """List the kinds there is a module for."""
    found = (m.name for m in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if name != "base" and not name.startswith("_"))


def get(kind: str) -> Source:
    """Load a kind's module; raises UsageError for one there is none for, naming the nearest."""
    if kind not in names():
        raise UsageError(f"there is no kind of source called {kind!r}{hint(kind, names())}")
    return cast(Source, importlib.import_module(f"{__name__}.{kind}"))


def check(name: str, settings: SourceSettings) -> Source:
    """Load a configured source's kind; raises UsageError for what it has no such option, feed or address for."""
    source, where = get(settings.kind), f"[sources.{name}]"
    known = (*source.OPTIONS, *COMMON_OPTIONS)
    if unknown := next((option for option in settings.options if option not in known), None):
        raise UsageError(f"{where} options: {settings.kind} has no option {unknown!r}{hint(unknown, known)}")
    tables = [table.name for feed in source.feeds(settings).values() for table in feed]
    if unknown := next((table for table in settings.map if table not in tables), None):
        raise UsageError(f"{where} map: {settings.kind} gives no {unknown!r}{hint(unknown, tables)}")
    for option in set(_NUMBERS) & set(settings.options):
        if not re.fullmatch(_NUMBERS[option], settings.options[option], re.ASCII):
            raise UsageError(f"{where} options: {option} is {settings.options[option]!r}; write a number above nought")
    if not settings.base_url and not source.base_url:
        raise UsageError(f"{where} needs base_url, the address of the shop's {settings.kind}")
    reading = Reading(UTC, "US", "USD")
    for feed in feeds(settings).values():
        for table in feed:
            compile_mapping(table.name, table.map, reading)
    return source


def feeds(settings: SourceSettings) -> Feeds:
    """Give a configured source's feeds: its kind's, with what the shop maps in its own way."""
    found = get(settings.kind).feeds(settings)
    return {feed: tuple(_own(table, settings) for table in tables) for feed, tables in found.items()}


def identity(settings: SourceSettings, feed: str) -> str:
    """Tell one list of one shop from another's: a pull that began there says nothing of this one."""
    source, stream = get(settings.kind), settings.stream(feed)
    address = (settings.base_url or source.base_url).rstrip("/").lower()
    options = {name: settings.options.get(name, "") for name in source.IDENTITY}
    asked = (stream.path, stream.params) if stream else None
    said = msgspec.json.encode([settings.kind, address, options, asked], order="sorted")
    return hashlib.sha256(said).hexdigest()[:16]


def _own(table: Table, settings: SourceSettings) -> Table:
    if table.is_note:
        return table
    own = {ours: path for name, fields in settings.map.items() if name == table.name for ours, path in fields.items()}
    words = dict(table.words)
    if table.name == "orders" and settings.statuses:
        statuses = {word.lower(): ours for word, ours in settings.statuses.items()}
        words["status"] = {**words.get("status", {}), **statuses}
    return replace(table, map={**table.map, **own}, words=words)
