"""A campaign's lift as people read it."""

from datetime import datetime
from typing import Any

from wabench.campaigns.holdout import Power
from wabench.cli import lifts

FUNNEL: dict[str, Any] = {
    "planned": 2000,
    "roi": 3.2,
    "customers_treated": 1800,
    "customers_held_out": 200,
    "lift_measured_until": datetime.fromisoformat("2026-06-16 10:00"),
    "treated_conversion_rate": 0.06,
    "held_out_conversion_rate": 0.03,
    "sample_ratio_p": 0.8,
    "is_sample_ratio_off": False,
    "variance_removed": 0.02,
    **{f"incremental_orders{end}": value for end, value in (("", 54.0), ("_low", 10.0), ("_high", 98.0))},
    **{f"cost_per_incremental_order{end}": value for end, value in (("", 1.5), ("_low", 0.83), ("_high", 8.1))},
}


def test_a_lift_stands_beside_what_it_is_made_of() -> None:
    assert lifts.rows(FUNNEL) == [
        {"because of it": "orders", "estimate": "54.00", "95 % from": "10.00", "to": "98.00"},
        {"because of it": "cost of such an order", "estimate": "1.50", "95 % from": "0.83", "to": "8.10"},
    ]
    [told] = lifts.notes(FUNNEL)
    assert told == "up to 2026-06-16 10:00 UTC 6.0% of 1,800 treated customers ordered, 3.0% of 200 held out"
    assert lifts.without_lift(FUNNEL) == {"planned": 2000, "roi": 3.2}


def test_what_cant_be_told_is_said() -> None:
    in_doubt = FUNNEL | {"incremental_orders_low": -5.0}
    assert "no order at all (the interval contains 0)" in list(lifts.notes(in_doubt))[-1]
    unknown = FUNNEL | {"incremental_orders": None, "incremental_orders_low": None, "incremental_orders_high": None}
    assert "nothing can be said" in list(lifts.notes(unknown))[-1]
    broken = FUNNEL | {"is_sample_ratio_off": True, "sample_ratio_p": 0.00002}
    assert "(p = 2e-05)" in list(lifts.notes(broken))[1]


def test_without_a_holdout_nothing_is_said_of_lift() -> None:
    assert lifts.rows({"planned": 3, "customers_held_out": 0}) == []
    assert list(lifts.notes({"planned": 3, "customers_held_out": 0})) == []


def test_power_is_told_with_what_less_would_need() -> None:
    power = Power(20_000, 2_000, 5, 0.04, 0.0131, 5926)
    assert lifts.describe_power(power) == (
        "2,000 of 20,000 are held out by chance. 4.0% of these customers order in 5 days anyway: a rise by 1.31 points "
        "(33%) is found four times of five; two thirds of that need 5,926 held out"
    )
    assert "no holdout of this audience" in lifts.describe_power(Power(200, 20, 5, 0.04, 0.2))
    assert "once orders of these customers" in lifts.describe_power(Power(200, 20, 5, 0.0))
