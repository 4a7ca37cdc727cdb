"""Damped Newton for a handful of parameters whose likelihood gives gradient and Hessian."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wabench.ltv.counts import Floats

Likelihood = Callable[[Floats], tuple[float, Floats, Floats]]

LIMIT = 14.0  # of a logarithm: what a parameter that runs away stops at
LONGEST_STEP = 2.0
MOST_STEPS = 100
FLAT = 1e-10  # of the likelihood: a step that promises less is the last


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is highest within the limits, and its Hessian there."""

    at: Floats
    value: float
    hessian: Floats
    evaluations: int

    def covariance(self) -> Floats:
        """Inverse of the negative Hessian; nan where the likelihood is flat."""
        try:
            inverse = np.linalg.inv(-self.hessian).astype(np.float64)
        except np.linalg.LinAlgError:
            return np.full_like(self.hessian, np.nan)
        return inverse if (np.diag(inverse) > 0).all() else np.full_like(self.hessian, np.nan)


def maximise(likelihood: Likelihood, start: Floats) -> Maximum:
    """Climb from `start` (logarithms of the parameters).

    Where the Hessian is not negative definite its eigenvalues are turned, so that every step climbs (Nocedal and
    Wright, Numerical Optimization, section 3.4). A parameter at its limit stays there while the gradient pushes it
    out.
    """
    at = np.clip(start, -LIMIT, LIMIT)
    value, gradient, hessian = likelihood(at)
    evaluations = 1
    while evaluations < MOST_STEPS:
        step = _step(at, gradient, hessian)
        if gradient @ step < FLAT * (1 + abs(value)) * 1e-3:
            break
        length = 1.0
        while evaluations < MOST_STEPS:
            there = np.clip(at + length * step, -LIMIT, LIMIT)
            found = likelihood(there)
            evaluations += 1
            if found[0] >= value + 1e-4 * length * (gradient @ step) or length < 1e-8:
                break
            length /= 2
        if not found[0] > value:
            break
        at, (value, gradient, hessian) = there, found
    return Maximum(at, value, hessian, evaluations)


def _step(at: Floats, gradient: Floats, hessian: Floats) -> Floats:
    stuck = ((at >= LIMIT) & (gradient > 0)) | ((at <= -LIMIT) & (gradient < 0))
    step = np.zeros_like(at)
    free = ~stuck
    if not free.any():
        return step
    bends, axes = np.linalg.eigh(-hessian[np.ix_(free, free)])
    bends = np.maximum(np.abs(bends), 1e-10 * max(1.0, float(np.abs(bends).max())))
    step[free] = axes @ ((axes.T @ gradient[free]) / bends)
    longest = float(np.abs(step).max())
    return step * min(1.0, LONGEST_STEP / longest) if longest > 0 else step
