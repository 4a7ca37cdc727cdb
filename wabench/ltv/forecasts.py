"""Orders and value ahead, per customer and for a set of them, each with its 80 % range."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from wabench.ltv.ahead import discounted, moments, p_none, quantile
from wabench.ltv.counts import Counts, Floats, Spent, dot
from wabench.ltv.orders import Basis, OrdersFit, Process, fit_orders
from wabench.ltv.spend import SpendFit, Variant, expected_spend, fit_spending, posterior, spending

DAYS_PER_MONTH = 365.25 / 12
ENDS = (0.1, 0.9)
LEAST_TAIL = 0.25  # q - 2 of a spend without a variance, where one is needed for a sum
ORDERS, SPEND = ("r", "alpha", "a", "b"), ("p", "q", "v")
STEP = 1e-3  # of a logarithm
ALMOST_NEVER = 1e-8  # shape of a gamma that is 0 in all but one of many millions of cases


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead: `steps` equal steps of `days` in all; what comes in step i (from 1) is worth 1 / (1 + rate)**i.

    `rate` is per step; `Horizon.months` takes a yearly one. Without a rate nothing is discounted.
    """

    days: float
    steps: int = 1
    rate: float = 0.0

    @classmethod
    def months(cls, months: int = 12, *, yearly_rate: float, days_per_month: float = DAYS_PER_MONTH) -> "Horizon":
        """Monthly steps, discounted at an effective yearly rate (0.1 is 10 % a year)."""
        return cls(months * days_per_month, months, float((1 + yearly_rate) ** (1 / 12) - 1))

    @property
    def ends(self) -> Floats:
        """Days from now to the end of each step."""
        return self.days * np.arange(1, self.steps + 1) / self.steps

    @property
    def worth(self) -> Floats:
        """What 1 in each step is worth now."""
        return (1 + self.rate) ** -np.arange(1.0, self.steps + 1)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrections that prior data call for; all factors, 1 where nothing is known.

    season: of both. orders_level, value_level: half of how far off the last back-tests were.
    orders_sd, value_sd: what is left uncertain of a total, as a standard deviation of its logarithm; all customers
    share it.
    """

    season: float = 1.0
    orders_level: float = 1.0
    value_level: float = 1.0
    orders_sd: float = 0.0
    value_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which process and which spend variant; the default stands unless a back-test clearly speaks against it."""

    process: Process | None = None
    variant: Variant = Variant.POOLED


