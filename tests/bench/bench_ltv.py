"""Fit and 12-month value of simulated customers beside lifetimes on the same arrays: `bench_ltv.py [CUSTOMERS]`.

lifetimes fits one process and one spend model; ours fits three and two, and takes what it needs of them.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import measure
from order_days import simulate

from wabench import ltv

RATE = 0.1  # a year
PUBLISHED = {"orders": (0.2426, 30.8952, 0.7929, 2.4259), "spend": (6.25, 3.74, 15.44)}


def ours(home: str) -> None:
    _ours(home, ranges=False)


def ours_with_ranges(home: str) -> None:
    _ours(home, ranges=True)


def theirs(home: str) -> None:
    import pandas
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    x, last, age, _, repeat = (pandas.Series(column) for column in _arrays(home))
    began = time.monotonic(), time.process_time()
    orders = BetaGeoFitter().fit(x, last, age)
    spend = GammaGammaFitter().fit(x[x > 0], repeat[x > 0])
    value = spend.customer_lifetime_value(
        orders, x, last, age, repeat.fillna(0), time=12, discount_rate=(1 + RATE) ** (1 / 12) - 1, freq="D"
    )
    _keep(home, "theirs", began, value.sum())


def _ours(home: str, *, ranges: bool) -> None:
    frequency, recency, age, first, repeat = _arrays(home)
    began = time.monotonic(), time.process_time()
    counts, spent = ltv.Counts.of(frequency, recency, age), ltv.Spent.of(first, repeat)
    model, horizon = ltv.fit(counts, spent), ltv.Horizon.months(12, yearly_rate=RATE)
    unsure = ltv.Calibration(orders_sd=0.2, value_sd=0.2)
    value = (
        ltv.forecast(model, counts, spent, horizon, unsure).value
        if ranges
        else ltv.expected_value(model, counts, spent, horizon)
    )
    _keep(home, "ours_with_ranges" if ranges else "ours", began, value.sum())


def _arrays(home: str) -> list[np.ndarray]:
    with np.load(Path(home, "customers.npz")) as saved:
        return [saved[name] for name in ("frequency", "recency", "age", "first", "repeat")]


def _keep(home: str, name: str, began: tuple[float, float], value: float) -> None:
    wall, work = time.monotonic() - began[0], time.process_time() - began[1]
    Path(home, name).write_text(json.dumps({"wall": wall, "work": work, "value": float(value)}))


def _simulate(home: str, customers: int) -> int:
    one = simulate(np.random.default_rng(1), customers, ahead=0.0, **PUBLISHED)
    recency = np.ceil(one.counts.recency)
    np.savez(
        Path(home, "customers.npz"),
        frequency=one.counts.frequency,
        recency=recency,
        age=np.maximum(np.ceil(one.counts.age), recency),
        first=one.spent.first,
        repeat=one.spent.repeat,
    )
    return int(one.counts.frequency.sum()) + customers


def main(customers: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        orders = _simulate(home, customers)
        print(f"{customers:,} customers, {orders:,} order days, fit and 12-month value")
        wall, work = {}, {}
        for name, job in (("lifetimes", theirs), ("wabench", ours), ("with ranges", ours_with_ranges)):
            memory = measure(job, home).peak_mb
            found = json.loads(Path(home, job.__name__).read_text())
            wall[name], work[name] = found["wall"], found["work"]
            times = f"{wall[name]:7.2f} s  {work[name]:7.2f} s of work"
            print(f"{name:<12} {times}  peak {memory:6,.0f} MB  sum {found['value']:,.0f}")
        ratios = [one["lifetimes"] / one["wabench"] for one in (wall, work)]
        print(f"ratio        {ratios[0]:7.1f}    {ratios[1]:7.1f} (budget 20; 1.5 s, 500 MB; ranges 15 s)")


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else 1_000_000)
