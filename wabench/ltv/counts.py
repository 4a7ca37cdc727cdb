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
        raise NotImplementedError

    def grouped(self) -> tuple["Counts", NDArray[np.intp]]:
        """Join equal rows; the second value leads from each row here to its row there."""
        raise NotImplementedError


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
        raise NotImplementedError
