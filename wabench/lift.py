"""What a campaign caused: everybody chosen for it against those held out by chance, whatever was delivered.

Pure: sufficient statistics in, estimates out; nothing here reads or keeps. Every number may as well be an array, with a
value for each experiment. What can't be told is nan.

- CUPED: Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing
  pre-experiment data", section 3.2; theta for arms of unequal size: Lin (2013), "Agnostic notes on regression
  adjustments to experimental data", section 4.
- Degrees of freedom: Welch (1947), "The generalization of Student's problem when several different population
  variances are involved". Two customers more an arm, one of whom buys: Agresti and Caffo (2000), "Simple and effective
  confidence intervals for proportions and differences of proportions", section 2.
- Sample ratio: Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments".
- Power: Chow, Shao and Wang (2008), "Sample size calculations in clinical research", section 4.2.
- Shrinkage: DerSimonian and Laird (1986), "Meta-analysis in clinical trials"; Morris (1983), "Parametric empirical
  Bayes inference: theory and applications", section 5.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Numbers = float | NDArray[np.float64]
LEVEL = 0.95
POWER = 0.8
LEAST_CAMPAIGNS = 4
"""Fewer don't say how much campaigns differ, so nothing is shrunk."""

_NOISE = 1e-9  # less variance than this, of its square, is what floats make of a covariate that is the same for all


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm: its customers, how many of them have an outcome, and sums of outcome y and covariate x over all."""

    customers: Numbers
    active: Numbers
    y: Numbers
    yy: Numbers
    x: Numbers = 0.0
    xx: Numbers = 0.0
    xy: Numbers = 0.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What the campaign changed for one customer on average, with its interval.

    `variance_removed` is the share of the difference's variance that the covariate explained.
    """

    value: Numbers
    error: Numbers
    low: Numbers
    high: Numbers
    p: Numbers
    variance_removed: Numbers

    def of(self, customers: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Give value, low and high for so many customers."""
        return self.value * customers, self.low * customers, self.high * customers


def compare(treated: Arm, held_out: Arm, level: float = LEVEL) -> Effect:
    """Estimate the mean outcome of the treated less that of the held out, adjusted for the covariate.

    Nothing but nan where an arm has fewer than 3 customers, or nobody in either has an outcome, or so few have one that
    the covariate seems to tell them all.
    """
    treated, held_out = _floats(treated), _floats(held_out)
    arms = (treated, held_out)
    with np.errstate(divide="ignore", invalid="ignore"):
        theta = _theta(arms)
        value = _mean(treated, theta) - _mean(held_out, theta)
        errors = [_squared_error(arm, arms, theta) for arm in arms]
        squared, plain = sum(errors), sum(_squared_error(arm, arms, 0.0) for arm in arms)
        freedom = squared**2 / sum(e**2 / (arm.customers - 2) for e, arm in zip(errors, arms, strict=True))
        error = np.where(_is_enough(arms) & (squared > 0), np.sqrt(squared), np.nan)
        reach = special.stdtrit(freedom, (1 + level) / 2) * error
        return Effect(
            value=np.where(np.isnan(error), np.nan, value),
            error=error,
            low=value - reach,
            high=value + reach,
            p=2 * special.stdtr(freedom, -np.abs(value / error)),
            variance_removed=np.where(np.isnan(error), np.nan, np.maximum(1 - squared / plain, 0)),
        )


def sample_ratio_p(treated: Numbers, held_out: Numbers, share: Numbers) -> Numbers:
    """Give the chance of a split at least so far from the share that was to be held out: Pearson's chi-square, 1 df."""
    total = treated + held_out
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (held_out - total * share) ** 2 / (total * share * (1 - share))
    return special.chdtrc(1, statistic)  # type: ignore[no-any-return]


def smallest_effect(rate: float, customers: int, held_out: int, power: float = POWER, level: float = LEVEL) -> float:
    """Give the least rise of a conversion rate that is found with this power; nan where an arm is empty."""
    treated = customers - held_out
    if min(treated, held_out) <= 0:
        return float("nan")
    reach = _reach(power, level) ** 2
    # (rate + d) (1 - rate - d) / treated + rate (1 - rate) / held_out = d² / reach, solved for d
    a = 1 / reach + 1 / treated
    b = -(1 - 2 * rate) / treated
    c = -rate * (1 - rate) * (1 / treated + 1 / held_out)
    return (-b + sqrt(b * b - 4 * a * c)) / (2 * a)


def holdout_needed(
    rate: float, effect: float, customers: int, power: float = POWER, level: float = LEVEL
) -> int | None:
    """Give how many of the customers must be held out so that a rise of the rate by `effect` is found with this power.

    None where no split finds it.
    """
    wanted = (effect / _reach(power, level)) ** 2
    kept, raised = rate * (1 - rate), min(rate + effect, 1.0) * (1 - min(rate + effect, 1.0))
    # raised / (customers - h) + kept / h = wanted, solved for the smaller h
    b = raised - kept - wanted * customers
    inside = b * b - 4 * wanted * kept * customers
    if b >= 0 or inside < 0:
        return None
    held_out = int(np.ceil((-b - sqrt(inside)) / (2 * wanted)))
    return max(held_out, 1) if held_out < customers else None


def wilson(part: int, whole: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Bound a share with 95 % confidence; the whole's is more than 0.

    Wilson (1927), Probable inference, the law of succession, and statistical inference; JASA 22, 209-212. As the macros
    `wilson_low` and `wilson_high`.
    """
    middle = (part + z * z / 2) / (whole + z * z)
    reach = z / (whole + z * z) * sqrt(part * (whole - part) / whole + z * z / 4)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def shrink(effects: NDArray[np.float64], errors: NDArray[np.float64], level: float = LEVEL) -> NDArray[np.float64]:
    """Pull the effects of a shop's campaigns towards their mean, the more the less certain each is by itself.

    Gives a row per campaign of value, low and high; nan where the effect is unknown, or too few are known.
    """
    shrunk = np.full((len(effects), 3), np.nan)
    known = np.isfinite(effects) & np.isfinite(errors) & (errors > 0)
    if known.sum() < LEAST_CAMPAIGNS:
        return shrunk
    values, variances, few = effects[known], errors[known] ** 2, int(known.sum()) - 3
    spread = variances + _between(values, variances)
    weights = 1 / spread / (1 / spread).sum()
    mean = (weights * values).sum()
    pull = few / (few + 2) * variances / spread
    value = values - pull * (values - mean)
    doubt = 2 / few * pull**2 * (weights * spread).sum() / spread  # of the pull itself
    error = np.sqrt(variances * (1 - (1 - weights) * pull) + doubt * (values - mean) ** 2)
    reach = special.ndtri((1 + level) / 2) * error
    shrunk[known] = np.column_stack((value, value - reach, value + reach))
    return shrunk


def cost_per_unit(cost: Numbers, value: Numbers, low: Numbers, high: Numbers) -> tuple[Any, Any, Any]:
    """Divide a cost by what it brought: value, low and high.

    All nan unless the whole interval is above zero: what may be nothing, or less, has no price.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        paid = np.where(np.asarray(low) > 0, cost, np.nan)
        return paid / value, paid / high, paid / low


def _floats(arm: Arm) -> Any:
    return Arm(*(np.asarray(getattr(arm, name), np.float64) for name in Arm.__slots__))


def _is_enough(arms: Any) -> Any:
    return (np.minimum(*(arm.customers for arm in arms)) > 2) & (sum(arm.active for arm in arms) > 0)


def _theta(arms: Any) -> Any:
    """Give the theta that leaves the least variance: each arm's slope counts by how much its mean varies."""
    covariate = sum(_covariance(arm.customers, arm.x, arm.x, arm.xx) / arm.customers for arm in arms)
    shared = sum(_covariance(arm.customers, arm.x, arm.y, arm.xy) / arm.customers for arm in arms)
    size = sum(arm.xx / arm.customers**2 for arm in arms)
    return np.where(covariate > _NOISE * size, shared / covariate, 0.0)


def _mean(arm: Any, theta: Any) -> Any:
    return (arm.y - theta * arm.x) / arm.customers


def _covariance(n: Any, x: Any, y: Any, xy: Any) -> Any:
    return (xy - x * y / n) / (n - 1)


def _squared_error(arm: Any, arms: Any, theta: Any) -> Any:
    """Give the squared standard error of an arm's adjusted mean.

    What buyers spend is taken to vary as it does in both arms together, and how many buy is told with two customers
    more, one of whom does: the few buyers of a holdout look too much alike just when they are few and spend little.
    """
    n, buyers = arm.customers, sum(each.active for each in arms)
    share = (arm.active + 1) / (n + 2)
    spent, spent_squared = sum(each.y for each in arms) / buyers, sum(each.yy for each in arms) / buyers
    outcome = share * spent_squared - (share * spent) ** 2
    shared, covariate = _covariance(n, arm.x, arm.y, arm.xy), _covariance(n, arm.x, arm.x, arm.xx)
    residual = np.maximum(outcome - 2 * theta * shared + theta * theta * covariate, 0)
    return residual * (n - 1) / (n - 2) / n


def _between(values: NDArray[np.float64], variances: NDArray[np.float64]) -> float:
    """Estimate by how much campaigns really differ: their variance beyond what chance explains, never below zero."""
    weights = 1 / variances
    mean = (weights * values).sum() / weights.sum()
    excess = (weights * (values - mean) ** 2).sum() - (len(values) - 1)
    return float(max(0.0, excess / (weights.sum() - (weights**2).sum() / weights.sum())))


def _reach(power: float, level: float) -> float:
    return float(special.ndtri((1 + level) / 2) + special.ndtri(power))
