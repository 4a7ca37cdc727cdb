"""What prior data say of how far off the next forecast will be: the season, the level, and how sure either is."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from wabench.ltv.ahead import expected_daily
from wabench.ltv.counts import Counts, Floats
from wabench.ltv.forecasts import Calibration
from wabench.ltv.orders import Basis, OrdersFit

YEAR = 365
LEAST_ORDERS = 100  # in the same days a year earlier: below it an index would be noise
SEASON_LIMIT = 3.0
SHRUNK = 0.5
PRIOR_SD = 0.2  # of the logarithm of a total, calibrated
PRIOR_SD_WITHOUT_SEASON = 0.3
PRIOR_WEIGHT = 2.0  # as if seen in so many back-tests


class Tested(Protocol):
    """What a calibration reads of an earlier back-test."""

    @property
    def plain_orders(self) -> float: ...
    @property
    def plain_value(self) -> float: ...
    @property
    def season(self) -> float: ...
    @property
    def expected_orders(self) -> float: ...
    @property
    def expected_value(self) -> float: ...
    @property
    def actual_orders(self) -> float: ...
    @property
    def actual_value(self) -> float: ...


def season_index(
    daily_orders: Floats, days: int, orders: OrdersFit | None = None, counts: Counts | None = None
) -> float | None:
    """Repeat orders of the same days a year earlier over what the fit expects of those days; None without that year.

    The fit knows who had come by then and how customers fade, so neither growth nor age is taken for season. Without a
    fit: all orders of those days over the mean of the year around their middle. For a year ahead the index is 1. The
    shop must have had the whole year around those days, for its own beginning is no season.
    """
    if days >= YEAR:
        return 1.0
    begins = len(daily_orders) - YEAR
    around = begins + days // 2 - YEAR // 2
    if around < 0 or days < 1:
        return None
    same = slice(begins, begins + days)
    if orders is not None and counts is not None and orders.basis is Basis.MODEL:
        came, repeat = expected_daily(orders, counts, len(daily_orders))
        found, usual = float((daily_orders - came)[same].sum()), float(repeat[same].sum())
    else:
        found = float(daily_orders[same].sum())
        usual = float(daily_orders[around : around + YEAR].sum()) * days / YEAR
    if min(found, usual) < LEAST_ORDERS:
        return None
    return float(np.clip(found / usual, 1 / SEASON_LIMIT, SEASON_LIMIT))


def calibrate(
    daily_orders: Floats,
    days: int,
    earlier: Sequence[Tested],
    orders: OrdersFit | None = None,
    counts: Counts | None = None,
) -> Calibration:
    """Season, and half of how far off the back-tests were on average, from prior data alone.

    daily_orders: the shop's order days of each calendar day, the last one the day before the forecast begins.
    earlier: oldest first, each ended before the forecast begins.
    orders, counts: the fit that is to be calibrated and what it was fitted on, by which the season is told best.
    """
    known = season_index(daily_orders, days, orders, counts)
    season, prior = (1.0, PRIOR_SD_WITHOUT_SEASON) if known is None else (known, PRIOR_SD)
    of_orders = [(one.actual_orders, one.plain_orders * one.season, one.expected_orders) for one in earlier]
    value = [(one.actual_value, one.plain_value * one.season, one.expected_value) for one in earlier]
    return Calibration(season, _level(of_orders), _level(value), _sd(of_orders, prior), _sd(value, prior))


def _level(tested: Sequence[tuple[float, float, float]]) -> float:
    errors = [np.log(actual / plain) for actual, plain, _ in tested if actual > 0 and plain > 0]
    return float(np.exp(SHRUNK * np.mean(errors))) if errors else 1.0


def _sd(tested: Sequence[tuple[float, float, float]], prior: float) -> float:
    errors = [np.log(actual / expected) for actual, _, expected in tested if actual > 0 and expected > 0]
    squares = PRIOR_WEIGHT * prior**2 + float(np.square(errors).sum())
    return float(np.sqrt(squares / (PRIOR_WEIGHT + len(errors))))
