"""What holds of any history and of any parameters, also of those that sums and gammas find hard."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wabench import ltv
from wabench.ltv import Basis, OrdersFit, Process, SpendFit, Variant

NAN = float("nan")
sizes = st.floats(1e-3, 1e3)
spans = st.floats(0.01, 5_000)


def fitted(process: Process, r: float, alpha: float, a: float, b: float) -> OrdersFit:
    return OrdersFit(
        process=process,
        r=r,
        alpha=alpha,
        a=0.0 if process is Process.NBD else a,
        b=np.inf if process is Process.NBD else b,
        log_likelihood=NAN,
        standard_errors=(NAN,) * 4,
        customers=1000,
        repeaters=500,
        orders=2000,
        rate=0.01,
        basis=Basis.MODEL,
        evaluations=0,
        covariance=np.full((4, 4), NAN),
    )


fits = st.builds(fitted, st.sampled_from(Process), sizes, st.floats(1e-2, 1e5), sizes, sizes)


@st.composite
def histories(draw: st.DrawFn) -> ltv.Counts:
    frequency = draw(st.integers(0, 3_000))
    recency = draw(spans) if frequency else 0.0
    return ltv.Counts.of([frequency], [recency], [recency + draw(spans)])


@settings(max_examples=40, deadline=None)
@given(fits, histories(), spans)
def test_expectations_are_finite_grow_with_time_and_stay_below_those_of_the_living(
    fit: OrdersFit, counts: ltv.Counts, days: float
) -> None:
    alive = ltv.p_alive(fit, counts)
    assert 0 <= alive[0] <= 1
    some, more = (ltv.expected_orders(fit, counts, span)[0] for span in (days, 2 * days))
    assert np.isfinite(more)
    assert 0 <= some <= more * (1 + 1e-4) + 1e-9
    never_leaves = (fit.r + counts.frequency[0]) / (fit.alpha + counts.age[0]) * days
    assert some <= never_leaves * alive[0] * (1 + 1e-4) + 1e-9


@settings(max_examples=40, deadline=None)
@given(fits, histories(), st.floats(1, 800), st.floats(0, 0.5))
def test_ranges_are_in_order_and_around_the_median(
    fit: OrdersFit, counts: ltv.Counts, days: float, unsure: float
) -> None:
    spend = spend_of(6.0, 3.5, 15.0)
    spent = ltv.Spent.of([20.0], [30.0])
    found = ltv.forecast(
        ltv.Model(fit, spend), counts, spent, ltv.Horizon(days), ltv.Calibration(orders_sd=unsure, value_sd=unsure)
    )
    assert 0 <= found.orders_low[0] <= found.orders_high[0] < np.inf
    assert 0 <= found.value_low[0] <= found.value_high[0] < np.inf
    assert found.value_variance[0] >= 0
    assert found.orders_variance[0] >= 0
    sums = ltv.total(found)
    assert 0 <= sums.value_low <= sums.value_high < np.inf


def spend_of(p: float, q: float, v: float) -> SpendFit:
    return SpendFit(p, q, v, Variant.ALL, NAN, (NAN,) * 3, 100, 35.0, Basis.MODEL, 0, np.full((3, 3), NAN))


@given(sizes, sizes, sizes, st.integers(0, 500), st.floats(0, 1e6))
def test_expected_spend_lies_between_the_population_and_the_customer(
    p: float, q: float, v: float, orders: int, mean: float
) -> None:
    fit = spend_of(p, q, v)
    found = ltv.expected_spend(fit, [orders], [mean])[0]
    assert np.isfinite(found)
    assert found >= 0
    if q > 1.01:
        population = p * v / (q - 1)
        low, high = sorted((population, mean if orders else population))
        assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9) + 1e-9


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_history_whatever_stops_a_fit(data: st.DataObject) -> None:
    rows = data.draw(
        st.lists(
            st.tuples(st.integers(0, 400), st.floats(1, 3_000), st.floats(0, 3_000), st.integers(1, 10_000)),
            min_size=1,
            max_size=12,
        )
    )
    frequency, recency, rest, people = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    recency = np.where(frequency > 0, recency, 0)
    counts = ltv.Counts.of(frequency, recency, recency + rest, people)
    for process in (None, *Process):
        fit = ltv.fit_orders(counts, process, minimum_customers=1, minimum_repeaters=1)
        assert np.isfinite(ltv.expected_orders(fit, counts, 365.25)).all()
        assert ((ltv.p_alive(fit, counts) >= 0) & (ltv.p_alive(fit, counts) <= 1)).all()


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(-10, 1e5)), max_size=15))
@example([(1, 4.0), (1, 5e-324)])
def test_no_spend_whatever_stops_a_fit(rows: list[tuple[int, float]]) -> None:
    fit = ltv.fit_spend([n for n, _ in rows], [z for _, z in rows], minimum_spenders=1)
    assert np.isfinite(ltv.expected_spend(fit, [0, 1, 9], [0, 5, 50])).all()


def test_histories_that_packages_find_hard_are_finite() -> None:
    """Frequent customers on whom CLVTools and lifetimes test that nothing overflows."""
    hard = ltv.Counts.of([221, 254, 161, 204], [724, 680, 663, 690], [725, 681, 686, 696])
    fit = fitted(Process.BG_NBD, 0.5143, 20.19, 0.2856, 14.1087)
    alive = ltv.p_alive(fit, hard)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert alive[0] > 0.9
    long_ago = ltv.Counts.of([132, 133, 5_000], [1400] * 3, [1400] * 3)
    assert np.isfinite(ltv.expected_orders(fit, long_ago, 10_000)).all()


def test_many_terms_are_summed_as_few_are() -> None:
    """Where terms are integrated, for they are too many, the result is that of the closed form without dropout."""
    fit = fitted(Process.NBD, 0.5, 30, 1, 1)
    counts = ltv.Counts.of([3, 900, 40], [10, 900, 40], [12, 1000, 41])
    for days in (10.0, 1_000.0, 100_000.0):
        exact = (fit.r + counts.frequency) / (fit.alpha + counts.age) * days
        assert ltv.expected_orders(fit, counts, days) == pytest.approx(exact, rel=1e-4)


def test_order_of_rows_and_doubled_weights_change_nothing() -> None:
    rng = np.random.default_rng(3)
    frequency = rng.poisson(1.5, 300).astype(float)
    recency = np.where(frequency > 0, rng.integers(1, 300, 300), 0).astype(float)
    counts = ltv.Counts.of(frequency, recency, recency + rng.integers(0, 100, 300))
    mixed = rng.permutation(300)
    other = ltv.Counts.of(frequency[mixed], recency[mixed], counts.age[mixed], np.full(300, 2.0))
    one, two = ltv.fit_orders(counts, Process.MBG_NBD), ltv.fit_orders(other, Process.MBG_NBD)
    assert (two.r, two.alpha) == pytest.approx((one.r, one.alpha), rel=1e-6)
    assert two.log_likelihood == pytest.approx(2 * one.log_likelihood)


@pytest.mark.parametrize(
    "wrong", [([-1], [0], [1]), ([1], [0], [1]), ([0], [1], [2]), ([1], [3], [2]), ([0.5], [1], [2]), ([0], [0], [NAN])]
)
def test_what_is_no_history_is_refused(wrong: tuple[list[float], list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        ltv.Counts.of(*wrong)


def test_the_mean_of_two_processes_lies_between_them() -> None:
    dropout, none = fitted(Process.BG_NBD, 0.6, 45, 0.8, 2.4), fitted(Process.NBD, 0.5, 60, 1, 1)
    counts = ltv.Counts.of([0, 2, 9], [0, 60, 200], [300, 300, 300])
    both = ltv.expected_orders(replace(dropout, stayers=none), counts, 90)
    low, high = ltv.expected_orders(dropout, counts, 90), ltv.expected_orders(none, counts, 90)
    assert ((np.minimum(low, high) <= both) & (both <= np.maximum(low, high))).all()
