"""What an order day will be worth: Gamma-Gamma, by maximum likelihood.

Fader and Hardie 2013, "The Gamma-Gamma Model of Monetary Value" (note 025): a customer's order days are worth
gamma(p, nu), nu is gamma(q, v) over customers, and neither knows how often they order.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from wabench.ltv.counts import Counts, Floats, Spent, dot, joined, summed
from wabench.ltv.newton import Maximum, maximise
from wabench.ltv.orders import Basis

MINIMUM_SPENDERS = 50
LEAST_SPEND = 1e-6  # no currency has less, and logarithms of it overflow
START = (2.0, 3.0, 1.0)  # p, q, and v in units of the mean
FIRST_SHARE = 0.4  # POOLED: the weight of ALL for who has ordered once; from a third to a half little changes
_NAN = float("nan")


class Variant(StrEnum):
    """Which order days the spend is learnt from: those after the first (as published), all, or both.

    POOLED is ALL, but who has ordered once is expected to spend a mean of what ALL and REPEAT say (`FIRST_SHARE`).
    """

    REPEAT = "repeat"
    ALL = "all"
    POOLED = "pooled"


@dataclass(frozen=True, slots=True)
class SpendFit:
    """Fitted Gamma-Gamma; v and mean are money per order day.

    `basis` COHORT_MEAN: too few data, so everybody's order day is worth `mean`; p, q and v are nan then.
    covariance: of ln p, ln q, ln v.
    newcomer: POOLED only, what REPEAT expects of who has ordered once.
    """

    p: float
    q: float
    v: float
    variant: Variant
    log_likelihood: float
    standard_errors: tuple[float, float, float]
    customers: float
    mean: float
    basis: Basis
    evaluations: int
    covariance: Floats = field(repr=False, compare=False)
    newcomer: float | None = None


def spending(counts: Counts, spent: Spent, variant: Variant) -> tuple[Floats, Floats]:
    """Give, per row, the number of order days that the variant looks at and their mean value (0 without any)."""
    repeat = np.where(counts.frequency > 0, spent.repeat, 0.0)
    if variant is Variant.REPEAT:
        return counts.frequency, repeat
    return counts.frequency + 1, (spent.first + counts.frequency * repeat) / (counts.frequency + 1)


def fit_spend(
    orders: ArrayLike,
    mean_spend: ArrayLike,
    customers: ArrayLike | None = None,
    *,
    variant: Variant = Variant.REPEAT,
    minimum_spenders: int = MINIMUM_SPENDERS,
    near: SpendFit | None = None,
) -> SpendFit:
    """Fit on rows with an order and a mean above LEAST_SPEND; never raises on real data.

    variant: only says what the rows are.
    near: a fit that this one may resemble, to begin from.
    """
    n, z = np.asarray(orders, dtype=np.float64), np.asarray(mean_spend, dtype=np.float64)
    people = np.ones_like(n) if customers is None else np.asarray(customers, dtype=np.float64)
    used = (n > 0) & (z > LEAST_SPEND) & np.isfinite(z) & (people > 0)
    n, z, people = n[used], z[used], people[used]
    spenders = float(people.sum())
    mean = dot(people * n, z) / dot(people, n) if spenders else 0.0
    if spenders < max(minimum_spenders, 1) or np.ptp(z) < 1e-9 * mean:
        return _cohort_mean(variant, spenders, mean)
    likelihood = _Likelihood.of(n, z / mean, people)
    begin = START if near is None or near.basis is not Basis.MODEL else (near.p, near.q, near.v / mean)
    found = maximise(likelihood, np.log(begin))
    return _fitted(variant, found, likelihood.jacobian - spenders * float(np.log(mean)), spenders, mean)


def fit_spending(
    counts: Counts, spent: Spent, variant: Variant = Variant.POOLED, *, minimum_spenders: int = MINIMUM_SPENDERS
) -> SpendFit:
    """Fit on what rows of customers spent. POOLED falls back on ALL where too few have ordered twice."""
    repeat, every = (spending(counts, spent, one) for one in (Variant.REPEAT, Variant.ALL))
    first = fit_spend(*repeat, counts.customers, variant=Variant.REPEAT, minimum_spenders=minimum_spenders)
    if variant is Variant.REPEAT:
        return first
    found = fit_spend(*every, counts.customers, variant=Variant.ALL, minimum_spenders=minimum_spenders, near=first)
    if variant is Variant.ALL or first.basis is not Basis.MODEL:
        return found
    return replace(found, variant=variant, newcomer=float(expected_spend(first, [0.0], [0.0])[0]))


def expected_spend(fit: SpendFit, orders: ArrayLike, mean_spend: ArrayLike) -> Floats:
    """Expected value of a future order day, per row (note 025, conditional expectation); orders is 0 of one never seen.

    Where q is so low that the population has no mean, a customer never seen is given the mean of what was seen.
    """
    shape, rate = posterior(fit, orders, mean_spend)
    if fit.basis is not Basis.MODEL:
        return np.full(len(shape), fit.mean)
    with np.errstate(divide="ignore"):
        expected = fit.p * rate / (shape - 1)
    expected = np.where(shape > 1 + 1e-3, expected, fit.mean)
    if fit.newcomer is None:
        return expected
    once = FIRST_SHARE * expected + (1 - FIRST_SHARE) * fit.newcomer
    return np.where(np.asarray(orders) == 1, once, expected)


def posterior(fit: SpendFit, orders: ArrayLike, mean_spend: ArrayLike) -> tuple[Floats, Floats]:
    """Shape and rate of the gamma that nu is, per row, after so many order days of such a mean."""
    n, z = np.asarray(orders, dtype=np.float64), np.asarray(mean_spend, dtype=np.float64)
    if fit.basis is not Basis.MODEL:
        return np.full(n.shape, np.inf), np.full(n.shape, np.inf)
    return fit.q + fit.p * n, fit.v + np.where(n > 0, n * np.maximum(z, 0.0), 0.0)


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """Note 025, the marginal distribution of the mean. What depends on orders alone is summed over distinct numbers."""

    orders: Floats
    total: Floats
    customers: Floats
    jacobian: float
    logs: float
    values: Floats
    customers_of_value: Floats

    @classmethod
    def of(cls, n: Floats, z: Floats, people: Floats) -> "_Likelihood":
        stands, code = joined(n)
        values = n[stands]
        total = n * z
        return cls(
            orders=n,
            total=total,
            customers=people,
            jacobian=-dot(people, np.log(z)),
            logs=dot(people * n, np.log(total)),
            values=values,
            customers_of_value=summed(code, people, len(values)),
        )

    def __call__(self, at: Floats) -> tuple[float, Floats, Floats]:
        p, q, v = np.exp(at)
        x, k, people = self.values, self.customers_of_value, self.customers
        weight = people / (v + self.total)
        logs = np.log(v + self.total)
        of_sum, of_orders = dot(people, logs), dot(people * self.orders, logs)
        inverse, inverse_orders = float(weight.sum()), dot(weight, self.orders)
        squares = weight**2 / people
        known = k.sum()
        value = k @ (special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q)) + known * q * at[2]
        value += p * self.logs - p * of_orders - q * of_sum
        both, own = special.psi(p * x + q), special.psi(p * x)
        first = np.array(
            [
                k @ (x * (both - own)) + self.logs - of_orders,
                k @ both - known * special.psi(q) + known * at[2] - of_sum,
                known * q / v - p * inverse_orders - q * inverse,
            ]
        )
        both, own = special.polygamma(1, p * x + q), special.polygamma(1, p * x)
        second = np.zeros((3, 3))
        second[0] = k @ (x**2 * (both - own)), k @ (x * both), -inverse_orders
        second[1, 1:] = k @ both - known * special.polygamma(1, q), known / v - inverse
        second[2, 2] = -known * q / v**2 + p * dot(squares, self.orders) + q * squares.sum()
        second += np.triu(second, 1).T
        gradient = np.exp(at) * first
        return float(value), gradient, np.outer(np.exp(at), np.exp(at)) * second + np.diag(gradient)


def _cohort_mean(variant: Variant, spenders: float, mean: float) -> SpendFit:
    basis = Basis.COHORT_MEAN if spenders else Basis.NONE
    nothing = (_NAN, _NAN, _NAN)
    return SpendFit(_NAN, _NAN, _NAN, variant, _NAN, nothing, spenders, mean, basis, 0, np.full((3, 3), np.nan))


def _fitted(variant: Variant, found: Maximum, constant: float, spenders: float, mean: float) -> SpendFit:
    p, q, v = np.exp(found.at).tolist()
    covariance = found.covariance()
    of_p, of_q, of_v = np.sqrt(np.diag(covariance)).tolist()
    return SpendFit(
        p,
        q,
        v * mean,
        variant,
        log_likelihood=found.value + constant,
        standard_errors=(p * of_p, q * of_q, v * mean * of_v),
        customers=spenders,
        mean=mean,
        basis=Basis.MODEL,
        evaluations=found.evaluations,
        covariance=covariance,
    )
