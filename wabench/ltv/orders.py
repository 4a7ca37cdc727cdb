"""How often customers will order: BG/NBD and its kin, by maximum likelihood on grouped statistics.

BG/NBD: Fader, Hardie and Lee 2005, "Counting Your Customers" the Easy Way, Marketing Science 24(2). A customer who is
alive orders at a rate that is gamma(r, alpha) over customers, and after each order leaves for good with a probability
that is beta(a, b) over customers. MBG/NBD: Batislam, Denizel and Filiztekin 2007, Int. J. of Research in Marketing
24(3); there a customer may leave after the first order already. They differ in how many chances to leave there were,
and in nothing else.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from scipy import special

from wabench.ltv.counts import Counts, Floats, dot
from wabench.ltv.likelihood import Histories
from wabench.ltv.newton import Maximum, maximise

MINIMUM_CUSTOMERS = 100
MINIMUM_REPEATERS = 20
NO_DROPOUT = 0.01  # of log-likelihood: what dropout must add to be seen at all
STAYERS_SHARE = 1 / 3  # weight of the NBD in an expectation; from a quarter to a half little changes
_NAN = float("nan")


class Basis(StrEnum):
    """What a figure stands on."""

    MODEL = "model"
    COHORT_MEAN = "cohort_mean"
    NONE = "none"


class Process(StrEnum):
    """When a customer may leave: after each order but the first, after each, never."""

    BG_NBD = "bg_nbd"
    MBG_NBD = "mbg_nbd"
    NBD = "nbd"


@dataclass(frozen=True, slots=True)
class OrdersFit:
    """Fitted order process; alpha is in days.

    `process` NBD means that the data show no dropout: a is 0, b infinite, everybody is alive. `basis` COHORT_MEAN means
    too few data: all customers then share the mean rate `rate` (order days a day), and the parameters are nan.
    log_likelihood: with times in days; `log_likelihood_per(7)` is on the published scale.
    standard_errors: of r, alpha, a, b (delta method; nan where not estimated).
    covariance: of the logarithms of those estimated; nan where the likelihood is flat.
    stayers: where there is dropout and no process was asked for, the same data's NBD. Expectations are a weighted
    mean of the two (`STAYERS_SHARE`); P(alive) is of this one alone.
    """

    process: Process
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    standard_errors: tuple[float, float, float, float]
    customers: float
    repeaters: float
    orders: float
    rate: float
    basis: Basis
    evaluations: int
    covariance: Floats = field(repr=False, compare=False)
    stayers: "OrdersFit | None" = None

    @property
    def has_dropout(self) -> bool:
        """Whether the data show customers who left for good."""
        return self.basis is Basis.MODEL and self.process is not Process.NBD

    def log_likelihood_per(self, unit: float) -> float:
        """Log-likelihood with times in units of so many days (7: weeks, as published); here it is in days."""
        return self.log_likelihood + self.orders * float(np.log(unit))

    @property
    def parts(self) -> "tuple[tuple[OrdersFit, float], ...]":
        """The fits whose weighted mean is what is expected, each with its weight."""
        if self.stayers is None:
            return ((self, 1.0),)
        return ((self, 1 - STAYERS_SHARE), (self.stayers, STAYERS_SHARE))

    @property
    def chance_at_first(self) -> int:
        """How many more chances to leave a customer has had than orders after the first."""
        return int(self.process is Process.MBG_NBD)


def fit_orders(
    counts: Counts,
    process: Process | None = None,
    *,
    minimum_customers: int = MINIMUM_CUSTOMERS,
    minimum_repeaters: int = MINIMUM_REPEATERS,
) -> OrdersFit:
    """Fit by maximum likelihood. Never raises on real data.

    Without `process`: the likelier of BG/NBD and MBG/NBD, with the NBD beside it (`stayers`): a mean of an expectation
    with dropout and one without ranks customers better than either on every cut tried, and errs less in the sum.
    Rows that are equal may be given as one or each by itself: the answer is the same.
    """
    counts = counts.grouped()[0]
    sums = _Sums.of(counts)
    if sums.customers < max(minimum_customers, 1) or sums.repeaters < max(minimum_repeaters, 1):
        return _cohort_mean(sums)
    histories = Histories.of(counts, chance_at_first=False)
    plain = maximise(histories.without_dropout, np.zeros(2))
    tried = {Process.NBD: plain}
    for one in (process,) if process else (Process.BG_NBD, Process.MBG_NBD):
        if one is not Process.NBD:
            histories = Histories.of(counts, chance_at_first=one is Process.MBG_NBD)
            tried[one] = maximise(histories.with_dropout, np.append(plain.at, (0.0, 1.0)))
    best = max(tried, key=lambda one: tried[one].value)
    chosen = best if tried[best].value - plain.value > NO_DROPOUT else Process.NBD
    fitted = _fitted(chosen, tried[chosen], histories.scale, sums)
    if process or not fitted.has_dropout:
        return fitted
    return replace(fitted, stayers=_fitted(Process.NBD, plain, histories.scale, sums))


def p_alive(fit: OrdersFit, counts: Counts) -> Floats:
    """Probability, per row, that a customer has not left (Fader, Hardie and Lee 2008, note 021, for the BG/NBD)."""
    if not fit.has_dropout:
        return np.ones(len(counts))
    chances = counts.frequency + fit.chance_at_first
    stays = np.where(chances > 0, fit.b + chances - 1, 1.0)
    longer = np.log1p((counts.age - counts.recency) / (fit.alpha + counts.recency))
    odds = np.log(fit.a) - np.log(stays) + (fit.r + counts.frequency) * longer
    return np.where(chances > 0, special.expit(-odds), 1.0)


def expected_next_order(fit: OrdersFit, counts: Counts) -> Floats:
    """Median days from the end to the next order, per row, of those who are alive; inf where it is beyond any date.

    Given alive the rate is gamma(r + x, alpha + T), so nothing comes in t days with ((alpha+T) / (alpha+T+t))^(r+x).
    """
    if fit.basis is not Basis.MODEL:
        return np.full(len(counts), np.log(2) / fit.rate if fit.rate > 0 else np.inf)
    with np.errstate(over="ignore"):
        median: Floats = (fit.alpha + counts.age) * np.expm1(np.log(2) / (fit.r + counts.frequency))
    return median


def churn_risk(alive: Floats, *, high_below: float = 0.3, medium_below: float = 0.7) -> list[str]:
    """Name P(alive) per row: `high` below the first line, `medium` below the second, else `low`."""
    names = np.array(["high", "medium", "low"])
    chosen: list[str] = names[np.digitize(alive, (high_below, medium_below))].tolist()
    return chosen


@dataclass(frozen=True, slots=True)
class _Sums:
    customers: float
    repeaters: float
    orders: float
    rate: float

    @classmethod
    def of(cls, counts: Counts) -> "_Sums":
        people = counts.customers
        orders, observed = dot(people, counts.frequency), dot(people, counts.age)
        repeaters = float(people[counts.frequency > 0].sum())
        return cls(float(people.sum()), repeaters, orders, orders / observed if observed > 0 else 0.0)


def _cohort_mean(sums: _Sums) -> OrdersFit:
    return OrdersFit(
        process=Process.NBD,
        r=_NAN,
        alpha=_NAN,
        a=_NAN,
        b=_NAN,
        log_likelihood=_NAN,
        standard_errors=(_NAN, _NAN, _NAN, _NAN),
        customers=sums.customers,
        repeaters=sums.repeaters,
        orders=sums.orders,
        rate=sums.rate,
        basis=Basis.COHORT_MEAN if sums.customers > 0 else Basis.NONE,
        evaluations=0,
        covariance=np.full((2, 2), np.nan),
    )


def _fitted(process: Process, found: Maximum, scale: float, sums: _Sums) -> OrdersFit:
    r, alpha, a, b = np.append(np.exp(found.at) * [1, scale, 1, 1][: len(found.at)], [0.0, np.inf])[:4].tolist()
    covariance = found.covariance()
    r_error, alpha_error, a_error, b_error = np.append(np.sqrt(np.diag(covariance)), [_NAN, _NAN])[:4].tolist()
    return OrdersFit(
        process=process,
        r=r,
        alpha=alpha,
        a=a,
        b=b,
        log_likelihood=found.value - sums.orders * float(np.log(scale)),
        standard_errors=(r * r_error, alpha * alpha_error, a * a_error, b * b_error),
        customers=sums.customers,
        repeaters=sums.repeaters,
        orders=sums.orders,
        rate=sums.rate,
        basis=Basis.MODEL,
        evaluations=found.evaluations,
        covariance=covariance,
    )
