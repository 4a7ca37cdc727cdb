"""Lifetime value on whole tables: what the models hand over, and what they get back. Arrow in, Arrow out.

Rows are sorted before anything is added up, so that one warehouse gives one result to the last digit, whatever order its
engine reads in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wabench import ltv
from wabench.ltv.counts import Floats

_TEXTS = ("basis", "orders_basis", "spend_basis", "process", "variant")
_ORDERS = ("r", "alpha", "a", "b")
_SPEND = ("p", "q", "v")
_CALIBRATION = ("season", "orders_level", "value_level", "orders_sd", "value_sd")
_MEASURES = (
    "actual_orders", "actual_value", "plain_orders", "plain_value", "expected_orders", "expected_value",
    "expected_value_low", "expected_value_high", "bias", "mae", "naive_mae", "naive_bias", "gini", "naive_gini", "capture",
    "decile_error",
)  # fmt: skip
_DECILE = ("decile_expected_value", "decile_actual_value")
_FITS = pa.schema(
    [
        ("quarters_ago", pa.int32()),
        ("ends_on", pa.date32()),
        *((name, pa.string()) for name in _TEXTS),
        ("has_dropout", pa.bool_()),
        *((name, pa.int64()) for name in ("customers", "repeaters", "spenders")),
        *((name, pa.float64()) for name in (*_ORDERS, *(f"{n}_se" for n in _ORDERS), "rate", "orders_log_likelihood")),
        *((name, pa.float64()) for name in (*_SPEND, *(f"{n}_se" for n in _SPEND), "mean_spend", "spend_log_likelihood")),
        *((name, pa.float64()) for name in _CALIBRATION),
        ("backtest_days", pa.int32()),
        *((name, pa.float64()) for name in _MEASURES),
        ("is_in_range", pa.bool_()),
        ("decile", pa.int32()),
        ("decile_customers", pa.int64()),
        *((name, pa.float64()) for name in _DECILE),
    ]
)
_EXPECTED = ("orders", "orders_low", "orders_high", "orders_variance", "value", "value_low", "value_high", "value_variance")
_CUSTOMERS = pa.schema(
    [
        ("customer_id", pa.string()),
        *((name, pa.float64()) for name in (*_EXPECTED, "p_alive", "days_to_next_order")),
        ("basis", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How far ahead to look, at which discount a year, and with how few customers and repeaters a model is still fitted."""

    months: int
    discount_rate: float
    backtest_days: int
    minimum_customers: int
    minimum_repeaters: int

    @property
    def horizon(self) -> ltv.Horizon:
        return ltv.Horizon.months(self.months, yearly_rate=self.discount_rate)


def fit(observed: pa.Table, shop_days: pa.Table, terms: Terms) -> pa.Table:
    """Fit now and at each past end and back-test the latter; a row per fit and decile of its back-test, one for now.

    observed: a row per customer and end, as int_customers_observed has them; shop_days: purchases of each day.
    """
    daily = shop_days.sort_by("order_date")
    rows: list[dict[str, Any]] = []
    backtests: list[ltv.Backtest] = []
    choice = ltv.Choice()
    for quarters_ago in sorted(pc.unique(observed["quarters_ago"]).to_pylist(), reverse=True):
        known = _known(observed, quarters_ago)
        counts, spent, ends_on = _counts(known), _spent(known), known["ends_on"][0].as_py()
        orders_daily = _floats(daily.filter(pc.less_equal(daily["order_date"], ends_on)), "purchases")
        days = terms.backtest_days if quarters_ago else terms.horizon.days
        row = {"quarters_ago": quarters_ago, "ends_on": ends_on}
        row |= _model_row(ltv.fit(counts, spent, choice)) | _calibration_row(ltv.calibrate(orders_daily, days, backtests))
        if quarters_ago == 0:
            rows.append(row)
            break
        cut = _cut(known, counts, spent, orders_daily, terms)
        backtests.append(ltv.backtest(cut, choice, backtests))
        rows += [row | measures for measures in _backtest_rows(backtests[-1])]
        choice = ltv.choose(cut)
    return pa.Table.from_pylist(rows, _FITS)


def forecast(observed: pa.Table, fits: pa.Table, terms: Terms) -> pa.Table:
    """Expect orders and value of each customer from now on; a row per customer."""
    now = _known(observed, 0)
    if not now.num_rows:
        return _CUSTOMERS.empty_table()
    model, calibration = _fitted(fits)
    counts = _counts(now)
    expected = ltv.forecast(model, counts, _spent(now), terms.horizon, calibration)
    columns = {name: getattr(expected, name) for name in _EXPECTED}
    is_model = model.orders.basis is ltv.Basis.MODEL
    columns["p_alive"] = ltv.p_alive(model.orders, counts) if is_model else np.full(now.num_rows, np.nan)
    columns["days_to_next_order"] = ltv.expected_next_order(model.orders, counts)
    arrays = [_nullable(values) for values in columns.values()]
    basis = pa.array([model.basis.value]).take(pa.array(np.zeros(now.num_rows, np.int32)))
    return pa.table([now["customer_id"].cast(pa.string()), *arrays, basis], schema=_CUSTOMERS)


