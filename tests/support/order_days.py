"""Order days of real and simulated shops, and what was known of their customers at a cut."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from shared import CDNOW_MASTER, CDNOW_SAMPLE, ONLINE_RETAIL

from wabench import ltv

Floats = NDArray[np.float64]
QUARTER = 91
LEAST_HISTORY = 85

_CDNOW = """
    select {customer}, date_diff('day', date '1970-01-01', strptime({day}, '%Y%m%d')::date), sum({value}::double)
    from (
        select regexp_extract_all(line, '\\S+') as words
        from read_csv($file, header = false, skip = {skip}, delim = '|', columns = {{'line': 'varchar'}})
    )
    group by all order by 1, 2
"""
_RETAIL = """
    select CustomerID::double::bigint, date_diff('day', date '1970-01-01', InvoiceDate::date), sum(Quantity * UnitPrice)
    from read_parquet($file)
    where CustomerID is not null and (InvoiceNo not like 'C%' or $is_net)
    group by all having sum(Quantity * UnitPrice) > 0 order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class OrderDays:
    """A row per customer and order day; days since 1970."""

    customer: NDArray[np.int64]
    day: NDArray[np.int64]
    value: Floats

    def at(self, cut: date | int, days: int) -> ltv.Cut:
        """What was known when `cut` began (in days: the first one of which nothing is known), and what then came."""
        end = cut if isinstance(cut, int) else (cut - date(1970, 1, 1)).days
        past, ahead = self.day < end, (self.day >= end) & (self.day < end + days)
        known, who = np.unique(self.customer[past], return_inverse=True)
        first, last = np.full(len(known), end), np.zeros(len(known), dtype=np.int64)
        np.minimum.at(first, who, self.day[past])
        np.maximum.at(last, who, self.day[past])
        times, spent = np.bincount(who), np.bincount(who, self.value[past])
        at_first = np.bincount(who, self.value[past] * (self.day[past] == first[who]))
        with np.errstate(invalid="ignore"):
            repeat = (spent - at_first) / (times - 1)
        before = past & (self.day >= end - days)
        return ltv.Cut(
            counts=ltv.Counts.of(times - 1, last - first, end - 1 - first),
            spent=ltv.Spent.of(at_first, repeat),
            days=days,
            actual_orders=self._sums(known, ahead, np.ones_like(self.value)),
            actual_value=self._sums(known, ahead, self.value),
            naive_value=self._sums(known, before, self.value),
            daily_orders=np.bincount(self.day[past] - self.day.min(), minlength=end - self.day.min()).astype(float),
        )

    def before(self, cut: date | int) -> list[ltv.Cut]:
        """Back-tests that could be made then: quarter by quarter, else one of two months."""
        end = cut if isinstance(cut, int) else (cut - date(1970, 1, 1)).days
        begins = int(self.day.min()) + LEAST_HISTORY
        cuts = [self.at(at, QUARTER) for at in range(end - QUARTER, begins - 1, -QUARTER)][::-1]
        return cuts or ([self.at(end - 60, 60)] if end - 60 >= begins else [])

    def _sums(self, known: NDArray[np.int64], chosen: NDArray[np.bool_], values: Floats) -> Floats:
        chosen = chosen & np.isin(self.customer, known)
        return np.bincount(np.searchsorted(known, self.customer[chosen]), values[chosen], len(known)).astype(float)


@cache
def cdnow(*, sample: bool = False) -> OrderDays:
    """All customers of CDNOW who began in early 1997, or the tenth that papers use."""
    names = {"customer": "words[2]::bigint", "day": "words[3]", "value": "words[-1]", "skip": 0}
    names |= {} if sample else {"customer": "words[1]::bigint", "day": "words[2]", "skip": 1}
    return _read(_CDNOW.format(**names), CDNOW_SAMPLE if sample else CDNOW_MASTER)


@cache
def online_retail(*, is_net: bool = False) -> OrderDays:
    """Known customers of Online Retail; net takes a cancellation off the day it was made on."""
    return _read(_RETAIL, ONLINE_RETAIL, is_net=is_net)


def seasonal_shop(rng: np.random.Generator, customers: int, days: int, high: float) -> OrderDays:
    """Customers who come evenly over `days`, stay, and order `high` times as often in the last quarter of each 365."""
    begins = rng.integers(0, days, customers)
    rate = rng.gamma(0.8, 0.02, customers) / high
    who = np.repeat(np.arange(customers), days)
    day = np.tile(np.arange(days), customers)
    chance = rate[who] * np.where(day % 365 >= 274, high, 1.0)
    ordered = (day == begins[who]) | ((day > begins[who]) & (rng.random(day.size) < chance))
    return OrderDays(who[ordered], day[ordered], rng.gamma(4.0, 10.0, int(ordered.sum())))


def _read(sql: str, file: Path, **parameters: bool) -> OrderDays:
    with duckdb.connect() as connection:
        rows = connection.execute(sql, {"file": str(file)} | parameters).fetchall()
    customer, day, value = zip(*rows, strict=True)
    return OrderDays(np.array(customer), np.array(day), np.array(value, dtype=float))


@dataclass(frozen=True, slots=True)
class Simulated:
    """Customers of known parameters, observed for `age` days and then for some more."""

    counts: ltv.Counts
    spent: ltv.Spent
    orders_ahead: Floats
    value_ahead: Floats


def simulate(
    rng: np.random.Generator,
    customers: int,
    *,
    ahead: float,
    orders: tuple[float, float, float, float] = (0.6, 45.0, 0.8, 2.4),
    spend: tuple[float, float, float] = (6.0, 4.0, 15.0),
    leaves_at_first: bool = False,
    ages: tuple[float, float] = (84, 728),
) -> Simulated:
    """Let customers order in continuous time as the BG/NBD and the Gamma-Gamma say (alpha in days)."""
    r, alpha, a, b = orders
    p, q, v = spend
    rate, leaves = rng.gamma(r, 1 / alpha, customers), rng.beta(a, b, customers)
    age, worth = rng.uniform(*ages, customers), rng.gamma(q, 1 / v, customers)
    first = rng.gamma(p, 1 / worth)
    now, last = np.zeros(customers), np.zeros(customers)
    before, spent, later, value = (np.zeros(customers) for _ in range(4))
    stays = rng.random(customers) > leaves if leaves_at_first else np.ones(customers, dtype=bool)
    rows = np.flatnonzero(stays)
    while rows.size:
        now[rows] += rng.exponential(1 / np.maximum(rate[rows], 1e-300))
        rows = rows[now[rows] < age[rows] + ahead]
        amount = rng.gamma(p, 1 / worth[rows])
        early = now[rows] <= age[rows]
        last[rows[early]] = now[rows[early]]
        for total, amounts, mask in ((before, 1.0, early), (later, 1.0, ~early)):
            total[rows[mask]] += amounts
        spent[rows[early]] += amount[early]
        value[rows[~early]] += amount[~early]
        rows = rows[rng.random(rows.size) > leaves[rows]]
    with np.errstate(invalid="ignore"):
        repeat = spent / before
    return Simulated(ltv.Counts.of(before, last, age), ltv.Spent.of(first, repeat), later, value)
