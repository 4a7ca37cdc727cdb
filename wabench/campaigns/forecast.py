"""What a send will come to, from what came of the shop's earlier ones: counts with the interval that holds 80 in 100.

Each rate is beta-binomial (Skellam 1948): customers answer alike within a campaign, campaigns differ among each other.
A rate's mean and its spread over campaigns are weighed on a grid by how likely they make the history, starting from a
prior worth few customers, so that a shop's own figures take over quickly. Draws of one step are what the next one is
of: who got it may read it, who bought has paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, logit

Floats = NDArray[np.float64]

LOW, HIGH = 0.1, 0.9
"""The ends of an 80 % interval."""

_DRAWS = 4000
_MEANS = expit(np.linspace(logit(1e-4), logit(1 - 1e-4), 160))
_SPREADS = np.geomspace(4, 4000, 24)
_USUAL_SPREAD, _SPREAD_SD = 50.0, 1.0
"""Rates of campaigns differ as if each stood on 50 customers' answers, within a factor of e."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: how many `of` another one get to it. `rate` is the trade's, worth `weight` customers."""

    name: str
    of: str
    rate: float
    weight: float = 20


STEPS = (
    Step("delivered", "sent", 0.9),
    Step("read", "delivered", 0.5),
    Step("replied", "delivered", 0.03),
    Step("converted", "delivered", 0.02),
    Step("opted_out", "delivered", 0.005),
)


@dataclass(frozen=True, slots=True)
class Past:
    """What came of one earlier send: customers by the names of the steps, `sent` among them; absent is unknown."""

    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Worth:
    """What orders are worth: net of one and its spread, over so many; `margin_share` of net, None if unknown."""

    net: float
    net_sd: float
    orders: int
    orders_per_buyer: float = 1
    margin_share: float | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """How much of something is to be expected, and between what it lies in 80 of 100 cases."""

    metric: str
    expected: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether what came lies in the interval."""
        return self.low <= value <= self.high


def forecast(
    sent: int, history: Sequence[Past], worth: Worth | None, random: np.random.Generator
) -> tuple[Expected, ...]:
    """Expect what a send to so many customers comes to.

    Orders, net revenue and margin only where there is a history and it is known what orders are worth.
    """
    drawn = {"sent": np.full(_DRAWS, float(sent))}
    for step in STEPS:
        known = [(p.counts[step.name], p.counts[step.of]) for p in history if {step.name, step.of} <= set(p.counts)]
        rates = _rates(step, known, random)
        drawn[step.name] = random.binomial(drawn[step.of].astype(int), rates).astype(float)
    del drawn["sent"]
    converted = drawn.pop("converted")
    if history and worth:
        drawn |= _orders(converted, worth, random)
    return tuple(_expected(metric, values) for metric, values in drawn.items())


def _rates(step: Step, known: Sequence[tuple[int, int]], random: np.random.Generator) -> Floats:
    """Draw the rate of a new campaign, the doubt about the mean and the spread of campaigns included."""
    means, spreads = (each.ravel() for each in np.meshgrid(_MEANS, _SPREADS))
    a, b = means * spreads, (1 - means) * spreads
    score = step.weight * (step.rate * np.log(means) + (1 - step.rate) * np.log1p(-means))
    score -= (np.log(spreads) - log(_USUAL_SPREAD)) ** 2 / (2 * _SPREAD_SD**2)
    for hits, of in known:
        score += betaln(a + min(hits, of), b + max(of - hits, 0)) - betaln(a, b)
    weights = np.exp(score - score.max())
    chosen = random.choice(len(means), _DRAWS, p=weights / weights.sum())
    rates: Floats = random.beta(a[chosen], b[chosen])
    return rates


def _orders(buyers: Floats, worth: Worth, random: np.random.Generator) -> dict[str, Floats]:
    orders = buyers * worth.orders_per_buyer
    mean = worth.net + random.standard_normal(_DRAWS) * worth.net_sd / sqrt(max(worth.orders, 1))
    revenue = np.maximum(orders * mean + np.sqrt(orders) * worth.net_sd * random.standard_normal(_DRAWS), 0)
    revenue[orders == 0] = 0
    found = {"orders": orders, "net_revenue": revenue}
    return found if worth.margin_share is None else found | {"margin": revenue * worth.margin_share}


def _expected(metric: str, values: Floats) -> Expected:
    low, high = np.quantile(values, (LOW, HIGH))
    return Expected(metric, float(values.mean()), float(low), float(high))
