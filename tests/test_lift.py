"""Lift: its intervals in simulated experiments, what the covariate is good for, splits, power, shrinkage, prices."""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from wabench import lift
from wabench.lift import Arm, Effect
from wabench.lift_tables import METRICS, lift_campaigns

Floats = NDArray[np.float64]
RUNS = 1000


@dataclass(frozen=True)
class Trial:
    """Many experiments on one shop: both arms of each, for customers who ordered and for what they spent."""

    conversions: tuple[Arm, Arm]
    revenue: tuple[Arm, Arm]
    more_conversions: float
    more_revenue: float


@cache
def trial(lifted: float, customers: int = 10_000, share: float = 0.1, yearly: float = 3, seed: int = 4) -> Trial:
    """Simulate a shop in which 3 % order in five days, some of them for very much, and a campaign that lifts that.

    Rates are gamma-distributed among customers, amounts log-normal within and among them, as CDNOW's are.
    """
    chance = np.random.default_rng(seed)
    rate, usual = chance.gamma(0.7, yearly, 200_000), chance.lognormal(3.8, 0.7, 200_000)
    covariate = np.sqrt(chance.poisson(rate) * usual * chance.lognormal(0, 0.3, 200_000))
    before = 1 - np.exp(-rate * 5 / 365)
    after = np.minimum(before * (1 + lifted), 1)
    held_out = int(customers * share)
    rows = {"treated": [], "held out": []}
    for _ in range(RUNS):
        who = chance.integers(0, len(rate), customers)
        buys = chance.random(customers) < np.where(np.arange(customers) < held_out, before[who], after[who])
        spent, x = np.zeros(customers), covariate[who]
        spent[buys] = usual[who[buys]] * chance.lognormal(0, 0.8, buys.sum())
        for arm, part in (("held out", slice(held_out)), ("treated", slice(held_out, None))):
            rows[arm].append(_sums(buys[part].astype(float), spent[part], x[part]))
    sums = {arm: np.array(of_arm).T for arm, of_arm in rows.items()}
    return Trial(
        conversions=tuple(Arm(n, c, c, c, x, xx, cx) for n, c, _, _, x, xx, cx, _ in sums.values()),  # type: ignore[arg-type]
        revenue=tuple(Arm(n, c, s, ss, x, xx, sx) for n, c, s, ss, x, xx, _, sx in sums.values()),  # type: ignore[arg-type]
        more_conversions=(after - before).mean(),
        more_revenue=((after - before) * usual).mean() * np.exp(0.8**2 / 2),
    )


def _sums(buys: Floats, spent: Floats, x: Floats) -> list[float]:
    return [len(x), buys.sum(), spent.sum(), spent @ spent, x.sum(), x @ x, buys @ x, spent @ x]


def covered(effect: Effect, truth: float) -> float:
    return float(np.mean((effect.low <= truth) & (truth <= effect.high)))


@pytest.mark.parametrize("lifted", [0.3, -0.2])
def test_a_known_effect_is_in_95_of_100_intervals(lifted: float) -> None:
    of = trial(lifted)
    assert 0.93 <= covered(lift.compare(*of.conversions), of.more_conversions) <= 0.97
    assert 0.93 <= covered(lift.compare(*of.revenue), of.more_revenue) <= 0.97


def test_no_effect_is_found_significant_in_5_of_100_experiments() -> None:
    of = trial(0.0)
    for arms in (of.conversions, of.revenue):
        assert 0.04 <= np.mean(np.asarray(lift.compare(*arms).p) < 0.05) <= 0.06


@pytest.mark.parametrize(("customers", "share"), [(2000, 0.1), (3000, 0.05), (200, 0.5)])
def test_a_small_holdout_promises_no_more_than_it_can_hold(customers: int, share: float) -> None:
    of = trial(0.0, customers, share)
    for arms in (of.conversions, of.revenue):
        assert np.nanmean(np.asarray(lift.compare(*arms).p) < 0.05) <= 0.07


def test_the_interval_and_p_agree() -> None:
    effect = lift.compare(*trial(0.3).revenue)
    assert np.array_equal(np.asarray(effect.p) < 0.05, (np.asarray(effect.low) > 0) | (np.asarray(effect.high) < 0))


