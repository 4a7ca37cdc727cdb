"""How right the forecast would have been: measured on the past, and used to correct the next one."""

from collections.abc import Sequence
from dataclasses import dataclass

from wabench.ltv.counts import Counts, Floats, Spent
from wabench.ltv.forecast import Calibration, Choice, Forecast, Horizon, Model


@dataclass(frozen=True, slots=True)
class Cut:
    """What was known at an earlier end, and what came in the `days` days after it. A row is one customer.

    naive_value: what the same customers spent in the `days` days before the same days a year later would be theirs if
    last year repeated itself; where there was no last year, in the `days` days before the cut.
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
    """Measures of one cut. Biases are (expected - actual) / actual, nan where nothing came; gini is that of the
    gain chart over a perfect one's, ties shared; capture is the share of value that the top tenth brought.

    plain_orders and plain_value are before season and level: the next calibration compares them with what came.
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
    """All that a refresh needs: the model with its choice and calibration, the forecast, the back-tests, newest last."""

    model: Model
    choice: Choice
    calibration: Calibration
    forecast: Forecast
    backtests: tuple[Backtest, ...]


def season_index(daily_orders: Floats, days: int) -> float | None:
    """Mean of the same days a year earlier over the mean of the year before those; None without the data for it."""
    raise NotImplementedError


def calibrate(daily_orders: Floats, days: int, earlier: Sequence[Backtest]) -> Calibration:
    """Season and half-shrunk level from prior data alone; `earlier` oldest first, all ended before the forecast begins."""
    raise NotImplementedError


def measure(forecast: Forecast, cut: Cut, choice: Choice, plain: Forecast | None = None) -> Backtest:
    """Compare a forecast of a cut with what came."""
    raise NotImplementedError


def backtest(cut: Cut, choice: Choice, earlier: Sequence[Backtest] = ()) -> Backtest:
    """Fit at the cut, calibrate with earlier back-tests, forecast, compare."""
    raise NotImplementedError


def choose(cut: Cut) -> Choice:
    """Take the process and the variant that would have ranked the customers of a past cut best."""
    raise NotImplementedError


def estimate(
    counts: Counts, spent: Spent, daily_orders: Floats, horizon: Horizon, past: Sequence[Cut] = ()
) -> Estimate:
    """Do it all: choose on the past, back-test each cut on those before it, calibrate, fit now, forecast.

    counts, spent: a row per customer now. past: oldest first, each cut's days ended by now.
    """
    raise NotImplementedError
