"""How strongly what came so far speaks against chance, in numbers that may be looked at every minute.

Pure: counts and moments in, evidence out. Evidence is an e-value: by Ville (1939), "Étude critique de la notion de
collectif", chapter V, the chance that it ever comes to 1 / error is at most error, however often somebody looks and
whatever makes them stop. All of it here is the logarithm, for evidence may be larger than a float.

- One rate against a limit, a mixture of likelihood ratios over all rates above it: Robbins (1970), "Statistical methods
  related to the law of the iterated logarithm", section 3; as the one-sided beta-binomial mixture of Howard, Ramdas,
  McAuliffe and Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence sequences", section 3.
- Two texts against each other, hit by hit: ter Schure, Pérez-Ortiz, Ly and Grünwald (2024), "The anytime-valid logrank
  test: error control under continuous monitoring with unlimited horizon", section 2. Where a text makes no difference,
  the next hit is one of its own readers with the chance that is their part of all who have not answered yet. That holds
  however late answers come and however many got which text, as long as chance alone decided who got it and so when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, log1p

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, logsumexp

Floats = NDArray[np.float64]

_SPREAD = np.linspace(log(1.05), log(6), 40)
"""How much more often one text may be answered than another: looked for from 5 % more to six times as often."""
_USUAL = log(1.6)
_WEIGHTS = -((_SPREAD / _USUAL) ** 2) / 2 - logsumexp(-((_SPREAD / _USUAL) ** 2) / 2)


@dataclass(frozen=True, slots=True)
class Arm:
    """Who was written to with one text, by when, and when those of them who did what is looked for did it.

    Times are seconds, in any order; who has not (yet) done it has none in `hits`.
    """

    begun: Floats
    hits: Floats

    @property
    def rate(self) -> float:
        return len(self.hits) / len(self.begun) if len(self.begun) else 0.0


def above(hits: int, of: int, limit: float) -> float:
    """Give the evidence that more than a share `limit` is hit, when `hits` of `of` are.

    Of whom it is not known yet may be counted as not hit: that can only make the evidence less.
    """
    if not 0 < limit < 1:
        return -inf
    a, b = 1.0, 1 / (2 * limit)  # a rate a few times the limit is what is looked for
    beyond = betainc(b + of - hits, a + hits, 1 - limit), betainc(b, a, 1 - limit)
    if not beyond[0]:
        return -inf
    mixed = betaln(a + hits, b + of - hits) - betaln(a, b) + log(beyond[0]) - log(beyond[1])
    return float(mixed - hits * log(limit) - (of - hits) * log1p(-limit))


def fewest_above(of: int, limit: float, error: float) -> int | None:
    """Give how many of so many must be hit until it is proven that more than the limit are; None where all are few."""
    return next((hits for hits in range(of + 1) if above(hits, of, limit) >= -log(error)), None)


def ahead(own: Arm, other: Arm) -> float:
    """Give the greatest evidence there ever was that one text is answered more often than the other."""
    moments = np.concatenate([own.hits, other.hits])
    if not len(moments):
        return 0.0
    order = np.argsort(moments, kind="stable")
    moments, is_own = moments[order], (np.arange(len(order)) < len(own.hits))[order]
    left = [
        np.maximum(np.searchsorted(np.sort(arm.begun), moments, "right") - (np.cumsum(hit) - hit), hit)
        for arm, hit in ((own, is_own), (other, ~is_own))
    ]
    return float(max(path(left[0], left[1], is_own).max(), 0.0))


def path(own_left: Floats, other_left: Floats, is_own: NDArray[np.bool_]) -> Floats:
    """Give the evidence after each hit (last axis), of who had not answered yet just before it, and whose hit it is."""
    own, other = own_left[..., None], other_left[..., None]
    ratios = np.exp(_SPREAD)
    steps = np.where(is_own[..., None], _SPREAD, 0.0) + np.log((own + other) / (ratios * own + other))
    found: Floats = logsumexp(np.cumsum(steps, axis=-2) + _WEIGHTS, axis=-1)
    return found


def winner(arms: Sequence[Arm], error: float) -> int | None:
    """Tell which arm is proven to beat each of the others, if one is; wrong with a chance of `error` at most, ever.

    With k arms each comparison may be wrong with error / k: there are k ways to name a winner where none is, and where
    one is the best, k - 1 others that could be taken for it (Bonferroni).
    """
    enough = log(len(arms) / error)
    for number, arm in enumerate(arms):
        if all(ahead(arm, other) >= enough for place, other in enumerate(arms) if place != number):
            return number
    return None


def doubt(arms: Sequence[Arm], best: int) -> float:
    """Give the chance, at most, of so much evidence for an arm where it is not the best: 1 where there is none."""
    least = min(ahead(arms[best], other) for place, other in enumerate(arms) if place != best)
    return float(min(len(arms) * np.exp(-least), 1.0))


def best(arms: Sequence[Arm]) -> int | None:
    """Tell which arm has the highest rate so far; None where several share it."""
    rates = [arm.rate for arm in arms]
    leaders = [number for number, rate in enumerate(rates) if rate == max(rates)]
    return leaders[0] if len(leaders) == 1 else None