def test_the_covariate_moves_no_mean_and_takes_variance_away() -> None:
    of = trial(0.3, yearly=30)
    for arms, truth in ((of.conversions, of.more_conversions), (of.revenue, of.more_revenue)):
        adjusted, plain = lift.compare(*arms), lift.compare(*(without_covariate(arm) for arm in arms))
        assert np.mean(adjusted.value) == pytest.approx(truth, abs=3 * np.std(adjusted.value) / RUNS**0.5)
        assert np.var(adjusted.value) < np.var(plain.value)
        assert np.var(adjusted.value) / np.var(plain.value) == pytest.approx(
            1 - np.mean(adjusted.variance_removed), abs=0.02
        )
        assert np.all(np.asarray(plain.variance_removed) == 0)


def test_a_covariate_that_tells_all_leaves_nothing_to_chance() -> None:
    chance = np.random.default_rng(1)
    x = chance.lognormal(0, 1, 4000)
    treated, held_out = (arm_of(y, x) for y, x in ((x[:3000] + 0.5, x[:3000]), (x[3000:], x[3000:])))
    effect = lift.compare(treated, held_out)
    assert float(effect.value) == pytest.approx(0.5, abs=1e-9)
    assert float(effect.variance_removed) > 0.95


def arm_of(y: Floats, x: Floats) -> Arm:
    return Arm(len(y), np.count_nonzero(y), y.sum(), y @ y, x.sum(), x @ x, y @ x)


def without_covariate(arm: Arm) -> Arm:
    return Arm(arm.customers, arm.active, arm.y, arm.yy)


def test_with_equal_arms_and_yes_or_no_it_is_welchs_interval_with_two_customers_more() -> None:
    # 12 of 80 against 7 of 60: by hand, shares 13/82 and 8/62
    effect = lift.compare(Arm(80, 12, 12, 12), Arm(60, 7, 7, 7))
    squared = [(13 / 82) * (69 / 82) / 80 * 79 / 78, (8 / 62) * (54 / 62) / 60 * 59 / 58]
    assert float(effect.value) == pytest.approx(12 / 80 - 7 / 60)
    assert float(effect.error) == pytest.approx(sum(squared) ** 0.5)


@pytest.mark.parametrize("arms", [(Arm(100, 0, 0, 0), Arm(10, 0, 0, 0)), (Arm(100, 9, 9, 9), Arm(2, 0, 0, 0))])
def test_nothing_is_said_of_arms_in_which_nobody_buys_or_next_to_nobody_is(arms: tuple[Arm, Arm]) -> None:
    effect = lift.compare(*arms)
    assert all(np.isnan(getattr(effect, field.name)) for field in fields(Effect))


def test_a_holdout_in_which_nobody_bought_is_still_uncertain() -> None:
    lucky = lift.compare(Arm(300, 12, 12, 12), Arm(30, 0, 0, 0))
    assert float(lucky.value) == pytest.approx(0.04)
    assert float(lucky.low) < 0 < float(lucky.value) < float(lucky.high)


sums = st.builds(
    lambda ys, xs: arm_of(np.array(ys), np.array((xs * len(ys))[: len(ys)])),
    st.lists(st.floats(0, 1e4), min_size=3, max_size=40),
    st.lists(st.floats(0, 1e3), min_size=1, max_size=40),
)


@given(sums, sums)
def test_an_interval_holds_its_value_and_the_other_way_round_is_its_mirror(one: Arm, other: Arm) -> None:
    effect, mirrored = lift.compare(one, other), lift.compare(other, one)
    if np.isnan(effect.value):
        assert np.isnan(mirrored.value)
        return
    assert effect.low <= effect.value <= effect.high
    assert 0 <= effect.p <= 1 or np.isnan(effect.p)
    assert float(mirrored.value) == pytest.approx(-float(effect.value), abs=1e-6)
    assert float(mirrored.low) == pytest.approx(-float(effect.high), abs=1e-6)


@given(sums, sums, st.floats(0.01, 100))
def test_another_currency_gives_the_same_effect_in_it(one: Arm, other: Arm, rate: float) -> None:
    def converted(arm: Arm) -> Arm:
        return Arm(arm.customers, arm.active, arm.y * rate, arm.yy * rate**2, arm.x, arm.xx, arm.xy * rate)

    ours, theirs = lift.compare(one, other), lift.compare(converted(one), converted(other))
    assert float(theirs.value) == pytest.approx(float(ours.value) * rate, rel=1e-6, abs=1e-6, nan_ok=True)
    assert float(theirs.error) == pytest.approx(float(ours.error) * rate, rel=1e-4, abs=1e-4, nan_ok=True)


