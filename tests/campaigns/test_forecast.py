"""Forecasts against simulated shops whose rates are known, and against no history at all."""

import numpy as np
import pytest

from wabench.campaigns.forecast import STEPS, Expected, Past, Worth, forecast

RATES = {"delivered": 0.94, "read": 0.42, "replied": 0.05, "converted": 0.03, "opted_out": 0.004}
SPREAD = 60
WORTH = Worth(net=80, net_sd=40, orders=500, orders_per_buyer=1.2, margin_share=0.4)


def came(sent: int, random: np.random.Generator) -> Past:
    """Let a campaign happen in a shop of known rates, which differ from campaign to campaign."""
    counts = {"sent": sent}
    for step in STEPS:
        rate = random.beta(RATES[step.name] * SPREAD, (1 - RATES[step.name]) * SPREAD)
        counts[step.name] = int(random.binomial(counts[step.of], rate))
    return Past(counts)


def by_metric(found: tuple[Expected, ...]) -> dict[str, Expected]:
    return {each.metric: each for each in found}


def test_the_interval_holds_what_comes_in_four_cases_of_five() -> None:
    random = np.random.default_rng(1)
    held = dict.fromkeys(("delivered", "read", "replied"), 0)
    runs = 150
    for _ in range(runs):
        history = [came(1500, random) for _ in range(8)]
        expected = by_metric(forecast(2000, history, WORTH, random))
        actual = came(2000, random).counts
        for metric in held:
            held[metric] += expected[metric].holds(actual[metric])
    assert all(0.7 <= count / runs <= 0.92 for count in held.values()), held


def test_a_long_history_gives_its_own_rates_back() -> None:
    random = np.random.default_rng(2)
    found = by_metric(forecast(10_000, [came(20_000, random) for _ in range(60)], WORTH, random))
    delivered = 10_000 * RATES["delivered"]
    assert found["delivered"].expected == pytest.approx(delivered, rel=0.03)
    assert found["read"].expected == pytest.approx(delivered * RATES["read"], rel=0.08)
    assert found["orders"].expected == pytest.approx(delivered * RATES["converted"] * 1.2, rel=0.2)
    assert found["net_revenue"].expected == pytest.approx(found["orders"].expected * 80, rel=0.05)
    assert found["margin"].expected == pytest.approx(found["net_revenue"].expected * 0.4)


def test_without_history_rates_are_the_trades_and_wide_and_no_order_is_promised() -> None:
    found = by_metric(forecast(1000, [], WORTH, np.random.default_rng(3)))
    assert set(found) == {"delivered", "read", "replied", "opted_out"}
    assert found["delivered"].low < 900 < found["delivered"].high
    read = found["read"]
    assert read.high - read.low > 0.2 * read.expected


def test_one_campaign_narrows_the_interval_and_more_narrow_it_further() -> None:
    def width(campaigns: int) -> float:
        random = np.random.default_rng(4)
        history = [Past({"sent": 5000, "delivered": 4700, "read": 2000})] * campaigns
        read = by_metric(forecast(5000, history, None, random))["read"]
        return read.high - read.low

    assert width(0) > width(1) > width(12)


def test_what_is_not_known_of_a_campaign_says_nothing_and_the_rest_counts() -> None:
    only_read = [Past({"delivered": 4000, "read": 3600})] * 10
    found = by_metric(forecast(1000, only_read, None, np.random.default_rng(5)))
    assert found["read"].expected / found["delivered"].expected == pytest.approx(0.9, abs=0.05)


def test_nobody_to_send_to_is_nothing_to_expect() -> None:
    found = forecast(0, [came(500, np.random.default_rng(6))], WORTH, np.random.default_rng(7))
    assert {(each.expected, each.low, each.high) for each in found} == {(0, 0, 0)}


def test_the_same_seed_gives_the_same_forecast() -> None:
    history = [came(500, np.random.default_rng(8))]
    one, two = (forecast(800, history, WORTH, np.random.default_rng(9)) for _ in range(2))
    assert one == two