@dataclass(frozen=True, slots=True)
class Model:
    """The two fits that a forecast needs."""

    orders: OrdersFit
    spend: SpendFit

    @property
    def basis(self) -> Basis:
        """MODEL only where both are; NONE where either knows nothing."""
        both = {self.orders.basis, self.spend.basis}
        return next(basis for basis in (Basis.NONE, Basis.COHORT_MEAN, Basis.MODEL) if basis in both)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Per row (of one customer), calibrated: expectations, their 80 % ranges, and variances without the shared part.

    orders_sd, value_sd: the shared part, of the logarithm of a sum: what the calibration leaves uncertain, and the
    parameters.
    """

    orders: Floats
    orders_low: Floats
    orders_high: Floats
    orders_variance: Floats
    value: Floats
    value_low: Floats
    value_high: Floats
    value_variance: Floats
    orders_sd: float
    value_sd: float
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


Fit = TypeVar("Fit", OrdersFit, SpendFit)
PLAIN = Calibration()
USUAL = Choice()


def fit(counts: Counts, spent: Spent, choice: Choice = USUAL) -> Model:
    """Fit orders and spend; a row is one customer, or `customers` of them with the same figures."""
    return Model(fit_orders(counts, choice.process), fit_spending(counts, spent, choice.variant))


def expected_value(model: Model, counts: Counts, spent: Spent, horizon: Horizon) -> Floats:
    """Expected discounted value, per row (of one customer), before any calibration.

    Fader, Hardie and Lee 2005, "RFM and CLV", Journal of Marketing Research 42: expected orders of each step, times
    what one is expected to be worth, discounted.
    """
    orders = discounted(model.orders, counts, horizon.ends, horizon.worth)
    return orders * expected_spend(model.spend, *spending(counts, spent, model.spend.variant))


def forecast(
    model: Model,
    counts: Counts,
    spent: Spent,
    horizon: Horizon,
    calibration: Calibration = PLAIN,
    *,
    ranges: bool = True,
) -> Forecast:
    """Expect orders and value per row, with ranges that hold what comes in 80 % of cases. Deterministic.

    A range may hold more where orders are few, for it ends at whole orders: who comes back with 5 % has [0, 0].
    Without `ranges`, where only sums are asked for, those of single customers are nan.
    """
    by_parameters = _parameter_sds(model, counts, spent, horizon)
    orders_sd, value_sd = np.hypot((calibration.orders_sd, calibration.value_sd), by_parameters).tolist()
    factor, of_value = (calibration.season * level for level in (calibration.orders_level, calibration.value_level))
    grouped, index = counts.grouped()
    plain, squared = moments(model.orders, grouped, horizon.days)
    pairs, early = squared - plain, discounted(model.orders, grouped, horizon.ends, horizon.worth)
    worthy = _Amounts.of(model, counts, spent)
    amounts = replace(
        worthy,
        none=p_none(model.orders, grouped, horizon.days * of_value)[index],
        once=(plain * of_value)[index],
        pairs=(pairs * of_value**2)[index],
        worth=worthy.worth * _ratio(early, plain)[index],
    )
    span = horizon.days * factor
    low, high = _ends(len(grouped), ranges, lambda at: quantile(model.orders, grouped, span, at, orders_sd))
    value_low, value_high = _ends(len(counts), ranges, lambda at: amounts.quantile(at, value_sd))
    return Forecast(
        orders=(plain * factor)[index],
        orders_low=low[index],
        orders_high=high[index],
        orders_variance=np.maximum(factor**2 * (pairs - plain**2) + factor * plain, 0.0)[index],
        value=amounts.once * amounts.worth,
        value_low=value_low,
        value_high=value_high,
        value_variance=amounts.variance(),
        orders_sd=orders_sd,
        value_sd=value_sd,
        horizon=horizon,
        calibration=calibration,
        basis=model.basis,
    )


def _ends(rows: int, ranges: bool, at: Callable[[float], Floats]) -> tuple[Floats, Floats]:
    """Both ends of the ranges, nan where none are asked for."""
    if not ranges:
        return np.full(rows, np.nan), np.full(rows, np.nan)
    return at(ENDS[0]), at(ENDS[1])


def total(forecast: Forecast, members: NDArray[np.bool_] | None = None, customers: Floats | None = None) -> Total:
    """Sum the chosen rows (all by default), each counted `customers` times (once by default).

    A sum is taken for gamma: it is never below 0, and normal where it is large.
    """
    count = np.ones(len(forecast.value)) if customers is None else customers
    count = count if members is None else count * members
    found: list[float] = []
    for mean, variance, sd in (
        (forecast.orders, forecast.orders_variance, forecast.orders_sd),
        (forecast.value, forecast.value_variance, forecast.value_sd),
    ):
        expected = dot(count, mean)
        spread = dot(count, variance) + (sd * expected) ** 2
        found += [expected, *(float(_gamma_quantile(level, expected, spread)) for level in ENDS)]
    return Total(*found)


@dataclass(frozen=True, slots=True)
class _Amounts:
    """What a row's value V is made of: N orders, each gamma(p, nu), nu gamma(shape, .) with the mean that `worth` says.

    none: P(N = 0); once: E[N]; pairs: E[N (N - 1)]; shape is inf where all order days are worth the same on average.
    """

    none: Floats
    once: Floats
    pairs: Floats
    worth: Floats
    p: float
    shape: Floats

    @classmethod
    def of(cls, model: Model, counts: Counts, spent: Spent) -> "_Amounts":
        """Know what an order is worth, and of orders nothing yet."""
        seen = spending(counts, spent, model.spend.variant)
        unknown = np.zeros(len(counts))
        p = model.spend.p if model.spend.basis is Basis.MODEL else 1.0
        worth, shape = expected_spend(model.spend, *seen), posterior(model.spend, *seen)[0]
        return cls(unknown, unknown, unknown, worth, p, shape)

    def variance(self) -> Floats:
        """Var V, from E[V^2] = (p (p+1) E[N] + p^2 E[N (N-1)]) E[1 / nu^2]."""
        shape = np.maximum(self.shape, 2 + LEAST_TAIL)
        inverse = 1 + 1 / (shape - 2)
        square = self.worth**2 * inverse * (self.once * (1 + 1 / self.p) + self.pairs)
        return np.maximum(square - (self.once * self.worth) ** 2, 0.0)

    def quantile(self, level: float, sd: float) -> Floats:
        """Where V ends with this probability: 0 in P(N = 0); else a gamma with the moments of the N gammas, over nu.

        The quotient of two gammas is beta prime, so heavy tails of nu stay as they are.
        """
        some = 1 - self.none
        rows = np.flatnonzero((some > 1 - level) & (self.once > 0) & (self.worth > 0))
        some, once, shape = some[rows], self.once[rows], self.shape[rows]
        mean = once / some
        variance = mean / self.p + (self.pairs[rows] + once) / some - mean**2 + (sd * mean) ** 2
        size = mean**2 / np.maximum(variance, 1e-12 * mean**2)
        at = (level - self.none[rows]) / some
        found = np.zeros(len(self.none))
        found[rows] = self.worth[rows] * mean / size * _over_gamma(size, shape, at)
        return found


def _over_gamma(size: Floats, shape: Floats, at: Floats) -> Floats:
    """Quantile of gamma(size) over gamma(shape) / (shape - 1); of gamma(size) alone where shape is infinite."""
    known = np.isfinite(shape)
    found = np.zeros_like(size)
    found[~known] = special.gammaincinv(size[~known], at[~known])
    part = special.betaincinv(size[known], shape[known], at[known])
    found[known] = part / np.maximum(1 - part, 1e-15) * np.maximum(shape[known] - 1, 1e-3)
    return found


def _gamma_quantile(level: float, mean: float, variance: float) -> float:
    if mean <= 0 or variance <= 0:
        return max(mean, 0.0)
    shape = mean / variance * mean
    return float(special.gammaincinv(shape, level)) * mean / shape if shape > ALMOST_NEVER else 0.0


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator > 0)


def _parameter_sds(model: Model, counts: Counts, spent: Spent, horizon: Horizon) -> tuple[float, float]:
    """Standard deviations of the logarithms of the expected sums, for what the parameters are uncertain."""
    grouped, index = counts.grouped()

    def orders_of(one: OrdersFit) -> float:
        return dot(grouped.customers, moments(one, grouped, horizon.days)[0])

    parts = [
        weight * _delta(part.covariance, replace(part, stayers=None), ORDERS, orders_of)
        for part, weight in model.orders.parts
    ]
    orders = moments(model.orders, grouped, horizon.days)[0][index] * counts.customers
    seen = spending(counts, spent, model.spend.variant)
    of_spend = _delta(model.spend.covariance, model.spend, SPEND, lambda one: dot(orders, expected_spend(one, *seen)))
    of_orders = float(sum(parts))
    return of_orders, float(np.hypot(of_orders, of_spend))


def _delta(covariance: Floats, fitted: Fit, names: tuple[str, ...], of: Callable[[Fit], float]) -> float:
    """Delta method by central differences in the logarithms of the parameters; 0 where they are not known."""
    if not np.isfinite(covariance).all():
        return 0.0
    slopes = []
    for name in names[: len(covariance)]:
        up, down = (of(replace(fitted, **{name: getattr(fitted, name) * np.exp(side * STEP)})) for side in (1, -1))
        slopes.append((np.log(up) - np.log(down)) / (2 * STEP) if min(up, down) > 0 else 0.0)
    return float(np.sqrt(max(0.0, np.array(slopes) @ covariance @ np.array(slopes))))
