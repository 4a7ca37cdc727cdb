"""What papers and packages print of CDNOW, to their digits."""

from datetime import date
from functools import cache

import numpy as np
import pytest
from order_days import cdnow
from shared import CDNOW_SAMPLE, needs

from wabench import ltv
from wabench.ltv import Process

pytestmark = needs(CDNOW_SAMPLE)

CUT, WEEKS = date(1997, 10, 1), 39
PAPER = (0.2425945, 4.4136019, 0.7929199, 2.4258881)
BY_FREQUENCY = {
    Process.BG_NBD: (0.2250893, 0.5231364, 1.044126, 1.520256, 2.163824, 2.653789, 3.503957, 6.157036),
    "actual": (0.2367116, 0.6970387, 1.392523, 1.560, 2.532258, 2.947368, 3.862069, 6.359375),
}


@cache
def sample() -> ltv.Cut:
    return cdnow(sample=True).at(CUT, WEEKS * 7)


@cache
def fitted(process: Process) -> ltv.OrdersFit:
    return ltv.fit_orders(sample().counts, process)


@cache
def spend() -> ltv.SpendFit:
    seen = ltv.spending(sample().counts, sample().spent, ltv.Variant.REPEAT)
    return ltv.fit_spend(*seen)


def weeks(frequency: list[float], recency: list[float], age: list[float]) -> ltv.Counts:
    return ltv.Counts.of(frequency, np.array(recency) * 7, np.array(age) * 7)


def test_bg_nbd_has_the_published_parameters_and_likelihood() -> None:
    fit = fitted(Process.BG_NBD)
    assert (fit.r, fit.alpha / 7, fit.a, fit.b) == pytest.approx(PAPER, rel=5e-5)
    assert fit.log_likelihood_per(7) == pytest.approx(-9582.4292, abs=0.001)
    assert fit.evaluations < 15


def test_mbg_nbd_has_the_published_parameters_and_likelihood() -> None:
    fit = fitted(Process.MBG_NBD)
    assert (fit.r, fit.alpha / 7, fit.a, fit.b) == pytest.approx((0.525, 6.183, 0.891, 1.614), abs=5e-4)
    assert fit.log_likelihood_per(7) == pytest.approx(-9582.1357, abs=0.001)


def test_gamma_gamma_has_the_published_parameters_and_likelihood() -> None:
    fit = spend()
    assert (fit.p, fit.q, fit.v) == pytest.approx((6.25, 3.74, 15.44), abs=0.005)
    assert fit.log_likelihood == pytest.approx(-4055.9177, abs=0.001)
    assert fit.customers == 946


def test_gamma_gamma_expects_what_note_025_prints_of_the_first_customers() -> None:
    seen = ltv.spending(sample().counts, sample().spent, ltv.Variant.REPEAT)
    expected = ltv.expected_spend(spend(), *seen)[:10]
    printed = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert expected == pytest.approx(printed, abs=0.01)


def test_a_new_customer_orders_as_in_the_paper() -> None:
    at = np.array([1 / 7, 1, 3, 31.8571, 32, 78]) * 7
    found = [ltv.expected_orders_of_new(fitted(Process.BG_NBD), days) for days in at]
    assert found == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=1e-3)
    assert ltv.expected_orders_of_new(fitted(Process.BG_NBD), 52 * 7) == pytest.approx(1.444004, abs=1e-4)


def test_known_histories_order_and_are_alive_as_published() -> None:
    fit = fitted(Process.BG_NBD)
    one = weeks([2, 26], [30.43, 30.857142857], [38.86, 31])
    assert ltv.expected_orders(fit, one, WEEKS * 7)[0] == pytest.approx(1.226, abs=1e-3)
    assert ltv.expected_orders(fit, one, 52 * 7)[1] == pytest.approx(25.75659, abs=1e-3)
    assert ltv.p_alive(fit, one)[1] == pytest.approx(0.9688523, abs=1e-5)


def test_more_orders_long_ago_mean_fewer_ahead() -> None:
    ago = weeks([10, 15, 20, 25], [20] * 4, [39] * 4)
    printed = [0.3474606, 0.04283391, 0.004158973, 0.0003585683]
    assert ltv.expected_orders(fitted(Process.BG_NBD), ago, 52 * 7) == pytest.approx(printed, rel=1e-3)


def test_the_holdout_comes_as_in_the_paper_by_frequency() -> None:
    cut = sample()
    ahead = ltv.expected_orders(fitted(Process.BG_NBD), cut.counts, WEEKS * 7)
    rows = np.minimum(cut.counts.frequency, 7).astype(int)
    people = np.bincount(rows)
    assert people.tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert np.bincount(rows, ahead) / people == pytest.approx(BY_FREQUENCY[Process.BG_NBD], abs=1e-3)
    assert np.bincount(rows, cut.actual_orders) / people == pytest.approx(BY_FREQUENCY["actual"], abs=1e-3)
    assert ahead.sum() == pytest.approx(1653.41, abs=0.05)
    assert ltv.expected_orders(fitted(Process.MBG_NBD), cut.counts, WEEKS * 7).sum() == pytest.approx(1576.7, abs=0.1)
    assert cut.actual_orders.sum() == 1882


def test_value_is_of_twelve_months_not_of_thirty_weeks_a_month() -> None:
    """lifetimes' quickstart prints 140.096 for customer 1: weekly data read as days. In real months it is 36.28."""
    cut = sample()
    model = ltv.Model(fitted(Process.BG_NBD), spend())
    rate = 1.01**12 - 1
    months = ltv.Horizon.months(12, yearly_rate=rate, days_per_month=4.345 * 7)
    value = ltv.expected_value(model, cut.counts, cut.spent, months)
    assert value[0] == pytest.approx(36.2785, abs=1e-2)
    assert value.sum() == pytest.approx(71_509.90, rel=1e-4)
    trap = ltv.Horizon.months(12, yearly_rate=rate, days_per_month=30 * 7)
    assert ltv.expected_value(model, cut.counts, cut.spent, trap)[0] == pytest.approx(140.0962, rel=5e-4)


def test_days_and_weeks_give_one_answer() -> None:
    counts = sample().counts
    in_weeks = ltv.Counts.of(counts.frequency, counts.recency / 7, counts.age / 7)
    one, other = fitted(Process.BG_NBD), ltv.fit_orders(in_weeks, Process.BG_NBD)
    assert (other.r, other.alpha * 7, other.a, other.b) == pytest.approx((one.r, one.alpha, one.a, one.b), rel=1e-6)
    assert other.log_likelihood == pytest.approx(one.log_likelihood_per(7), abs=1e-6)
    ahead = ltv.expected_orders(other, in_weeks, WEEKS)
    assert ahead == pytest.approx(ltv.expected_orders(one, counts, WEEKS * 7), rel=1e-6)


def test_grouped_rows_give_the_fit_of_single_ones() -> None:
    grouped, index = sample().counts.grouped()
    assert len(grouped) < len(sample().counts)
    assert grouped.customers.sum() == 2357
    assert (grouped.age[index] == sample().counts.age).all()
    one, other = fitted(Process.BG_NBD), ltv.fit_orders(grouped, Process.BG_NBD)
    assert (other.r, other.alpha, other.a, other.b) == pytest.approx((one.r, one.alpha, one.a, one.b), rel=1e-9)


def test_standard_errors_are_near_those_of_a_bootstrap() -> None:
    """Half of the span of the middle 68 % over 300 resamples of the customers, computed once."""
    assert fitted(Process.BG_NBD).standard_errors == pytest.approx((0.01361, 3.199, 0.1960, 0.7869), rel=0.2)
