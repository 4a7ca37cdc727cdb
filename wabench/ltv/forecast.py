"""Orders and value ahead, per customer and for a set of them, each with its 80 % range."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wabench.ltv.counts import Counts, Floats, Spent
from wabench.ltv.orders import Basis, OrdersFit, Process
from wabench.ltv.spend import SpendFit, Variant

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead: `steps` equal steps of `days` in all; what comes in step i is worth 1 / (1 + rate)**i.

    `rate` is per step. `Horizon.months` takes a yearly one. No rate: undiscounted.
    """

    days: float
    steps: int = 1
    rate: float = 0.0

    @classmethod
    def months(cls, months: int = 12, *, yearly_rate: float, days_per_month: float = DAYS_PER_MONTH) -> "Horizon":
        """Monthly steps, discounted at an effective yearly rate (0.1 is 10 % a year)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrections that prior data call for; all factors, 1 where nothing is known.

    season: of both. orders_level, value_level: half of how far off the last back-tests were.
    orders_sd, value_sd: what is left uncertain of a total, as a standard deviation of its logarithm; shared by all customers.
    """

    season: float = 1.0
    orders_level: float = 1.0
    value_level: float = 1.0
    orders_sd: float = 0.0
    value_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which process and which spend variant; the default is what stands without a back-test."""

    process: Process | None = None
    variant: Variant = Variant.ALL


@dataclass(frozen=True, slots=True)
class Model:
    """The two fits that a forecast needs."""

    orders: OrdersFit
    spend: SpendFit

    @property
    def basis(self) -> Basis:
        """MODEL only where both are."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Forecast:
    """Per row (of one customer), calibrated: expectations, their 80 % ranges, and variances without the shared part."""

    orders: Floats
    orders_low: Floats
    orders_high: Floats
    orders_variance: Floats
    value: Floats
    value_low: Floats
    value_high: Floats
    value_variance: Floats
    horizon: Horizon
    calibration: Calibration
    basis: Basis


@dataclass(frozen=True, slots=True)
class Total:
    """Expected sum over a set of customers with its 80 % range."""

    orders: float
    orders_low: float
    orders_high: float
    value: float
    value_low: float
    value_high: float


def fit(counts: Counts, spent: Spent, choice: Choice = Choice()) -> Model:  # noqa: B008 - frozen
    """Fit orders and spend; a row is one customer, or `customers` of them with the same figures."""
    raise NotImplementedError


def expected_value(model: Model, counts: Counts, spent: Spent, horizon: Horizon) -> Floats:
    """Expected discounted value, per row (of one customer), before any calibration."""
    raise NotImplementedError


def forecast(
    model: Model,
    counts: Counts,
    spent: Spent,
    horizon: Horizon,
    calibration: Calibration = Calibration(),  # noqa: B008 - frozen
) -> Forecast:
    """Expect orders and value per row, with ranges that hold what comes in 80 % of cases. Deterministic."""
    raise NotImplementedError


def total(forecast: Forecast, members: NDArray[np.bool_] | None = None, customers: Floats | None = None) -> Total:
    """Sum the chosen rows (all by default), each counted `customers` times (once by default)."""
    raise NotImplementedError
