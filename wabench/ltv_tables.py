"""Lifetime value on whole tables: what the models hand over, and what they get back. Arrow in, Arrow out.

Rows are sorted before anything is added up, so that one warehouse gives one result to the last digit, whatever order
its engine reads in.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import special

from wabench import ltv
from wabench.ltv.counts import Floats

_TEXTS = ("basis", "process", "variant", "asked_variant")
_ORDERS = ("r", "alpha", "a", "b")
_SPEND = ("p", "q", "v")
_CALIBRATION = ("season", "orders_level", "value_level", "orders_sd", "value_sd")
_MEASURES = (
    "actual_orders", "actual_value", "plain_orders", "plain_value", "expected_orders", "expected_value",
    "expected_value_low", "expected_value_high", "bias", "mae", "naive_mae", "naive_bias", "gini", "naive_gini",
    "capture", "decile_error",
)  # fmt: skip
_FITS = pa.schema(
    [
        ("quarters_ago", pa.int32()),
        ("ends_on", pa.date32()),
        *((name, pa.string()) for name in _TEXTS),
        ("has_dropout", pa.bool_()),
        *((name, pa.int32()) for name in ("months", "minimum_customers", "minimum_repeaters")),
        ("discount_rate", pa.float64()),
        *((name, pa.int64()) for name in ("customers", "repeaters", "spenders")),
        *((name, pa.float64()) for name in (*_ORDERS, *(f"{n}_se" for n in _ORDERS), "rate", "orders_log_likelihood")),
        *(
            (name, pa.float64())
            for name in (*_SPEND, *(f"{n}_se" for n in _SPEND), "mean_spend", "spend_log_likelihood")
        ),
        *((name, pa.float64()) for name in _CALIBRATION),
        ("backtest_days", pa.int32()),
        *((name, pa.float64()) for name in _MEASURES),
        ("is_in_range", pa.bool_()),
        ("decile", pa.int32()),
        ("decile_customers", pa.int64()),
        *((name, pa.float64()) for name in ("decile_expected_value", "decile_actual_value")),
    ]
)
_EXPECTED = (
    "orders",
    "orders_low",
    "orders_high",
    "orders_variance",
    "value",
    "value_low",
    "value_high",
    "value_variance",
)
_CUSTOMERS = pa.schema(
    [
        ("customer_id", pa.string()),
        *((name, pa.float64()) for name in (*_EXPECTED, "value_sd", "p_alive", "days_to_next_order")),
        ("basis", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Terms:
    """How far ahead to look, at which discount a year, and from how many customers and repeaters a model stands."""

    months: int
    discount_rate: float
    minimum_customers: int
    minimum_repeaters: int

    @property
    def horizon(self) -> ltv.Horizon:
        return ltv.Horizon.months(self.months, yearly_rate=self.discount_rate)


def fit(observed: pa.Table, shop_days: pa.Table, terms: Terms, backtest_days: int) -> pa.Table:
    """Fit now and at each past end and back-test the latter; a row per fit and decile of its back-test, one for now.

    Each uses what the back-tests before it have shown, and no more: which variant ranks best, how far off levels were.
    observed: a row per customer and end, as int_customers_observed has them; shop_days: purchases of each day.
    """
    rows: list[dict[str, Any]] = []
    backtests: list[ltv.Backtest] = []
    choice = ltv.Choice()
    for quarters_ago in sorted(pc.unique(observed["quarters_ago"]).to_pylist(), reverse=True):
        known = _known(observed, quarters_ago)
        ends_on = known["ends_on"][0].as_py()
        daily_orders = _daily(shop_days, ends_on)
        model = _fit(known, choice, terms)
        ahead = backtest_days if quarters_ago else round(terms.horizon.days)
        calibration = ltv.calibrate(daily_orders, ahead, backtests, model.orders, _counts(known))
        row = {"quarters_ago": quarters_ago, "ends_on": ends_on, **asdict(terms), "asked_variant": choice.variant.value}
        row |= _calibration_row(calibration) | _model_row(model)
        if quarters_ago == 0:
            rows.append(row)
            continue
        cut = _cut(known, backtest_days, daily_orders)
        found = ltv.forecast(model, cut.counts, cut.spent, ltv.Horizon(cut.days), calibration, ranges=False)
        backtests.append(ltv.measure(found, cut, choice))
        rows += [row | {"value_sd": found.value_sd} | measures for measures in _backtest_rows(backtests[-1])]
        choice = ltv.choose(cut)
    return pa.Table.from_pylist(rows, _FITS)


def forecast(observed: pa.Table, fits: pa.Table) -> pa.Table:
    """Expect orders and value of each customer from now on, by the fit of now; a row per customer."""
    now = _known(observed, 0)
    if not now.num_rows:
        return _CUSTOMERS.empty_table()
    model, calibration, horizon = _fitted(now, fits)
    counts = _counts(now)
    expected = ltv.forecast(model, counts, _spent(now), horizon, calibration)
    columns = {name: getattr(expected, name) for name in _EXPECTED}
    columns["value_sd"] = np.full(now.num_rows, expected.value_sd)
    is_model = model.orders.basis is ltv.Basis.MODEL
    columns["p_alive"] = ltv.p_alive(model.orders, counts) if is_model else np.full(now.num_rows, np.nan)
    columns["days_to_next_order"] = ltv.expected_next_order(model.orders, counts)
    basis = pa.repeat(model.basis.value, now.num_rows)
    return pa.table([now["customer_id"], *map(_nullable, columns.values()), basis], schema=_CUSTOMERS)


def value(groups: pa.Table, observed: pa.Table, fits: pa.Table) -> pa.Table:
    """Add to each group of customers what one of them is expected to order and be worth from its month's end on.

    groups: as int_customers_grouped_to_months has them; those without a frequency never bought, and are left null.
    """
    bought = groups.filter(pc.is_valid(groups["frequency"]))
    never = groups.filter(pc.is_null(groups["frequency"]))
    orders, worth = np.zeros(0), np.zeros(0)
    if bought.num_rows:
        model, calibration, horizon = _fitted(_known(observed, 0), fits)
        counts = _counts(bought)
        orders = ltv.expected_orders(model.orders, counts, horizon.days) * calibration.season * calibration.orders_level
        worth = (
            ltv.expected_value(model, counts, _spent(bought), horizon) * calibration.season * calibration.value_level
        )
    for name, values in (("expected_orders", orders), ("expected_value", worth)):
        bought = bought.append_column(name, _nullable(values))
        never = never.append_column(name, pa.nulls(never.num_rows, pa.float64()))
    return pa.concat_tables([bought, never])


def range_of_sum(expected: float, variance: float, shared_sd: float) -> tuple[float, float]:
    """80 % range of what a set of customers brings: of its summed ltv_expected_12m and ltv_expected_12m_variance.

    shared_sd: value_sd of the fit of now. The sum is taken for gamma, as wabench.ltv.total does.
    """
    spread = variance + (shared_sd * expected) ** 2
    if expected <= 0 or spread <= 0:
        return max(expected, 0.0), max(expected, 0.0)
    low, high = special.gammaincinv(expected**2 / spread, [0.1, 0.9]) * spread / expected
    return float(low), float(high)


def _known(observed: pa.Table, quarters_ago: int) -> pa.Table:
    return observed.filter(pc.equal(observed["quarters_ago"], quarters_ago)).sort_by("customer_id")


def _counts(known: pa.Table) -> ltv.Counts:
    return ltv.Counts.of(*(_floats(known, name) for name in ("frequency", "recency_days", "age_days")))


def _spent(known: pa.Table) -> ltv.Spent:
    return ltv.Spent.of(_floats(known, "first_spend"), _floats(known, "repeat_spend"))


def _cut(known: pa.Table, days: int, daily_orders: Floats) -> ltv.Cut:
    orders, value, repeated = (_floats(known, name) for name in ("orders_after", "value_after", "value_repeated"))
    return ltv.Cut(_counts(known), _spent(known), days, orders, value, repeated, daily_orders)


def _floats(table: pa.Table, name: str) -> Floats:
    """Give a column as numbers, nan for null."""
    return table[name].cast(pa.float64()).to_numpy()  # type: ignore[no-any-return]


def _nullable(values: Floats) -> pa.Array:
    """Put null where there is no number: nan, or beyond any."""
    return pa.array(values, mask=~np.isfinite(values))


def _daily(shop_days: pa.Table, ends_on: date) -> Floats:
    known = shop_days.filter(pc.less_equal(shop_days["order_date"], pa.scalar(ends_on)))
    return _floats(known.sort_by("order_date"), "purchases")


def _fit(known: pa.Table, choice: ltv.Choice, terms: Terms) -> ltv.Model:
    counts = _counts(known)
    least = {"minimum_customers": terms.minimum_customers, "minimum_repeaters": terms.minimum_repeaters}
    return ltv.Model(
        ltv.fit_orders(counts, choice.process, **least), ltv.fit_spending(counts, _spent(known), choice.variant)
    )


def _fitted(now: pa.Table, fits: pa.Table) -> tuple[ltv.Model, ltv.Calibration, ltv.Horizon]:
    """Fit once more as the fit of now was: 0.2 s for a million customers, and no model need be written and read."""
    [row] = fits.filter(pc.equal(fits["quarters_ago"], 0)).to_pylist()
    terms = Terms(**{each.name: row[each.name] for each in fields(Terms)})
    model = _fit(now, ltv.Choice(variant=ltv.Variant(row["asked_variant"])), terms)
    return model, ltv.Calibration(**{name: row[name] for name in _CALIBRATION}), terms.horizon


def _calibration_row(calibration: ltv.Calibration) -> dict[str, float]:
    return {name: getattr(calibration, name) for name in _CALIBRATION}


def _model_row(model: ltv.Model) -> dict[str, Any]:
    orders, spend = model.orders, model.spend
    numbers = {name: getattr(orders, name) for name in (*_ORDERS, "rate")}
    numbers |= {name: getattr(spend, name) for name in _SPEND}
    for names, errors in ((_ORDERS, orders.standard_errors), (_SPEND, spend.standard_errors)):
        numbers |= {f"{name}_se": error for name, error in zip(names, errors, strict=True)}
    numbers |= {"orders_log_likelihood": orders.log_likelihood, "spend_log_likelihood": spend.log_likelihood}
    return {
        **_finite(numbers | {"mean_spend": spend.mean}),
        "basis": model.basis.value,
        "process": orders.process.value,
        "variant": spend.variant.value,
        "has_dropout": orders.has_dropout,
        "customers": round(orders.customers),
        "repeaters": round(orders.repeaters),
        "spenders": round(spend.customers),
    }


def _backtest_rows(backtest: ltv.Backtest) -> Iterator[dict[str, Any]]:
    row = _finite({name: getattr(backtest, name) for name in _MEASURES})
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


def _finite(numbers: dict[str, float]) -> dict[str, Any]:
    return {name: number if np.isfinite(number) else None for name, number in numbers.items()}
