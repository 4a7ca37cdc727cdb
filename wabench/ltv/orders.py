"""How often customers will order: BG/NBD and its kin, by maximum likelihood on grouped statistics."""

from dataclasses import dataclass
from enum import StrEnum

from wabench.ltv.counts import Counts, Floats

MINIMUM_CUSTOMERS = 100
MINIMUM_REPEATERS = 20


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
    standard_errors: of r, alpha, a, b (delta method; nan where not estimated).
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
    rate: float
    basis: Basis
    evaluations: int

    @property
    def has_dropout(self) -> bool:
        """Whether the data show customers who left for good."""
        return self.basis is Basis.MODEL and self.process is not Process.NBD


def fit_orders(
    counts: Counts,
    process: Process | None = None,
    *,
    minimum_customers: int = MINIMUM_CUSTOMERS,
    minimum_repeaters: int = MINIMUM_REPEATERS,
) -> OrdersFit:
    """Fit by maximum likelihood; without `process` the likelier of BG/NBD and MBG/NBD. Never raises on real data."""
    raise NotImplementedError


def p_alive(fit: OrdersFit, counts: Counts) -> Floats:
    """Probability, per row, that a customer has not left."""
    raise NotImplementedError


def expected_orders(fit: OrdersFit, counts: Counts, days: float) -> Floats:
    """Expected order days, per row (of one customer), in the next `days` days."""
    raise NotImplementedError


def expected_orders_of_new(fit: OrdersFit, days: float) -> float:
    """Expected order days after the first of a customer in the first `days` days since it."""
    raise NotImplementedError


def expected_next_order(fit: OrdersFit, counts: Counts) -> Floats:
    """Median days from the end to the next order, per row, of those who are alive; inf where it is beyond any date."""
    raise NotImplementedError


def churn_risk(alive: Floats, *, high_below: float = 0.3, medium_below: float = 0.7) -> list[str]:
    """Name P(alive) per row: `high` below the first line, `medium` below the second, else `low`."""
    raise NotImplementedError
