"""What messages cost by the price book: all of a campaign on each plan, and one to each country."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from wabench.errors import UsageError
from wabench.published import Published
from wabench.settings import ROOT, Settings

Way = tuple[str | None, str | None]
"""How somebody is reached: phone and user id."""


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What the sends cost on one plan, its monthly fee aside; `free` of them are of what is left of its quota.

    `total` is None where the price book has no price for some of the countries.
    """

    provider: str
    plan: str
    is_own: bool
    messages: int
    free: int
    monthly_fee: float | None
    total: float | None


def plan_costs(
    settings: Settings, version: Published | None, provider: str, category: str, ways: Sequence[Way], day: datetime
) -> tuple[PlanCost, ...]:
    """Price messages to some people on each plan, in the project's currency, with what is left of the month's quota."""
    used = _used(version, day) if version else {}
    rows = _priced(settings, category, ways, day)
    return tuple(_plan_cost(row, provider, used.get((row["provider"], row["plan"]), 0)) for row in rows)


def prices(
    settings: Settings, provider: str, category: str, samples: Mapping[str, Way], day: datetime
) -> dict[str, float]:
    """Give the price of one message to each country, told by one of its people, on the provider's plan in use.

    Free messages of a quota are priced too: a budget is to hold when they are used up. Raises UsageError where the
    price book has no price.
    """
    found = {}
    for country, way in samples.items():
        rows = _priced(settings, category, [way], day)
        row = next((each for each in rows if each["provider"] == provider and each["is_in_use"]), None)
        if row is None or row["messages_without_price"]:
            raise UsageError(
                f"the price book has no price of {provider} for {category} to {country or 'an unknown country'}; "
                "add it to seeds/price_book.csv, or plan without a budget"
            )
        found[country] = row["price"] + row["meta_price"]
    return found


def _priced(settings: Settings, category: str, ways: Sequence[Way], day: datetime) -> list[dict[str, Any]]:
    columns = {"phone": [way[0] for way in ways], "user_id": [way[1] for way in ways]}
    people = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
    seeds = {"calling_codes": "calling_codes", "exchange_rates": "exchange_rates", "book": "price_book",
             "plans": "provider_plans"}  # fmt: skip
    asked: dict[str, Any] = {key: str(ROOT / "seeds" / f"{name}.csv") for key, name in seeds.items()}
    asked |= {"category": category, "currency": settings.currency, "day": day.date()}
    sql = (Path(__file__).parent / "price_recipients.sql").read_text(encoding="utf-8")
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        connection.register("recipients", people)
        rows: list[dict[str, Any]] = connection.sql(sql, params=asked).to_arrow_table().to_pylist()
    return rows


def _plan_cost(row: Mapping[str, Any], provider: str, used: int) -> PlanCost:
    free = min(row["messages"], max(row["free_quota"] - used, 0))
    total = None
    if not row["messages_without_price"]:
        total = (row["messages"] - free) * row["price"] + row["messages"] * row["meta_price"]
    return PlanCost(
        provider=row["provider"],
        plan=row["plan"],
        is_own=row["is_in_use"] and row["provider"] == provider,
        messages=row["messages"],
        free=free,
        monthly_fee=row["monthly_fee"],
        total=total,
    )


def _used(version: Published, day: datetime) -> dict[tuple[str, str], int]:
    """Count what the month of the send has used of each plan's quota already."""
    if "month" not in version.columns("fct_provider_costs"):
        return {}
    sql = "select provider, plan, messages from fct_provider_costs where month = date_trunc('month', $day::timestamp)"
    rows = version.query(sql, {"day": day.replace(tzinfo=None)}).to_pylist()
    return {(row["provider"], row["plan"]): row["messages"] for row in rows}
