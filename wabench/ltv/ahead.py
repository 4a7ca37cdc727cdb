"""How many orders lie ahead: the whole distribution of one customer's orders in the next days.

Of a customer who is alive, the orders that would come if nobody ever left are negative binomial, K, for the rate is
gamma(r + x, alpha + T); and who had j more orders is still there with S(j) = B(a, b + y + j) / B(a, b + y), y being
the chances to leave so far. The two are independent, and more than j orders come exactly if K > j and the first j
were survived. So

    P(X > j) = P(alive) S(j) P(K > j),    E[X] = sum of P(X > j),    E[X^2] = sum of (2j + 1) P(X > j).

The first sum is equation 10 of Fader, Hardie and Lee 2005 without its hypergeometric function: every term is
positive, so nothing cancels or overflows, and a = 1 is no exception.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from wabench.ltv.counts import Counts, Floats, joined, summed
from wabench.ltv.orders import Basis, OrdersFit, p_alive

NEGLIGIBLE = 1e-11  # of an order: terms below it are left out
MOST_TERMS = 600  # summed one by one; what has more, or begins below what a float holds, is integrated
THREE_POINTS = ((1 / 6, -1), (2 / 3, 0), (1 / 6, 1))  # Gauss-Hermite: weights, and places in units of the root of 3 sd
SMALL_SD = 0.02
LOWEST_START = -650.0
AT_ONCE = 50_000  # rows that are worked on together, so that they stay in the cache
FEW = 24  # orders: quantiles up to here are found by counting, higher ones by halving
HIGHEST = 1e9  # orders: a quantile above it is none of this world
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)


@dataclass(frozen=True, slots=True)
class Alive:
    """What holds of a row's customer if alive: shape and rate (days) of the gamma, a and b of the beta."""

    shape: Floats
    rate: Floats
    a: float
    b: Floats

    @classmethod
    def of(cls, fit: OrdersFit, frequency: Floats, age: Floats) -> "Alive":
        """Update the population by a history; without a model everybody is alike, an exponential of the mean rate."""
        if fit.basis is not Basis.MODEL:
            rate = 1 / fit.rate if fit.rate > 0 else float("inf")
            return cls(np.ones_like(age), np.full_like(age, rate), 0.0, np.ones_like(age))
        b = fit.b + frequency + fit.chance_at_first if fit.has_dropout else np.ones_like(age)
        return cls(fit.r + frequency, fit.alpha + age, fit.a, b)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Alive":
        """Only these rows."""
        return Alive(self.shape[rows], self.rate[rows], self.a, self.b[rows])


def expected_orders(fit: OrdersFit, counts: Counts, days: float) -> Floats:
    """Expected order days, per row (of one customer), in the next `days` days."""
    return moments(fit, counts, days)[0]


def expected_orders_of_new(fit: OrdersFit, days: float) -> float:
    """Expected order days after the first of a customer in the first `days` days since it.

    For the BG/NBD equation 9 of Fader, Hardie and Lee 2005; for the MBG/NBD it counts who left after the first order.
    """
    new = Counts.of([0.0], [0.0], [0.0])
    return float(expected_orders(fit, new, days)[0])


def expected_daily(fit: OrdersFit, counts: Counts, days: int) -> tuple[Floats, Floats]:
    """Customers who came on each of the `days` days up to the end, and the repeat orders expected of all on each."""
    first = days - 1 - np.rint(counts.age).astype(np.intp)
    since = first >= 0
    came = summed(first[since], counts.customers[since], days)
    tenure, none = np.arange(1.0, days + 1), np.zeros(days)
    so_far = np.zeros(days)
    for part, weight in fit.parts:
        new = p_alive(part, Counts.of([0.0], [0.0], [0.0]))[0]
        so_far += weight * new * _sums(Alive.of(part, none, none), tenure)[0]
    return came, np.convolve(came, np.diff(so_far, prepend=0.0))[:days]


