"""The lift of all campaigns at once, from table to table: what a dbt model hands over and takes back."""

from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wabench import lift
from wabench.lift import Arm, Effect

METRICS = ("conversions", "orders", "net_revenue")
SHRUNK = ("conversions", "net_revenue")
BOUNDS = ("", "_low", "_high")


def lift_campaigns(arms: pa.Table) -> pa.Table:
    """Estimate what each campaign and variant caused, from the sums of `int_sends_summed_to_arms`.

    A row for each of its rows; unknown values are null.
    """
    treated, held_out = _column(arms, "treated_customers"), _column(arms, "held_out_customers")
    effects = {
        metric: lift.compare(_arm(arms, "treated", metric), _arm(arms, "held_out", metric)) for metric in METRICS
    }
    totals = {metric: np.stack(effect.of(treated)) for metric, effect in effects.items()}
    shrunk = {metric: _shrunk(effects[metric], treated) for metric in SHRUNK}
    prices = lift.cost_per_unit(_column(arms, "cost"), *totals["orders"])
    columns: dict[str, Any] = {
        "sample_ratio_p": lift.sample_ratio_p(treated, held_out, _column(arms, "holdout_share")),
        "variance_removed": effects["net_revenue"].variance_removed,
        **_bounded("incremental_{}", totals),
        **_bounded("incremental_{}_shrunk", shrunk),
        **_bounded("{}", {"cost_per_incremental_order": prices}),
    }
    keys = {name: arms.column(name) for name in ("campaign_id", "variant")}
    return pa.table({**keys, **{name: pa.array(v, pa.float64(), from_pandas=True) for name, v in columns.items()}})


def _arm(arms: pa.Table, arm: str, metric: str) -> Arm:
    def column(name: str) -> NDArray[np.float64]:
        return _column(arms, f"{arm}_{name}")

    return Arm(
        customers=column("customers"),
        active=column("conversions"),
        y=column(metric),
        yy=column(f"{metric}_squared"),
        x=column("covariate"),
        xx=column("covariate_squared"),
        xy=column(f"{metric}_by_covariate"),
    )


def _shrunk(effect: Effect, customers: NDArray[np.float64]) -> NDArray[np.float64]:
    per_customer = lift.shrink(np.asarray(effect.value), np.asarray(effect.error))
    shrunk: NDArray[np.float64] = (per_customer * customers[:, None]).T
    return shrunk


def _bounded(name: str, values: dict[str, Any]) -> dict[str, Any]:
    pairs = ([(f"{name.format(metric)}{bound}", v) for bound, v in zip(BOUNDS, bounds, strict=True)]
             for metric, bounds in values.items())  # fmt: skip
    return dict(chain.from_iterable(pairs))


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Read a column as floats, null as nan."""
    values: NDArray[np.float64] = table.column(name).cast(pa.float64()).to_numpy()
    return values
