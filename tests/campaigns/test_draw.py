"""Who goes first: as many as asked, of each stratum its part, the same each time, and by nothing but chance."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from wabench.campaigns import draw

STRATA = st.dictionaries(st.text("abc0123456789", min_size=1, max_size=6), st.sampled_from("wxyz"), max_size=60)


@given(STRATA, st.integers(0, 80), st.text(max_size=5))
def test_each_stratum_gives_its_part_and_less_than_one_more_or_fewer(
    strata: dict[str, str], wanted: int, salt: str
) -> None:
    drawn = draw.first(strata, wanted, salt)
    size = min(wanted, len(strata))
    assert len(drawn) == size
    assert drawn <= set(strata)
    sizes, got = Counter(strata.values()), Counter(strata[each] for each in drawn)
    assert all(abs(got[key] - size * count / len(strata)) < 1 for key, count in sizes.items())


@given(STRATA, st.integers(0, 80))
def test_the_same_plan_draws_the_same_in_whatever_order_its_customers_come(strata: dict[str, str], wanted: int) -> None:
    turned = dict(reversed(strata.items()))
    assert draw.first(strata, wanted, "spring") == draw.first(turned, wanted, "spring")


def test_largest_remainders_get_what_is_left() -> None:
    """Seats of 10 for 47, 16, 15, 12, 10: quotas 4.7, 1.6, 1.5, 1.2, 1.0, so the first two get one more each."""
    sizes = {"a": 47, "b": 16, "c": 15, "d": 12, "e": 10}
    assert draw.seated(sizes, 10, dict.fromkeys(sizes, "")) == {"a": 5, "b": 2, "c": 1, "d": 1, "e": 1}


def test_of_strata_of_one_any_may_be_drawn() -> None:
    strata = {f"c{number}": f"s{number}" for number in range(1000)}
    firsts = sum(each < "c5" for each in draw.first(strata, 500, "spring"))
    of = sum(each < "c5" for each in strata)
    assert binomtest(firsts, of, 0.5).pvalue > 1e-6


def test_another_campaign_draws_others() -> None:
    strata = dict.fromkeys((f"c{number}" for number in range(200)), "all")
    assert draw.first(strata, 100, "one") != draw.first(strata, 100, "two")
