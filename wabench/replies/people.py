"""Whom a reply goes to, from the published file."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from wabench.campaigns.audience import consent_of
from wabench.campaigns.policy import Consent
from wabench.errors import UsageError
from wabench.published import Published


@dataclass(frozen=True, slots=True)
class Person:
    """A customer who can be answered: by which number, and since when their window is open."""

    customer_id: str
    name: str | None
    phone: str | None
    user_id: str | None
    consent: Consent
    provider: str
    channel_id: str
    last_inbound_at: datetime


def find(version: Published, customer_id: str) -> Person:
    """Find a customer; raises UsageError for one who is not there or never wrote."""
    rows: list[dict[str, Any]] = version.query(_sql(), {"customer_id": customer_id}).to_pylist()
    if not rows:
        raise UsageError(f"no customer is called {customer_id!r}")
    row = rows[0]
    if row["last_inbound_at"] is None:
        raise UsageError(f"customer {customer_id} never wrote; only a template can begin a dialog")
    return Person(
        customer_id=row["customer_id"],
        name=row["name"],
        phone=row["phone"],
        user_id=row["user_id"],
        consent=consent_of(row),
        provider=row["provider"],
        channel_id=row["channel_id"] or "",
        last_inbound_at=row["last_inbound_at"].replace(tzinfo=UTC),
    )


@cache
def _sql() -> str:
    return (Path(__file__).parent / "person.sql").read_text(encoding="utf-8")
