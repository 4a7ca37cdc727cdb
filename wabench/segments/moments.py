"""Segments at a moment that has passed: what of a customer can be told of it, and nothing that can't."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wabench import published
from wabench.errors import UsageError
from wabench.published import Published
from wabench.segments.compiler import Compiled, compile_rules
from wabench.segments.fields import Catalog, moment
from wabench.segments.queries import catalog
from wabench.segments.rules import Rule
from wabench.settings import Settings

SOURCE = (Path(__file__).parent / "moment.sql").read_text(encoding="utf-8")
"""The SELECT of customers as they stood at `$moment`."""
_NEEDED = ("snap_customer_tags", "fct_orders", "fct_messages")


def parse(text: str, against: Catalog) -> datetime:
    """Read a moment up to as-of (naive UTC): a date is its first moment in the shop's zone; raises UsageError."""
    try:
        at = moment(text, against)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if at > against.as_of:
        raise UsageError(f"{text} is after {against.as_of:%Y-%m-%d %H:%M} UTC, where what is published ends")
    return at


def catalog_at(
    settings: Settings, at: datetime, of: Published | None = None, segment: Callable[[str], Rule] | None = None
) -> Catalog:
    """List what a rule may ask about at a moment; `segment` gives rules of other segments as they were then."""
    version = of or published.current(settings)
    now = catalog(settings, version)
    if missing := [table for table in _NEEDED if table not in now.tables]:
        raise UsageError(f"the published file has no {missing[0]} yet; run `wabench refresh`")
    kept = frozenset(version.query(f"{SOURCE} limit 0", {"moment": at}).column_names)
    return replace(now, as_of=at, kept=kept & now.fields.keys(), run=None, segment=segment or now.segment)


def compile_at(rules: Sequence[Rule], against: Catalog, of_one: str | None = None) -> Compiled:
    """Compile rules over the customers there were at the catalog's moment; null is an answer nobody can give."""
    compiled = compile_rules(rules, against, f"({SOURCE}) as customers", of_one)
    compiled.params["moment"] = against.as_of
    return compiled
