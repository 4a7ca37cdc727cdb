"""The likelihood of order histories with its gradient and Hessian, on statistics that are summed once.

Fader, Hardie and Lee 2005, for a randomly chosen customer. With x orders after the first, the last at t_x, observed
until T, and y chances to have left (x for the BG/NBD, x + 1 for the MBG/NBD), the likelihood is

    B(a, b+y) / B(a, b) * G(r+x) alpha^r / (G(r) (alpha+T)^(r+x)) * (1 + e^D),
    D = ln a - ln(b+y-1) + (r+x) ln((alpha+T) / (alpha+t_x)),   e^D = 0 where y = 0.

So its logarithm falls apart: what depends on x alone is a short histogram, what depends on T alone a table of days,
and only ln(1 + e^D) is asked of every distinct (x, t_x, T).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from wabench.ltv.counts import Counts, Floats, dot, joined, summed


@dataclass(frozen=True, slots=True)
class Histories:
    """Grouped histories in units of `scale` days, and the sums that the likelihood needs of them.

    Only rows with a chance to have left stand in `frequency` to `customers`.
    """

    scale: float
    chance: int
    frequency: Floats
    last: NDArray[np.intp]
    age: NDArray[np.intp]
    customers: Floats
    days: Floats
    orders_of_day: Floats
    customers_of_day: Floats
    values: Floats
    customers_of_value: Floats

    @classmethod
    def of(cls, counts: Counts, chance_at_first: bool) -> "Histories":
        """Sum what can be summed; `chance_at_first`: a customer may leave after the first order already."""
        chance = int(chance_at_first)
        scale = dot(counts.age, counts.customers) / float(counts.customers.sum())
        moments = np.concatenate((counts.recency, counts.age))
        stands, index = joined(moments)
        days = moments[stands]
        last, age = index[: len(counts)], index[len(counts) :]
        stands, code = joined(counts.frequency)
        values = counts.frequency[stands]
        asked = counts.frequency + chance > 0
        return cls(
            scale=scale,
            chance=chance,
            frequency=counts.frequency[asked],
            last=last[asked],
            age=age[asked],
            customers=counts.customers[asked],
            days=days / scale,
            orders_of_day=summed(age, counts.frequency * counts.customers, len(days)),
            customers_of_day=summed(age, counts.customers, len(days)),
            values=values,
            customers_of_value=summed(code, counts.customers, len(values)),
        )

    def without_dropout(self, at: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood of the NBD (everybody alive) at ln r, ln alpha."""
        r, alpha = np.exp(at)
        x, n = self.values, self.customers_of_value
        log, inverse = np.log(alpha + self.days), 1 / (alpha + self.days)
        orders, people = self.orders_of_day, self.customers_of_day
        rate = r * people + orders
        total = n.sum()
        value = n @ _rising(r, x) + total * r * at[1] - rate @ log
        of_r = n @ (special.psi(r + x) - special.psi(r)) + total * at[1] - people @ log
        of_alpha = total * r / alpha - rate @ inverse
        second = np.array([[0.0, total / alpha - people @ inverse], [0.0, -total * r / alpha**2 + rate @ inverse**2]])
        second[0, 0] = n @ (special.polygamma(1, r + x) - special.polygamma(1, r))
        second[1, 0] = second[0, 1]
        return float(value), *_in_logarithms(np.array([r, alpha]), np.array([of_r, of_alpha]), second)

    def with_dropout(self, at: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood at ln r, ln alpha, ln a, ln b, with gradient and Hessian in these."""
        gradient, hessian = np.zeros(4), np.zeros((4, 4))
        value, gradient[:2], hessian[:2, :2] = self.without_dropout(at[:2])
        for part in (self._staying(at), self._leaving(at)):
            value += part[0]
            gradient += part[1]
            hessian += part[2]
        return value, gradient, hessian

    def _staying(self, at: Floats) -> tuple[float, Floats, Floats]:
        """ln B(a, b+y) - ln B(a, b), summed."""
        a, b = np.exp(at[2:])
        y, n = self.values + self.chance, self.customers_of_value
        value = n @ (_rising(b, y) - _rising(a + b, y))
        of_b, of_both = (n @ (special.psi(c + y) - special.psi(c)) for c in (b, a + b))
        second_b, second_both = (n @ (special.polygamma(1, c + y) - special.polygamma(1, c)) for c in (b, a + b))
        gradient, second = np.zeros(4), np.zeros((4, 4))
        gradient[2:] = -of_both, of_b - of_both
        second[2:, 2:] = -second_both
        second[3, 3] += second_b
        return float(value), *_in_logarithms(np.exp(at), gradient, second)

    def _leaving(self, at: Floats) -> tuple[float, Floats, Floats]:
        """ln(1 + e^D), summed; s is what e^D is of it, so the probability of having left."""
        r, alpha, a, b = np.exp(at)
        log, inverse = np.log(alpha + self.days), 1 / (alpha + self.days)
        rate, stays = r + self.frequency, b + self.frequency + self.chance - 1
        longer = log[self.age] - log[self.last]
        ends, lasts = inverse[self.age], inverse[self.last]
        d = at[2] - np.log(stays) + rate * longer
        small = np.exp(-np.abs(d))
        part = self.customers / (1 + small)
        s, bend = np.where(d > 0, part, part * small), part * small / (1 + small)
        first = (longer, rate * (ends - lasts), np.full_like(d, 1 / a), -1 / stays)
        second = np.array([[dot(one * bend, other) for other in first] for one in first])
        second[0, 1] += dot(s, ends - lasts)
        second[1, 0] = second[0, 1]
        second[1, 1] += dot(s, rate * (lasts**2 - ends**2))
        second[2, 2] -= s.sum() / a**2
        second[3, 3] += dot(s, first[3] ** 2)
        value = dot(self.customers, np.maximum(d, 0.0) + np.log1p(small))
        return value, *_in_logarithms(np.exp(at), np.array([dot(one, s) for one in first]), second)


def _rising(c: float, n: Floats) -> Floats:
    """ln G(c+n) - ln G(c)."""
    return np.asarray(special.gammaln(c + n) - special.gammaln(c), dtype=np.float64)


def _in_logarithms(at: Floats, gradient: Floats, hessian: Floats) -> tuple[Floats, Floats]:
    """Derivatives by the parameters, as derivatives by their logarithms."""
    first = at * gradient
    return first, np.outer(at, at) * hessian + np.diag(first)
