"""What an order day will be worth: Gamma-Gamma, by maximum likelihood."""

from dataclasses import dataclass
from enum import StrEnum

from numpy.typing import ArrayLike

from wabench.ltv.counts import Counts, Floats, Spent
from wabench.ltv.orders import Basis

MINIMUM_SPENDERS = 50


class Variant(StrEnum):
    """Which order days the spend is learnt from: those after the first (as published), or all."""

    REPEAT = "repeat"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SpendFit:
    """Fitted Gamma-Gamma; v and mean are money a day of order. `basis` COHORT_MEAN: all are worth `mean`, p, q, v nan."""

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


def spending(counts: Counts, spent: Spent, variant: Variant) -> tuple[Floats, Floats]:
    """Give, per row, the number of order days that the variant looks at and their mean value."""
    raise NotImplementedError


def fit_spend(
    orders: ArrayLike,
    mean_spend: ArrayLike,
    customers: ArrayLike | None = None,
    *,
    variant: Variant = Variant.REPEAT,
    minimum_spenders: int = MINIMUM_SPENDERS,
) -> SpendFit:
    """Fit on rows with an order and a mean above zero; `variant` only says what the rows are. Never raises on real data."""
    raise NotImplementedError


def expected_spend(fit: SpendFit, orders: ArrayLike, mean_spend: ArrayLike) -> Floats:
    """Expected value of a future order day, per row."""
    raise NotImplementedError