def test_a_broken_split_is_noticed_and_a_right_one_is_not() -> None:
    held_out = np.random.default_rng(2).binomial(20_000, 0.1, RUNS)
    p = np.asarray(lift.sample_ratio_p(20_000.0 - held_out, held_out.astype(float), 0.1))
    assert np.mean(p < 0.001) <= 0.003
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.02)
    assert lift.sample_ratio_p(18_000.0, 1_800.0, 0.1) < 0.001  # every tenth of the held out was lost
    assert lift.sample_ratio_p(18_000.0, 2_000.0, 0.1) == 1


def test_power_is_what_experiments_come_to() -> None:
    customers, held_out, rate = 20_000, 2_000, 0.04
    effect = lift.smallest_effect(rate, customers, held_out)
    chance = np.random.default_rng(3)
    bought = [chance.binomial(n, share, 4000).astype(float) for n, share in ((18_000, rate + effect), (held_out, rate))]
    treated, kept = (Arm(float(n), b, b, b) for n, b in zip((18_000, held_out), bought, strict=True))
    assert np.mean(np.asarray(lift.compare(treated, kept).p) < 0.05) == pytest.approx(0.8, abs=0.03)


@given(st.floats(0.001, 0.4), st.integers(100, 10**6), st.floats(0.01, 0.5))
def test_the_holdout_that_is_needed_shows_the_effect_and_a_smaller_one_does_not(
    rate: float, customers: int, share: float
) -> None:
    held_out = max(int(customers * share), 1)
    effect = lift.smallest_effect(rate, customers, held_out)
    if rate + effect >= 1:
        return
    needed = lift.holdout_needed(rate, effect * 1.0001, customers)
    assert needed is not None
    assert needed <= held_out + 1
    assert lift.smallest_effect(rate, customers, needed) <= effect * 1.001
    assert needed == 1 or lift.smallest_effect(rate, customers, needed - 1) > effect * 0.999


def test_what_no_split_can_show_has_no_holdout() -> None:
    assert lift.holdout_needed(0.05, 0.0001, 1000) is None
    assert np.isnan(lift.smallest_effect(0.05, 1000, 0))


def test_shrinking_brings_the_effects_of_campaigns_nearer_to_the_truth() -> None:
    chance = np.random.default_rng(5)
    own, shrunk, hits = [], [], []
    for _ in range(300):
        truth, errors = chance.normal(1, 0.5, 12), chance.uniform(0.2, 2, 12)
        seen = chance.normal(truth, errors)
        better = lift.shrink(seen, errors)
        own.append(np.mean((seen - truth) ** 2))
        shrunk.append(np.mean((better[:, 0] - truth) ** 2))
        hits.append(np.mean((better[:, 1] <= truth) & (truth <= better[:, 2])))
    assert np.mean(shrunk) < 0.5 * np.mean(own)
    assert np.mean(hits) > 0.9


def test_effects_that_chance_explains_become_one_and_certain_ones_stay() -> None:
    alike = lift.shrink(np.array([1.0, 1.2, 0.8, 1.0, np.nan]), np.array([1.0, 1.0, 1.0, 1.0, np.nan]))
    assert alike[:4, 0] == pytest.approx(1.0, abs=0.15)
    assert np.isnan(alike[4]).all()
    apart = np.array([-5.0, 0.0, 2.0, 9.0])
    assert lift.shrink(apart, np.full(4, 0.01))[:, 0] == pytest.approx(apart, abs=1e-3)
    assert np.isnan(lift.shrink(apart[:3], np.full(3, 0.01))).all()


def test_an_order_has_a_price_only_where_orders_were_surely_won() -> None:
    orders = np.array([[20.0, 20, -20, 20], [10, 0, -30, 10], [40, 40, -10, 40]])
    price = lift.cost_per_unit(np.array([100.0, 100, 100, np.nan]), *orders)
    assert [np.nan_to_num(p, nan=-1).tolist() for p in price] == [[5, -1, -1, -1], [2.5, -1, -1, -1], [10, -1, -1, -1]]


def test_a_table_of_no_campaign_gives_a_table_of_none() -> None:
    names = ["campaign_id", "variant", "holdout_share", "cost"]
    for arm in ("treated", "held_out"):
        names += [f"{arm}_{name}" for name in ("customers", "covariate", "covariate_squared")]
        names += [f"{arm}_{metric}{what}" for metric in METRICS for what in ("", "_squared", "_by_covariate")]
    kinds = {name: pa.string() if name in ("campaign_id", "variant") else pa.float64() for name in names}
    lifted = lift_campaigns(pa.table({name: pa.array([], kind) for name, kind in kinds.items()}))
    assert lifted.num_rows == 0
    assert set(lifted.schema.types) == {pa.string(), pa.float64()}
