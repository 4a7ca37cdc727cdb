"""Who a campaign is for: the customers of a segment, or of a CSV that was exported from one; and their consent now."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from wabench import published, segments
from wabench.campaigns.known import Candidate, Consents
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.policy import Consent, newest
from wabench.errors import UsageError, WabenchError
from wabench.phones import normalise
from wabench.settings import Settings

_KEYS = ("customer_id", "phone", "user_id")
_CONSENT_OF = """
    select customer_id, phone, user_id, consent, consent_at from dim_customers
    where list_contains($customer_id, customer_id) or list_contains($phone, phone) or list_contains($user_id, user_id)
"""


@dataclass(frozen=True, slots=True)
class Audience:
    """Customers with their columns; `version` is the published version they are of, None for a file's."""

    customers: pa.Table
    version: str | None


def select(settings: Settings, segment: str) -> Audience:
    """Select a segment's customers by its name, or read them from an exported CSV by its path (`….csv`)."""
    if segment.endswith(".csv"):
        return Audience(_read_csv(Path(segment), settings.region), None)
    version = published.current(settings)
    return Audience(segments.select(settings, segment, version), version.version)


def consent_of(customer: Mapping[str, Any]) -> Consent:
    """Read what a customer's row says of consent."""
    return Consent(customer.get("consent") or "unknown", moment(customer.get("consent_at")))


def moment(value: datetime | str | None) -> datetime | None:
    """Read a time of a customer's row, as text where it is a file's; one without a zone is UTC."""
    at = datetime.fromisoformat(value) if isinstance(value, str) and value else value or None
    return at.replace(tzinfo=UTC) if isinstance(at, datetime) and at.tzinfo is None else at or None


def consents(settings: Settings, campaign: Campaign) -> Consents:
    """Make the function that asks the newest published file; one no newer than the plan has nothing to add."""

    def ask(candidates: Sequence[Candidate]) -> Mapping[str, Consent]:
        try:
            version = published.current(settings)
        except WabenchError:
            return {}
        if version.version == campaign.audience_version:
            return {}
        keys = {key: [v for c in candidates if (v := c._mapping[key])] for key in _KEYS}
        return _match(candidates, version.query(_CONSENT_OF, keys).to_pylist())

    return ask


def _match(candidates: Sequence[Candidate], customers: Sequence[Mapping[str, Any]]) -> dict[str, Consent]:
    """Give each send the newest consent of its person by any identity: customers may have merged or parted since."""
    by_key: dict[tuple[str, str], list[Consent]] = {}
    for customer in customers:
        for key in _KEYS:
            if customer[key]:
                by_key.setdefault((key, customer[key]), []).append(consent_of(customer))
    return {
        candidate.send_id: newest(*(c for key in _KEYS for c in by_key.get((key, candidate._mapping[key]), ())))
        for candidate in candidates
    }


def _read_csv(path: Path, region: str) -> pa.Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{name: _plain(value) for name, value in row.items() if name} for row in csv.DictReader(file)]
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; write one with `wabench segment export`") from None
    if not rows or "customer_id" not in rows[0] or not {"phone", "user_id"} & set(rows[0]):
        raise UsageError(f"{path}: a campaign needs customers with the columns customer_id and phone or user_id")
    if nameless := next((number for number, row in enumerate(rows, 2) if not row["customer_id"]), None):
        raise UsageError(f"{path}: row {nameless} has no customer_id")
    if any("•" in (row.get("phone") or "") for row in rows):
        raise UsageError(f"{path}: its phones are masked; export the segment with its phones")
    return pa.Table.from_pylist([{**row, "phone": _phone(row.get("phone"), region)} for row in rows])


def _plain(value: str | None) -> str | None:
    """Undo what an export does to a cell that a spreadsheet would run."""
    return (value[1:] if value.startswith("'") else value) if value else None


def _phone(value: str | None, region: str) -> str | None:
    return normalise(value, region) if value else None
