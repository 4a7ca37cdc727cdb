"""`wabench provider compare`: what a month costs on each plan, and which is cheapest from which volume."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from wabench import costs, published
from wabench import settings as configuration
from wabench.cli import console
from wabench.costs import Cheapest, MonthOnPlan
from wabench.errors import UsageError

_SAMPLE = 1_000
_CENT, _UNIT = Decimal("0.01"), Decimal("0.0001")


def compare(
    month: Annotated[
        str | None, typer.Option(help="as 2026-10; default: the last whole month with messages, else the current one")
    ] = None,
    as_json: console.Json = False,
) -> None:
    """Price a month's messages on each plan of the price book, and tell which is cheapest from which volume.

    Example: wabench provider compare --month 2026-10
    """
    current = published.current(configuration.load())
    rows = costs.months(current, _month(month))
    is_whole = costs.is_whole(rows[0].month, current.as_of)
    if as_json:
        console.show_json(_document(rows, is_whole))
        return
    _say(_headline(rows[0], is_whole))
    console.show_table([_priced(row) if row.messages else _per_thousand(row) for row in rows])
    for line in (*_notes(rows), *_volumes(rows)):
        _say(line)


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise UsageError(f"{text} is no month; write it as 2026-10") from None


def _document(rows: Sequence[MonthOnPlan], is_whole: bool) -> dict[str, Any]:
    first = rows[0]
    return {
        "month": f"{first.month:%Y-%m}",
        "is_whole": is_whole,
        "messages": first.messages,
        "charged_cost": first.charged_cost,
        "messages_without_cost": first.messages_without_cost,
        "currency": first.currency,
        "plans": [asdict(row) for row in rows],
        "cheapest_from": [asdict(turn) for turn in _cheapest(rows)],
        "cheapest_intermediary_from": [asdict(turn) for turn in _cheapest(_intermediaries(rows))],
    }


def _headline(row: MonthOnPlan, is_whole: bool) -> str:
    which = "a whole month" if is_whole else "not over yet"
    if not row.messages:
        return f"{row.month:%Y-%m} ({which}) has no messages; each plan at {_SAMPLE:,}, without Meta's fees:"
    unknown = f", and {row.messages_without_cost:,} of them are of unknown cost" if row.messages_without_cost else ""
    cost = f"{_money(row.charged_cost):,} {row.currency}, fees included{unknown}"
    return f"{row.month:%Y-%m} ({which}): {row.messages:,} messages cost {cost}. On each plan, in {row.currency}:"


def _priced(row: MonthOnPlan) -> dict[str, Any]:
    return {
        "plan": row.name,
        "fee": _money(row.monthly_fee),
        "free": row.free_messages,
        "charged": row.charged_messages,
        "own cost": _money(row.own_cost),
        "Meta's fees": _money(row.meta_fees) if row.is_meta_added else "included",
        "total": _money(row.total_cost),
        "verification, days": row.verification_days,
    }


def _per_thousand(row: MonthOnPlan) -> dict[str, Any]:
    plan = row.as_plan()
    return {
        "plan": row.name,
        "fee": _money(row.monthly_fee),
        "free": row.free_quota,
        "a message": _unit(row.price_per_message),
        f"{_SAMPLE:,} messages": _money(plan.cost(_SAMPLE) if plan else None),
        "verification, days": row.verification_days,
    }


def _notes(rows: Sequence[MonthOnPlan]) -> list[str]:
    """Name what the price book can't price: its totals stay empty."""
    return [
        f"{row.name}: the price book has no price for {row.messages_without_price:,} of the messages"
        for row in rows
        if row.messages_without_price
    ]


def _volumes(rows: Sequence[MonthOnPlan]) -> list[str]:
    mix = "at this month's mix of messages" if rows[0].messages else "by the plans' general prices"
    groups = {"all plans": rows, "plans with a provider between you and Meta": _intermediaries(rows)}
    found = {who: _cheapest(group) for who, group in groups.items()}
    return [f"cheapest of {who}, {mix}: {_turns(turns)}" for who, turns in found.items() if turns]


def _cheapest(rows: Sequence[MonthOnPlan]) -> tuple[Cheapest, ...]:
    return costs.cheapest_from([plan for row in rows if (plan := row.as_plan())])


def _intermediaries(rows: Sequence[MonthOnPlan]) -> list[MonthOnPlan]:
    return [row for row in rows if row.provider != costs.META]


def _turns(turns: Sequence[Cheapest]) -> str:
    first, *later = turns
    if not later:
        return f"{first.plan}, at any volume"
    return "; ".join([first.plan, *(f"from {turn.messages:,} a month {turn.plan}" for turn in later)])


def _money(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(_CENT)


def _unit(price: Decimal | None) -> Decimal | None:
    return None if price is None else price.quantize(_UNIT)


def _say(line: str) -> None:
    console.out.print(line, markup=False, soft_wrap=True)