def moments(fit: OrdersFit, counts: Counts, days: float) -> tuple[Floats, Floats]:
    """Mean and mean square of the orders, per row, in the next `days` days."""
    stands, index = joined(counts.frequency, counts.age)
    once, squared = np.zeros(len(counts)), np.zeros(len(counts))
    for part, weight in fit.parts:
        sums = _sums(Alive.of(part, counts.frequency[stands], counts.age[stands]), days)
        still = p_alive(part, counts) * weight
        once += sums[0][index] * still
        squared += sums[1][index] * still
    return once, squared


def discounted(fit: OrdersFit, counts: Counts, ends: Floats, worth: Floats) -> Floats:
    """Expected orders, per row, each counted as what its step is worth; `ends` are days from now to the steps' ends."""
    stands, index = joined(counts.frequency, counts.age)
    found = np.zeros(len(counts))
    falls = worth - np.append(worth[1:], 0.0)
    together = max(1, AT_ONCE // max(len(stands), 1))
    for part, weight in fit.parts:
        alive = Alive.of(part, counts.frequency[stands], counts.age[stands])
        sums = np.zeros(len(stands))
        for begin in range(0, len(ends), together):
            some = slice(begin, begin + together)
            sums += np.einsum("i,ij->j", falls[some], _once(alive, ends[some]))
        found += sums[index] * (p_alive(part, counts) * weight)
    return found


def _once(alive: Alive, ends: Floats) -> Floats:
    """Sums of P(X > j), days by rows, all in one go."""
    rows = np.tile(np.arange(len(alive.rate)), len(ends))
    once, _ = _sums(alive.take(rows), np.repeat(ends, len(alive.rate)))
    return once.reshape(len(ends), -1)


def p_none(fit: OrdersFit, counts: Counts, days: float) -> Floats:
    """Probability, per row, of no order in the next `days` days."""
    some = np.zeros(len(counts))
    for part, weight in fit.parts:
        alive = Alive.of(part, counts.frequency, counts.age)
        some -= np.expm1(-alive.shape * np.log1p(days / alive.rate)) * p_alive(part, counts) * weight
    return 1 - some


def quantile(fit: OrdersFit, counts: Counts, days: float, level: float, sd: float = 0.0) -> Floats:
    """Least number of orders, per row, that is not exceeded with probability `level` or more.

    sd: of the logarithm of a factor on everybody's rate that nobody knows; mixed in by Gauss-Hermite of three points.
    """
    mixed = [
        (part, share * weight, days * float(np.exp(sd * np.sqrt(3) * node - sd**2 / 2)))
        for part, share in fit.parts
        for weight, node in (THREE_POINTS if sd > SMALL_SD else ((1.0, 0),))
    ]
    states = [_State.of(Alive.of(part, counts.frequency, counts.age), span) for part, _, span in mixed]
    still = [p_alive(part, counts) * weight for part, weight, _ in mixed]
    found, rows = np.zeros(len(counts)), np.arange(len(counts))
    for number in range(FEW):
        chance = sum((s[rows] * state.chance for s, state in zip(still, states, strict=True)), np.zeros(rows.size))
        left = chance > 1 - level
        rows, states = rows[left], [state.next(number, left) for state in states]
        found[rows] = number + 1
    many = [(Alive.of(part, counts.frequency, counts.age).take(rows), span) for part, _, span in mixed]
    found[rows] = _least(len(rows), 1 - level, many, [s[rows] for s in still])
    return found


@dataclass(frozen=True, slots=True)
class _State:
    """P(K = j), P(K > j) and S(j) of rows, for one j after the other."""

    alive: Alive
    odds: Floats
    exactly: Floats
    more: Floats
    stays: Floats

    @classmethod
    def of(cls, alive: Alive, days: Floats | float) -> "_State":
        exactly = np.exp(-alive.shape * np.log1p(days / alive.rate))
        return cls(alive, days / (alive.rate + days), exactly, 1 - exactly, np.ones_like(exactly))

    @property
    def chance(self) -> Floats:
        """P(X > j) if alive."""
        return self.stays * self.more

    def next(self, j: int, rows: NDArray[np.bool_]) -> "_State":
        """Go from j to j + 1 for these rows."""
        alive, odds = (self.alive, self.odds) if rows.all() else (self.alive.take(rows), self.odds[rows])
        exactly = self.exactly[rows] * odds * ((alive.shape + j) / (j + 1))
        stays = self.stays[rows] * ((alive.b + j) / (alive.a + alive.b + j))
        return _State(alive, odds, exactly, self.more[rows] - exactly, stays)


def _least(rows: int, chance: float, states: list[tuple[Alive, float]], still: list[Floats]) -> Floats:
    """Find for each row the least whole number that is not exceeded: first by doubling, then by halving."""

    def exceeded(some: NDArray[np.intp], number: Floats) -> NDArray[np.bool_]:
        found = np.zeros(some.size)
        for (alive, span), share in zip(states, still, strict=True):
            found += share[some] * _more_than(alive.take(some), number, span)
        return found > chance

    low, high, left = np.full(rows, -1.0), np.zeros(rows), np.arange(rows)
    while left.size:
        left = left[exceeded(left, high[left])]
        low[left] = high[left]
        high[left] = 2 * high[left] + 1
        left = left[high[left] < HIGHEST]
    left = np.flatnonzero(high - low > 1)
    while left.size:
        middle = np.floor((low[left] + high[left]) / 2)
        more = exceeded(left, middle)
        low[left] = np.where(more, middle, low[left])
        high[left] = np.where(more, high[left], middle)
        left = left[high[left] - low[left] > 1]
    return high


def _sums(alive: Alive, days: Floats | float) -> tuple[Floats, Floats]:
    """Sum P(X > j) and (2j + 1) P(X > j) of customers who are alive."""
    days = np.broadcast_to(np.asarray(days, dtype=np.float64), alive.rate.shape)
    once, squared = np.zeros_like(alive.rate), np.zeros_like(alive.rate)
    mean, start = alive.shape * days / alive.rate, -alive.shape * np.log1p(days / alive.rate)
    spread = np.sqrt(mean * (1 + days / alive.rate))
    long = (mean + 8 * spread + 28 * days / alive.rate > MOST_TERMS) | (start < LOWEST_START)
    for j, rows, chance in _terms(alive, days, np.flatnonzero(~long)):
        once[rows] += chance
        squared[rows] += (2 * j + 1) * chance
    if long.any():
        once[long], squared[long] = _integrals(alive.take(long), days[long])
    return once, squared


def _terms(alive: Alive, days: Floats, rows: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp], Floats]]:
    """Yield j, rows and their P(X > j), as long as it matters."""
    state = _State.of(alive.take(rows), days[rows])
    for j in range(MOST_TERMS * 2):
        chance = state.chance
        keep = chance > NEGLIGIBLE
        if not keep.any():
            return
        rows = rows[keep]
        yield j, rows, chance[keep]
        state = state.next(j, keep)