def value(groups: pa.Table, fits: pa.Table, terms: Terms) -> pa.Table:
    """Add to each group of customers what one of them is expected to order and be worth from its month's end on.

    groups: as int_customers_grouped_to_months has them; those without a frequency never bought, and are left null.
    """
    bought = groups.filter(pc.is_valid(groups["frequency"]))
    never = groups.filter(pc.is_null(groups["frequency"]))
    expected = {"expected_orders": np.zeros(0), "expected_value": np.zeros(0)}
    if bought.num_rows:
        model, calibration = _fitted(fits)
        counts, horizon = _counts(bought), terms.horizon
        orders = ltv.expected_orders(model.orders, counts, horizon.days)
        worth = ltv.expected_value(model, counts, _spent(bought), horizon)
        expected["expected_orders"] = orders * calibration.season * calibration.orders_level
        expected["expected_value"] = worth * calibration.season * calibration.value_level
    for name, values in expected.items():
        bought = bought.append_column(name, _nullable(values))
        never = never.append_column(name, pa.nulls(never.num_rows, pa.float64()))
    return pa.concat_tables([bought, never])


def _known(observed: pa.Table, quarters_ago: int) -> pa.Table:
    return observed.filter(pc.equal(observed["quarters_ago"], quarters_ago)).sort_by("customer_id")


def _counts(known: pa.Table) -> ltv.Counts:
    return ltv.Counts.of(*(_floats(known, name) for name in ("frequency", "recency_days", "age_days")))


def _spent(known: pa.Table) -> ltv.Spent:
    return ltv.Spent.of(_floats(known, "first_spend"), _floats(known, "repeat_spend"))


def _cut(known: pa.Table, counts: ltv.Counts, spent: ltv.Spent, daily_orders: Floats, terms: Terms) -> ltv.Cut:
    outcome = (_floats(known, name) for name in ("orders_after", "value_after", "value_repeated"))
    return ltv.Cut(counts, spent, terms.backtest_days, *outcome, daily_orders)


def _floats(table: pa.Table, name: str) -> Floats:
    return table[name].cast(pa.float64()).to_numpy()  # type: ignore[no-any-return]


def _nullable(values: Floats) -> pa.Array:
    """Put null where there is no number: nan, or beyond any."""
    return pa.array(values, mask=~np.isfinite(values))


def _model_row(model: ltv.Model) -> dict[str, Any]:
    orders, spend = model.orders, model.spend
    row = {name: getattr(orders, name) for name in (*_ORDERS, "rate")} | {name: getattr(spend, name) for name in _SPEND}
    row |= {f"{name}_se": value for name, value in zip(_ORDERS, orders.standard_errors, strict=True)}
    row |= {f"{name}_se": value for name, value in zip(_SPEND, spend.standard_errors, strict=True)}
    row |= {"orders_log_likelihood": orders.log_likelihood, "spend_log_likelihood": spend.log_likelihood}
    row |= {"mean_spend": spend.mean}
    texts = {"basis": model.basis, "orders_basis": orders.basis, "spend_basis": spend.basis}
    return {
        **{name: value if np.isfinite(value) else None for name, value in row.items()},
        **{name: value.value for name, value in texts.items()},
        "process": orders.process.value,
        "variant": spend.variant.value,
        "has_dropout": orders.has_dropout,
        "customers": round(orders.customers),
        "repeaters": round(orders.repeaters),
        "spenders": round(spend.customers),
    }


def _calibration_row(calibration: ltv.Calibration) -> dict[str, float]:
    return {name: getattr(calibration, name) for name in _CALIBRATION}


def _backtest_rows(backtest: ltv.Backtest) -> Iterator[dict[str, Any]]:
    measures = {name: getattr(backtest, name) for name in _MEASURES}
    row = {name: value if np.isfinite(value) else None for name, value in measures.items()}
    row |= {"backtest_days": backtest.days, "is_in_range": bool(backtest.is_in_range)}
    for decile in backtest.deciles:
        yield row | {
            "decile": decile.decile,
            "decile_customers": decile.customers,
            "decile_expected_value": decile.expected_value,
            "decile_actual_value": decile.actual_value,
        }
    if not backtest.deciles:
        yield row


def _fitted(fits: pa.Table) -> tuple[ltv.Model, ltv.Calibration]:
    """Build again the model of now from its row."""
    [row] = fits.filter(pc.equal(fits["quarters_ago"], 0)).to_pylist()
    number = {name: np.nan if value is None else value for name, value in row.items()}
    orders = ltv.OrdersFit(
        process=ltv.Process(row["process"]),
        r=number["r"],
        alpha=number["alpha"],
        a=number["a"],
        b=np.inf if row["process"] == ltv.Process.NBD else number["b"],
        log_likelihood=number["orders_log_likelihood"],
        standard_errors=(number["r_se"], number["alpha_se"], number["a_se"], number["b_se"]),
        customers=number["customers"],
        repeaters=number["repeaters"],
        rate=number["rate"],
        basis=ltv.Basis(row["orders_basis"]),
        evaluations=0,
    )
    spend = ltv.SpendFit(
        p=number["p"],
        q=number["q"],
        v=number["v"],
        variant=ltv.Variant(row["variant"]),
        log_likelihood=number["spend_log_likelihood"],
        standard_errors=(number["p_se"], number["q_se"], number["v_se"]),
        customers=number["spenders"],
        mean=number["mean_spend"],
        basis=ltv.Basis(row["spend_basis"]),
        evaluations=0,
    )
    return ltv.Model(orders, spend), ltv.Calibration(**{name: row[name] for name in _CALIBRATION})
