"""Lifetime value on tables: complete, the same in any order of rows, and what the arrays give."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from order_days import simulate

from wabench import ltv, ltv_tables

TERMS = ltv_tables.Terms(months=12, discount_rate=0.1, minimum_customers=100, minimum_repeaters=20)
TODAY, QUARTER = date(2026, 6, 30), 91
DAYS = pa.table({"order_date": [TODAY - timedelta(days=n) for n in range(700)], "purchases": [10] * 700})
COLUMNS = {
    "customer_id": pa.string(),
    "quarters_ago": pa.int32(),
    "ends_on": pa.date32(),
    "frequency": pa.int32(),
    "recency_days": pa.int32(),
    "age_days": pa.int32(),
    "first_spend": pa.float64(),
    "repeat_spend": pa.float64(),
    "orders_after": pa.int64(),
    "value_after": pa.float64(),
    "value_repeated": pa.float64(),
}


def _observed(customers: int, quarters_ago: int) -> pa.Table:
    """Simulate customers as int_customers_observed has them; a few gave everything back."""
    shop = simulate(np.random.default_rng(quarters_ago), customers, ahead=QUARTER)
    first, repeat = shop.spent.first.copy(), shop.spent.repeat.copy()
    first[::50], repeat[::50] = -5.0, np.where(np.isnan(repeat[::50]), np.nan, -1.0)
    recency = np.ceil(shop.counts.recency)
    columns = {
        "customer_id": [f"c{n:06}" for n in range(customers)],
        "quarters_ago": np.full(customers, quarters_ago),
        "ends_on": [TODAY - timedelta(days=QUARTER * quarters_ago)] * customers,
        "frequency": shop.counts.frequency,
        "recency_days": recency,
        "age_days": np.maximum(np.ceil(shop.counts.age), recency),
        "first_spend": first,
        "repeat_spend": pa.array(repeat, mask=np.isnan(repeat)),
        "orders_after": shop.orders_ahead,
        "value_after": shop.value_ahead,
        "value_repeated": shop.value_ahead,
    }
    arrays = [pa.array(values).cast(COLUMNS[name]) for name, values in columns.items()]
    return pa.table(arrays, schema=pa.schema(list(COLUMNS.items())))


@pytest.fixture(scope="module")
def observed() -> pa.Table:
    return pa.concat_tables([_observed(3000, 0), _observed(2500, 1)])


@pytest.fixture(scope="module")
def fits(observed: pa.Table) -> pa.Table:
    return ltv_tables.fit(observed, DAYS, TERMS, QUARTER)


def test_each_past_fit_has_ten_parts_and_todays_has_one_row(fits: pa.Table) -> None:
    rows = fits.select(["quarters_ago", "decile"]).to_pylist()
    assert [row["decile"] for row in rows if row["quarters_ago"] == 1] == list(range(1, 11))
    assert [row["decile"] for row in rows if row["quarters_ago"] == 0] == [None]


def test_tables_give_what_the_arrays_give(observed: pa.Table, fits: pa.Table) -> None:
    now = observed.filter(pc.equal(observed["quarters_ago"], 0))
    counts = ltv.Counts.of(*(now[name].to_numpy() for name in ("frequency", "recency_days", "age_days")))
    spent = ltv.Spent.of(now["first_spend"].to_numpy(), now["repeat_spend"].to_numpy())
    [row] = fits.filter(pc.equal(fits["quarters_ago"], 0)).to_pylist()
    calibration = ltv.Calibration(
        **{name: row[name] for name in ("season", "orders_level", "value_level", "orders_sd", "value_sd")}
    )
    model = ltv.fit(counts, spent, ltv.Choice(variant=ltv.Variant(row["variant"])))
    expected = ltv.forecast(model, counts, spent, ltv.Horizon.months(12, yearly_rate=0.1), calibration)
    found = ltv_tables.forecast(observed, fits)
    assert (row["r"], row["alpha"]) == (model.orders.r, model.orders.alpha)
    np.testing.assert_allclose(found["value"].to_numpy(), expected.value, rtol=1e-12)
    np.testing.assert_allclose(found["value_high"].to_numpy(), expected.value_high, rtol=1e-12)
    np.testing.assert_allclose(found["p_alive"].to_numpy(), ltv.p_alive(model.orders, counts), rtol=1e-12)


def test_the_order_of_rows_changes_no_digit(observed: pa.Table, fits: pa.Table) -> None:
    shuffled = observed.take(np.random.default_rng(1).permutation(observed.num_rows))
    again = ltv_tables.fit(shuffled, DAYS.take(np.arange(DAYS.num_rows)[::-1]), TERMS, QUARTER)
    assert again.equals(fits)
    assert ltv_tables.forecast(shuffled, again).equals(ltv_tables.forecast(observed, fits))


def test_groups_of_one_history_are_worth_what_their_customers_are(observed: pa.Table, fits: pa.Table) -> None:
    now = observed.filter(pc.equal(observed["quarters_ago"], 0))
    repeat = pc.fill_null(pc.multiply(now["repeat_spend"], now["frequency"]), 0)
    now = now.append_column("has_spent", pc.greater(pc.add(now["first_spend"], repeat), 0))
    now = now.append_column("has_spent_again", pc.greater(repeat, 0))
    keys = ["frequency", "recency_days", "age_days", "has_spent", "has_spent_again"]
    groups = now.group_by(keys).aggregate([("customer_id", "count"), ("first_spend", "mean"), ("repeat_spend", "mean")])
    groups = groups.rename_columns([*keys, "customers", "first_spend", "repeat_spend"])
    valued = ltv_tables.value(groups, now, fits)
    each = ltv_tables.forecast(observed, fits)
    for of_groups, of_customers in (("expected_value", "value"), ("expected_orders", "orders")):
        total = pc.sum(pc.multiply(valued[of_groups], valued["customers"])).as_py()
        assert total == pytest.approx(pc.sum(each[of_customers]).as_py(), rel=1e-12)
    assert groups.num_rows < now.num_rows


def test_a_group_that_never_bought_is_left_without_a_value(observed: pa.Table, fits: pa.Table) -> None:
    columns = {"frequency": [None], "recency_days": [None], "age_days": [None], "first_spend": [0.0]}
    never = pa.table(columns | {"repeat_spend": [None]})
    assert ltv_tables.value(never, observed, fits)["expected_value"].to_pylist() == [None]


def test_the_range_of_a_sum_is_that_of_the_arrays(observed: pa.Table, fits: pa.Table) -> None:
    now = observed.filter(pc.equal(observed["quarters_ago"], 0))
    counts = ltv.Counts.of(*(now[name].to_numpy() for name in ("frequency", "recency_days", "age_days")))
    spent = ltv.Spent.of(now["first_spend"].to_numpy(), now["repeat_spend"].to_numpy())
    expected = ltv.forecast(ltv.fit(counts, spent), counts, spent, ltv.Horizon.months(12, yearly_rate=0.1))
    members = np.arange(now.num_rows) < 40
    total = ltv.total(expected, members)
    found = ltv_tables.range_of_sum(
        expected.value[members].sum(), expected.value_variance[members].sum(), expected.value_sd
    )
    assert found == pytest.approx((total.value_low, total.value_high), rel=1e-9)
    assert ltv_tables.range_of_sum(0.0, 0.0, 0.2) == (0.0, 0.0)


def test_fewer_than_the_least_share_the_mean_and_nobody_has_a_chance_to_be_alive(observed: pa.Table) -> None:
    terms = ltv_tables.Terms(months=12, discount_rate=0.1, minimum_customers=3001, minimum_repeaters=20)
    fits = ltv_tables.fit(observed, DAYS, terms, QUARTER)
    assert pc.unique(fits["basis"]).to_pylist() == ["cohort_mean"]
    each = ltv_tables.forecast(observed, fits)
    assert pc.unique(each["basis"]).to_pylist() == ["cohort_mean"]
    assert each["p_alive"].null_count == each.num_rows
    assert len(pc.unique(each["orders"])) == 1


def test_nobody_gives_empty_tables() -> None:
    nobody = _observed(1, 0).slice(0, 0)
    fits = ltv_tables.fit(nobody, DAYS.slice(0, 0), TERMS, QUARTER)
    assert (fits.num_rows, ltv_tables.forecast(nobody, fits).num_rows) == (0, 0)
    groups = nobody.select(["frequency", "recency_days", "age_days", "first_spend", "repeat_spend"])
    assert ltv_tables.value(groups, nobody, fits).num_rows == 0
