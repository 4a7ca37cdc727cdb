"""How right the forecast would have been: measured on the past, and used to correct the next one.

Measures are those of Wang, Liu and Miao 2019 (arXiv 1912.07753): normalised Gini, calibration by decile, bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wabench.ltv.ahead import discounted
from wabench.ltv.calibration import calibrate
from wabench.ltv.counts import Counts, Floats, Spent
from wabench.ltv.forecasts import Calibration, Choice, Forecast, Horizon, Model, fit, forecast, total
from wabench.ltv.orders import fit_orders
from wabench.ltv.spend import Variant, expected_spend, fit_spending, spending

CLEARLY = 2.0  # over the root of the number of customers: by how much a Gini must be better to change the spend variant


@dataclass(frozen=True, slots=True)
class Cut:
    """What was known at an earlier end, and what came in the `days` days after it. A row is one customer.

    naive_value: what each would spend if last year repeated itself: what it spent in the same days a year earlier,
    or, where the shop is not that old, in the `days` days before the cut.
    daily_orders: the shop's order days of each calendar day in order, the last one the day before the cut.
    """

    counts: Counts
    spent: Spent
    days: int
    actual_orders: Floats
    actual_value: Floats
    naive_value: Floats
    daily_orders: Floats


@dataclass(frozen=True, slots=True)
class Decile:
    """A tenth of the customers by expected value, 1 the highest: sums of both."""

    decile: int
    customers: int
    expected_value: float
    actual_value: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """Measures of one cut; nan where nothing came to compare with.

    plain_orders, plain_value: before season and level; the next calibration compares them with what came.
    bias: (expected - actual) / actual. mae: per customer, in money. gini: area of the gain chart over a perfect
    one's, ties shared. capture: share of all value that the top tenth brought. decile_error: mean of |expected -
    actual| / actual.
    is_in_range: the total's 80 % range held what came.
    """

    choice: Choice
    days: int
    customers: int
    actual_orders: float
    actual_value: float
    plain_orders: float
    plain_value: float
    season: float
    expected_orders: float
    expected_value: float
    expected_value_low: float
    expected_value_high: float
    bias: float
    mae: float
    naive_mae: float
    naive_bias: float
    gini: float
    naive_gini: float
    capture: float
    decile_error: float
    deciles: tuple[Decile, ...]
    is_in_range: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """All that a refresh needs: model, choice and calibration, the forecast, the back-tests with the newest last."""

    model: Model
    choice: Choice
    calibration: Calibration
    forecast: Forecast
    backtests: tuple[Backtest, ...]


def estimate(
    counts: Counts, spent: Spent, daily_orders: Floats, horizon: Horizon, past: Sequence[Cut] = ()
) -> Estimate:
    """Do it all: choose on the past, back-test each cut with what was known before it, calibrate, fit now, forecast.

    counts, spent: a row per customer now. past: oldest first; the days of each end before the next one's begin, and
    by now.
    """
    backtests: list[Backtest] = []
    choice = Choice()
    for cut in past:
        backtests.append(backtest(cut, choice, backtests))
        choice = choose(cut)
    model = fit(counts, spent, choice)
    calibration = calibrate(daily_orders, round(horizon.days), backtests, model.orders, counts)
    return Estimate(model, choice, calibration, forecast(model, counts, spent, horizon, calibration), tuple(backtests))


def backtest(cut: Cut, choice: Choice, earlier: Sequence[Backtest] = ()) -> Backtest:
    """Fit at the cut, calibrate with earlier back-tests, forecast, compare."""
    model = fit(cut.counts, cut.spent, choice)
    calibration = calibrate(cut.daily_orders, cut.days, earlier, model.orders, cut.counts)
    found = forecast(model, cut.counts, cut.spent, Horizon(cut.days), calibration, ranges=False)
    return measure(found, cut, choice)


def measure(forecast: Forecast, cut: Cut, choice: Choice) -> Backtest:
    """Compare a forecast of a cut with what came."""
    expected, sums = forecast.value, total(forecast)
    calibration = forecast.calibration
    actual_orders, actual_value = float(cut.actual_orders.sum()), float(cut.actual_value.sum())
    parts = deciles(expected, cut.actual_value)
    errors = [abs(one.expected_value - one.actual_value) / one.actual_value for one in parts if one.actual_value > 0]
    return Backtest(
        choice=choice,
        days=cut.days,
        customers=len(expected),
        actual_orders=actual_orders,
        actual_value=actual_value,
        plain_orders=sums.orders / (calibration.season * calibration.orders_level),
        plain_value=sums.value / (calibration.season * calibration.value_level),
        season=calibration.season,
        expected_orders=sums.orders,
        expected_value=sums.value,
        expected_value_low=sums.value_low,
        expected_value_high=sums.value_high,
        bias=_bias(sums.value, actual_value),
        mae=_mean(np.abs(expected - cut.actual_value)),
        naive_mae=_mean(np.abs(cut.naive_value - cut.actual_value)),
        naive_bias=_bias(float(cut.naive_value.sum()), actual_value),
        gini=gini(expected, cut.actual_value),
        naive_gini=gini(cut.naive_value, cut.actual_value),
        capture=capture(expected, cut.actual_value),
        decile_error=_mean(np.array(errors)),
        deciles=parts,
        is_in_range=bool(sums.value_low <= actual_value <= sums.value_high),
    )


def choose(cut: Cut) -> Choice:
    """Take the spend variant that ranks the customers of a past cut best, the default unless another clearly does."""
    usual, horizon = Choice(), Horizon(cut.days)
    orders = fit_orders(cut.counts, usual.process)
    expected = discounted(orders, cut.counts, horizon.ends, horizon.worth)
    ranked = {}
    for variant in Variant:
        spend = fit_spending(cut.counts, cut.spent, variant)
        value = expected * expected_spend(spend, *spending(cut.counts, cut.spent, variant))
        ranked[variant] = np.nan_to_num(gini(value, cut.actual_value))
    best = max(ranked, key=lambda variant: ranked[variant])
    clear = ranked[best] - ranked[usual.variant] > CLEARLY / np.sqrt(max(len(cut.counts), 1))
    return Choice(usual.process, best) if clear else usual


def gini(expected: Floats, actual: Floats) -> float:
    """Area between the gain chart and chance, over that of a perfect ranking; nan where nothing came."""
    perfect = _area(*_gains(actual, actual))
    return _area(*_gains(expected, actual)) / perfect if perfect > 0 else float("nan")


def capture(expected: Floats, actual: Floats, share: float = 0.1) -> float:
    """Share of what came that the top customers by expectation brought; nan where nothing came."""
    customers, gained = _gains(expected, actual)
    return float(np.interp(share, customers, gained))


def deciles(expected: Floats, actual: Floats) -> tuple[Decile, ...]:
    """Sums by tenths of the customers, the highest expectation first; ties stand in the order given."""
    order = np.argsort(-expected, kind="stable")
    return tuple(
        Decile(i, len(rows), float(expected[rows].sum()), float(actual[rows].sum()))
        for i, rows in enumerate(np.array_split(order, 10), start=1)
        if len(rows)
    )


def _gains(expected: Floats, actual: Floats) -> tuple[Floats, Floats]:
    """Share of customers and of what they brought, best first; customers with one expectation come together."""
    values, code = np.unique(-expected, return_inverse=True)
    people: NDArray[np.intp] = np.bincount(code, minlength=len(values))
    brought = np.bincount(code, actual, len(values))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (
            np.concatenate(([0.0], np.cumsum(people) / max(len(expected), 1))),
            np.concatenate(([0.0], np.cumsum(brought) / actual.sum())),
        )


def _area(customers: Floats, gained: Floats) -> float:
    return float(np.trapezoid(gained, customers)) - 0.5


def _bias(expected: float, actual: float) -> float:
    return (expected - actual) / actual if actual > 0 else float("nan")


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")
