"""What a holdout can show, and what a campaign's lift was, in lines for people to read."""

from collections.abc import Iterator, Mapping
from typing import Any

from wabench.campaigns.holdout import HELD_OUT, TREATED, Power

_LIFT = ("incremental_", "cost_per_incremental_", "treated_", "held_out_", "lift_", "sample_ratio_")
_ALSO_LIFT = ("customers_treated", "customers_held_out", "is_sample_ratio_off", "variance_removed")
_ARMS = (TREATED, HELD_OUT)
_ROWS = {
    "customers who ordered": "incremental_conversions",
    "the same, beside the shop's other campaigns": "incremental_conversions_shrunk",
    "orders": "incremental_orders",
    "net revenue": "incremental_net_revenue",
    "net revenue, beside the shop's other campaigns": "incremental_net_revenue_shrunk",
    "cost of such an order": "cost_per_incremental_order",
}


def describe_power(power: Power | None) -> str:
    """Say what the holdout of a plan can show."""
    if power is None:
        return "nobody is held out, so its lift will not be known; --holdout 0.1 holds out every tenth by chance"
    held_out = f"{power.held_out:,} of {power.customers:,} are held out by chance"
    if not power.rate or power.smallest_effect is None:
        return f"{held_out}; what that can show is known once orders of these customers are published"
    shown = f"{power.smallest_effect * 100:.2f} points ({power.smallest_effect / power.rate:.0%})"
    less = (
        f"two thirds of that need {power.needed_for_less:,} held out"
        if power.needed_for_less
        else "no holdout of this audience shows two thirds of that"
    )
    anyway = f"{power.rate:.1%} of these customers order in {power.days} days anyway"
    return f"{held_out}. {anyway}: a rise by {shown} is found four times of five; {less}"


def without_lift(funnel: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a campaign's figures those that `rows` and `notes` say readably."""
    return {k: v for k, v in funnel.items() if not k.startswith(_LIFT) and k not in _ALSO_LIFT}


def rows(funnel: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give what a campaign caused, a row a metric with its 95 % interval; nothing without a holdout."""
    found = {label: [funnel.get(column + end) for end in ("", "_low", "_high")] for label, column in _ROWS.items()}
    return [
        {"because of it": label, "estimate": _number(value), "95 % from": _number(low), "to": _number(high)}
        for label, (value, low, high) in found.items()
        if value is not None
    ]


def notes(funnel: Mapping[str, Any]) -> Iterator[str]:
    """Say on what a lift stands, and what it does not tell."""
    if not funnel.get("customers_held_out"):
        return
    until = f"up to {funnel['lift_measured_until']:%Y-%m-%d %H:%M} UTC"
    arms = (f"{funnel[f'{arm}_conversion_rate'] or 0:.1%} of {funnel[f'customers_{arm}']:,}" for arm in _ARMS)
    yield f"{until} {next(arms)} treated customers ordered, {next(arms)} held out"
    if funnel["is_sample_ratio_off"]:
        yield (
            f"the split is not the one that was planned (p = {funnel['sample_ratio_p']:.1g}): something took customers "
            "out of one arm, so these figures mean nothing"
        )
    low, high = funnel["incremental_orders_low"], funnel["incremental_orders_high"]
    if low is None:
        yield "too few customers or no orders at all: nothing can be said of what the campaign caused"
    elif low <= 0 <= high:
        yield "it may have brought no order at all (the interval contains 0), so such an order has no cost"


def _number(value: Any) -> str:
    return "" if value is None else f"{float(value):,.2f}"
