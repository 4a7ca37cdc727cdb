"""What the models are told of customers: when they ordered, and what they spent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """Order days of customers: arrays of one length, a row per customer or per group with the same three values.

    All times are DAYS. An order day is a day with at least one paid order; several orders of a day are one.
    frequency: order days after the first.
    recency: days from the first order day to the last, 0 where frequency is 0.
    age: days from the first order day to the end, at least recency.
    customers: how many such customers the row stands for.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    customers: Floats

    @classmethod
    def of(
        cls, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, customers: ArrayLike | None = None
    ) -> "Counts":
        """Take anything array-like; without `customers` each row is one. Raises ValueError where no such history is."""
        x, last, end = (_column(values) for values in (frequency, recency, age))
        weight = np.ones_like(x) if customers is None else _column(customers)
        if not x.shape == last.shape == end.shape == weight.shape:
            raise ValueError("frequency, recency, age and customers must have one length")
        if not all(np.isfinite(values).all() and (values >= 0).all() for values in (x, last, end, weight)):
            raise ValueError("frequency, recency, age and customers must be finite and not below 0")
        if (last > end).any() or ((x > 0) != (last > 0)).any() or (x != np.rint(x)).any():
            raise ValueError("recency must be at most age, above 0 exactly where frequency, a whole number, is")
        return cls(x, last, end, weight)

    def __len__(self) -> int:
        return len(self.frequency)

    def grouped(self) -> tuple["Counts", NDArray[np.intp]]:
        """Join equal rows; the second value leads from each row here to its row there."""
        first, index = joined(self.frequency, self.recency, self.age)
        customers = summed(index, self.customers, len(first))
        return Counts(self.frequency[first], self.recency[first], self.age[first], customers), index


@dataclass(frozen=True, slots=True)
class Spent:
    """What the same rows spent, in money: `first` on the first order day, `repeat` on average on each later one.

    `repeat` is not read where frequency is 0 (null there is fine). Net values may be zero or below after refunds.
    """

    first: Floats
    repeat: Floats

    @classmethod
    def of(cls, first: ArrayLike, repeat: ArrayLike) -> "Spent":
        """Take anything array-like."""
        return cls(_column(first), _column(repeat))


def joined(*columns: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give a row that stands for each distinct one, and for each row which distinct one it is."""
    codes, size = _coded(columns[0])
    for column in columns[1:]:
        code, more = _coded(column)
        if size * more > 2**62:
            size, codes = _numbered(codes)
        codes, size = codes * more + code, size * more
    size, index = _by_table(codes, size) if size <= max(4 * len(codes), 2**16) else _numbered(codes)
    stands = np.zeros(size, dtype=np.intp)
    stands[index] = np.arange(len(codes))
    return stands, index


def _by_table(codes: NDArray[np.int64], size: int) -> tuple[int, NDArray[np.intp]]:
    """Number the codes that occur, in their order; without sorting them."""
    occurs = np.zeros(size, dtype=np.intp)
    occurs[codes] = 1
    return int(occurs.sum()), (np.cumsum(occurs) - 1)[codes]


def _numbered(codes: NDArray[np.int64]) -> tuple[int, NDArray[np.intp]]:
    order = np.argsort(codes)
    placed = codes[order]
    number = np.concatenate(([0], np.cumsum(placed[1:] != placed[:-1])))[: len(codes)]
    index = np.empty(len(codes), dtype=np.intp)
    index[order] = number
    return int(number[-1]) + 1 if len(number) else 0, index


def summed(index: NDArray[np.intp], values: Floats, size: int) -> Floats:
    """Sum the values of each of `size` groups."""
    return np.bincount(index, values, size).astype(np.float64)


def dot(left: Floats, right: Floats) -> float:
    """Sum of products, without BLAS: on a busy machine its threads wait for one another far longer than they work."""
    return float(np.einsum("i,i->", left, right))


def _coded(column: Floats) -> tuple[NDArray[np.int64], int]:
    """Number a column's values from 0; whole ones as they are, for sorting them is the dear part."""
    whole = column.astype(np.int64)
    if column.size == 0 or ((whole == column).all() and whole.min() >= 0 and whole.max() < 2**20):
        return whole, int(whole.max(initial=0)) + 1
    values, code = np.unique(column, return_inverse=True)
    return code.astype(np.int64), len(values)


def _column(values: ArrayLike) -> Floats:
    return np.atleast_1d(np.asarray(values, dtype=np.float64))