def _integrals(alive: Alive, days: Floats) -> tuple[Floats, Floats]:
    """Do what `_sums` does for very many terms: the first 50 by themselves, then by Gauss-Legendre in ln j."""
    firsts = np.arange(50.0)
    once = sum((_more_than(alive, j, days) for j in firsts), np.zeros_like(alive.rate))
    squared = sum(((2 * j + 1) * _more_than(alive, j, days) for j in firsts), np.zeros_like(alive.rate))
    mean = alive.shape * days / alive.rate
    end = 100 + mean + 12 * np.sqrt(mean * (1 + days / alive.rate)) + 40 * days / alive.rate
    low, high = np.log(firsts[-1] + 0.5), np.log(end)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        j = np.exp(low + (high - low) * (node + 1) / 2)
        width = weight / 2 * (high - low) * j
        chance = _more_than(alive, j, days)
        once += width * chance
        squared += width * (2 * j + 1) * chance
    return once, squared


def _more_than(alive: Alive, j: Floats | float, days: Floats | float) -> Floats:
    """P(X > j) of customers who are alive, for a j that need not be whole."""
    odds = days / (alive.rate + days)
    more = special.betainc(np.asarray(j) + 1.0, alive.shape, odds)
    stays = np.exp(special.betaln(alive.a, alive.b + j) - special.betaln(alive.a, alive.b)) if alive.a > 0 else 1.0
    return np.asarray(more * stays, dtype=np.float64)
