"""Who of a campaign stands where, by the ledger: it knows at once what the published file knows after a refresh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from wabench import segments
from wabench.campaigns import ledger, templates
from wabench.campaigns.holdout import HELD_OUT
from wabench.campaigns.ledger import Campaign
from wabench.campaigns.schema import SendState, sends
from wabench.published import Published
from wabench.settings import Settings

_SAMPLE = (
    "select * from dim_customers where list_contains($customers, customer_id)"
    " order by is_reachable desc, bucket, customer_id limit $size"
)
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """Sends in one state, for one reason or error; `sends` of them."""

    state: SendState
    reason: str | None
    error_code: str | None
    error_family: str | None
    detail: str | None
    sends: int

    @property
    def is_held_out(self) -> bool:
        return self.reason == "holdout"


def outcomes(settings: Settings, campaign: Campaign) -> list[Outcome]:
    """Count a campaign's sends by what became of them, most first; `detail` is one of the provider's sentences."""
    by = (sends.c.state, sends.c.reason, sends.c.error_code, sends.c.error_family)
    counted = select(*by, func.max(sends.c.error_detail), func.count())
    with ledger.opened(settings) as opened, opened.reading() as connection:
        rows = connection.execute(counted.where(sends.c.campaign_id == campaign.campaign_id).group_by(*by)).all()
    found = [Outcome(SendState(row[0]), *row[1:]) for row in rows]
    return sorted(found, key=lambda outcome: -outcome.sends)


def customers(settings: Settings, campaign: Campaign, of: Outcome) -> tuple[str, ...]:
    """Name the customers of one outcome."""
    where: ColumnElement[bool] = (sends.c.campaign_id == campaign.campaign_id) & (sends.c.state == of.state)
    for column, value in ((sends.c.reason, of.reason), (sends.c.error_code, of.error_code)):
        where &= column.is_(None) if value is None else column == value
    with ledger.opened(settings) as opened, opened.reading() as connection:
        rows = connection.execute(select(sends.c.customer_id).where(where).order_by(sends.c.customer_id)).all()
    return tuple(row.customer_id for row in rows)


def held_out(settings: Settings, campaign: Campaign) -> int:
    """Count whom chance holds out."""
    where = (sends.c.campaign_id == campaign.campaign_id) & (sends.c.arm == HELD_OUT)
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return connection.scalar(select(func.count()).where(where)) or 0


@dataclass(frozen=True, slots=True)
class Read:
    """A text as one customer would read it; `phone` is masked, `missing` are its variables that nothing fills."""

    name: str | None
    phone: str | None
    text: str
    missing: tuple[str, ...]


def previews(
    settings: Settings, version: Published, segment: str, body: str, sources: Mapping[str, str], size: int = 3
) -> list[Read]:
    """Show a text as some customers of a segment would read it, those who can be reached first."""
    chosen = segments.sample(settings, segments.load(settings, segment).where, _LOOKED_AT, version)
    rows = version.query(_SAMPLE, {"customers": chosen["customer_id"].to_pylist(), "size": size}).to_pylist()
    return [_read(row, body, sources) for row in rows]


def _read(customer: Mapping[str, Any], body: str, sources: Mapping[str, str]) -> Read:
    masked = {**customer, "phone": _masked(customer["phone"])}
    filled = templates.render(sources, masked)
    missing: Sequence[str] = [variable for variable, value in filled.items() if not value]
    return Read(customer["name"], masked["phone"], templates.fill(body, filled), tuple(missing))


def _masked(phone: str | None) -> str | None:
    return f"•••• {phone[-4:]}" if phone else None
