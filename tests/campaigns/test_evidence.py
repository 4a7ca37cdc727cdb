"""Evidence that may be looked at every minute: how seldom it names a winner where none is, and that it finds one."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta

from wabench.campaigns import evidence
from wabench.campaigns.evidence import Arm

ERROR = 0.05
SEED = 20261126


def arm(customers: int, rate: float, random: np.random.Generator) -> Arm:
    """Customers who are written to over an hour and answer half an hour later on average."""
    begun = np.sort(random.uniform(0, 3600, customers))
    answers = random.random(customers) < rate
    return Arm(begun, begun[answers] + random.exponential(1800, answers.sum()))


def named(rates: list[float], times: int, *customers: int) -> list[int | None]:
    random = np.random.default_rng(SEED)
    sizes = customers if len(customers) > 1 else customers * len(rates)
    made = ([arm(size, rate, random) for size, rate in zip(sizes, rates, strict=True)] for _ in range(times))
    return [evidence.winner(arms, ERROR) for arms in made]


@pytest.mark.parametrize("rates", [[0.05, 0.05], [0.4, 0.4], [0.1, 0.1, 0.1, 0.1]])
def test_of_texts_that_are_alike_one_is_named_seldom_however_often_one_looks(rates: list[float]) -> None:
    """The evidence is the greatest after any hit: as if somebody looked whenever there is something new."""
    wrong = sum(winner is not None for winner in named(rates, 500, 600))
    assert wrong / 500 < ERROR


def test_a_text_that_more_customers_got_is_not_taken_for_the_better_one() -> None:
    wrong = sum(winner is not None for winner in named([0.1, 0.1], 500, 900, 150))
    assert wrong / 500 < ERROR


def test_a_text_is_not_named_where_another_is_better() -> None:
    found = named([0.10, 0.14, 0.14], 300, 600)
    assert sum(winner == 0 for winner in found) / 300 < ERROR / 5


@pytest.mark.parametrize(("rates", "customers", "found"), [([0.05, 0.1], 1000, 0.85), ([0.3, 0.4], 700, 0.75)])
def test_a_true_difference_is_found(rates: list[float], customers: int, found: float) -> None:
    winners = named(rates, 300, customers)
    assert winners.count(1) / 300 > found
    assert winners.count(0) == 0


def test_a_rate_at_its_limit_is_taken_for_more_seldom_however_often_one_looks() -> None:
    random = np.random.default_rng(SEED)
    wrong = 0
    for _ in range(300):
        hits = np.cumsum(random.random(400) < 0.1)
        wrong += any(evidence.above(int(h), n, 0.1) >= -log(ERROR) for n, h in enumerate(hits, 1))
    assert wrong / 300 < ERROR


@pytest.mark.parametrize(("hits", "of", "limit"), [(5, 100, 0.02), (0, 10, 0.1), (40, 200, 0.15), (3, 3, 0.01)])
def test_evidence_against_a_limit_is_the_mean_likelihood_ratio_over_the_rates_above_it(
    hits: int, of: int, limit: float
) -> None:
    prior = beta(1, 1 / (2 * limit))

    def ratio(rate: float) -> float:
        said = hits * log(rate / limit) + (of - hits) * (np.log1p(-rate) - np.log1p(-limit))
        return float(prior.pdf(rate) * np.exp(said))

    mean = quad(ratio, limit, 1, limit=500)[0] / prior.sf(limit)
    assert exp(evidence.above(hits, of, limit)) == pytest.approx(mean, rel=1e-4)


@settings(deadline=None)
@given(of=st.integers(1, 300), limit=st.floats(0.005, 0.5), data=st.data())
def test_one_more_hit_is_never_less_evidence(of: int, limit: float, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, of - 1))
    assert evidence.above(hits + 1, of, limit) >= evidence.above(hits, of, limit) - 1e-9


def test_a_step_that_tells_nothing_is_no_evidence() -> None:
    nobody, one = Arm(np.array([]), np.array([])), Arm(np.array([0.0]), np.array([1.0]))
    assert evidence.ahead(one, nobody) == 0
    assert evidence.ahead(nobody, one) == 0
    assert evidence.ahead(nobody, nobody) == 0
    assert evidence.best([one, one]) is None
    assert evidence.doubt([one, nobody], 0) == 1


def test_the_next_hit_is_weighed_by_who_is_left() -> None:
    """One hit of three left against one: the mixture of 3θ / (3θ + 1) over 3 / 4 for each θ."""
    found = evidence.path(np.array([3.0]), np.array([1.0]), np.array([True]))
    spread = np.linspace(log(1.05), log(6), 40)
    weights = np.exp(-((spread / log(1.6)) ** 2) / 2)
    ratios = np.exp(spread)
    expected = ((3 * ratios / (3 * ratios + 1)) / (3 / 4) * weights).sum() / weights.sum()
    assert exp(found[0]) == pytest.approx(expected)


@pytest.mark.parametrize("limit", [0.01, 0.02, 0.1])
def test_the_fewest_that_prove_it_do_and_one_fewer_does_not(limit: float) -> None:
    fewest = evidence.fewest_above(100, limit, ERROR)
    assert fewest is not None
    assert evidence.above(fewest - 1, 100, limit) < -log(ERROR) <= evidence.above(fewest, 100, limit)
    assert evidence.fewest_above(1, 0.5, 1e-9) is None
