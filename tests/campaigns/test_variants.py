"""A/B variants at the plan: who gets which text, and that nothing but chance decides it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from campaign_shop import audience, customer, set_up
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency

from wabench.campaigns import claims, ledger, plan, runner, variants
from wabench.campaigns.holdout import Holdout
from wabench.campaigns.variants import Wanted
from wabench.errors import Refused, UsageError
from wabench.providers.base import Template
from wabench.settings import Settings

IDS = [f"c{number:04}" for number in range(4000)]
SALE_AND_NAMED = (Wanted("a", "sale"), Wanted("b", "named"))
PARAMS = ["a.1=name", "2=literal:SALE", "b.first_name=name", "code=literal:CODE"]
ONE_IN_A_MILLION = 1e-6


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


def rows(shop: Settings, name: str = "spring") -> dict[str, dict[str, Any]]:
    with ledger.opened(shop) as opened, opened.reading() as connection:
        campaign_id = opened.campaign(name).campaign_id
        found = connection.exec_driver_sql("select * from sends where campaign_id = ?", (campaign_id,)).mappings()
        return {row["customer_id"]: dict(row) for row in found}


@settings(deadline=None)  # its time is the machine's
@given(campaign=st.text("0123456789abcdef", min_size=12, max_size=12), first=st.sampled_from([0.1, 0.25, 0.5, 0.9]))
def test_the_draw_keeps_to_the_shares_and_to_itself_whatever_the_campaign(campaign: str, first: float) -> None:
    shares = [first, 1 - first]
    drawn = [variants.draw(campaign, customer_id, shares) for customer_id in IDS]
    assert drawn == [variants.draw(campaign, customer_id, shares) for customer_id in IDS]
    assert binomtest(drawn.count(0), len(IDS), first).pvalue > ONE_IN_A_MILLION


@given(campaign=st.text("0123456789abcdef", min_size=12, max_size=12), held_out=st.sampled_from([0.1, 0.3, 0.5]))
def test_who_is_held_out_has_nothing_to_do_with_the_variant(campaign: str, held_out: float) -> None:
    holdout = Holdout(campaign, held_out)
    both = Counter((variants.draw(campaign, each, [0.5, 0.5]), holdout.has(each)) for each in IDS)
    table = [[both[variant, is_out] for is_out in (False, True)] for variant in (0, 1)]
    assert chi2_contingency(table).pvalue > ONE_IN_A_MILLION


@given(st.lists(st.floats(0.01, 0.2), min_size=2, max_size=4))
def test_open_shares_get_equal_parts_of_what_is_left(given_shares: list[float]) -> None:
    wanted = [Wanted(f"v{n}", "t", share) for n, share in enumerate(given_shares)] + [
        Wanted("x", "t"),
        Wanted("y", "t"),
    ]
    found = variants.shares(wanted)
    assert sum(found) == pytest.approx(1)
    assert found[-1] == found[-2] == pytest.approx((1 - sum(given_shares)) / 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a=sale"], "no comparison"),
        (["a=sale", "a=named"], "twice"),
        (["A b=sale", "b=named"], "write it as"),
        (["a", "b=named"], "write it as"),
        (["a=sale:1.5", "b=named"], "between 0 and 1"),
        (["a=sale:many", "b=named"], "between 0 and 1"),
    ],
)
def test_what_is_no_variant_is_told_in_a_line(words: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        variants.read(words)


@pytest.mark.parametrize(("shares", "says"), [((0.5, 0.4), "come to 0.9"), ((0.7, 0.6), "leave nothing"),
                                              ((0.5, 0.5, None), "leave nothing")])  # fmt: skip
def test_shares_are_a_whole(shares: tuple[float | None, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        variants.shares([Wanted(f"v{n}", "t", share) for n, share in enumerate(shares)])


def test_each_customer_gets_the_text_and_parameters_of_their_variant(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(n) for n in range(60)])
    planned = plan.plan(shop, "spring", segment, "", PARAMS, variants=SALE_AND_NAMED)
    assert [(v.variant, v.share, v.template_name) for v in planned.campaign.variants] == [
        ("a", 0.5, "sale"), ("b", 0.5, "named"),
    ]  # fmt: skip
    with ledger.opened(shop) as opened:
        campaign = opened.campaign("spring")
        sent = {
            send["customer_id"]: claims.message(send, campaign).content
            for send in opened.messages(campaign.campaign_id)
        }
    for customer_id, row in rows(shop).items():
        content = sent[customer_id]
        assert isinstance(content, Template)
        name = f"Ana {customer_id[1:]}"
        expected = {"a": ("sale", {"1": name, "2": "SALE"}), "b": ("named", {"first_name": name, "code": "CODE"})}
        assert (content.name, content.parameters) == expected[row["variant"]]
    assert {row["variant"] for row in rows(shop).values()} == {"a", "b"}
    assert runner.test(shop, "spring", "tester") == 60


def test_one_template_may_be_tried_with_other_parameters(shop: Settings, home: Path) -> None:
    wanted = (Wanted("few", "sale", 0.25), Wanted("many", "sale", 0.75))
    params = ["1=name", "few.2=literal:SALE10", "many.2=literal:SALE20"]
    plan.plan(shop, "spring", audience(home, [customer(n) for n in range(200)]), "", params, variants=wanted)
    found = Counter(row["variant"] for row in rows(shop).values())
    assert binomtest(found["few"], 200, 0.25).pvalue > ONE_IN_A_MILLION
    with ledger.opened(shop) as opened:
        bodies = {v.variant: v.template_body for v in opened.campaign("spring").variants}
    assert bodies == {"few": "Hi {{1}}, use SALE10 until Sunday.", "many": "Hi {{1}}, use SALE20 until Sunday."}


def test_the_held_out_have_a_variant_too_and_planning_again_changes_nobodys(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(n) for n in range(300)])
    plan.plan(shop, "spring", segment, "", PARAMS, variants=SALE_AND_NAMED, holdout=0.3)
    first = {who: (row["variant"], row["arm"]) for who, row in rows(shop).items()}
    assert set(first.values()) == {(v, arm) for v in "ab" for arm in ("treated", "held_out")}
    plan.plan(shop, "spring", segment, "", PARAMS, variants=SALE_AND_NAMED[::-1], holdout=0.3)
    assert {who: (row["variant"], row["arm"]) for who, row in rows(shop).items()} == first
    plan.plan(shop, "spring", segment, "sale", ["1=name", "2=literal:SALE"], holdout=0.3)
    with ledger.opened(shop) as opened:
        assert opened.campaign("spring").variants == ()
    assert {row["variant"] for row in rows(shop).values()} == {None}
    assert {who: row["arm"] for who, row in rows(shop).items()} == {who: arm for who, (_, arm) in first.items()}


def test_a_template_and_variants_or_neither_are_refused(shop: Settings, home: Path) -> None:
    segment = audience(home, [customer(1)])
    for template, wanted in (("sale", SALE_AND_NAMED), ("", ())):
        with pytest.raises(UsageError, match="either one --template or two and more --variant"):
            plan.plan(shop, "spring", segment, template, PARAMS, variants=wanted)


def test_variants_of_two_categories_are_refused(shop: Settings, home: Path) -> None:
    wanted = (Wanted("a", "sale"), Wanted("b", "parcel"))
    with pytest.raises(UsageError, match="a is marketing, b is utility"):
        plan.plan(shop, "spring", audience(home, [customer(1)]), "", PARAMS, variants=wanted)


@pytest.mark.parametrize(("params", "says"), [
    ([*PARAMS, "c.1=name"], "no variant 'c'"),
    ([*PARAMS, "9=name"], "9 is not in the template"),
    (PARAMS[1:], "1 is not filled"),
    ([*PARAMS, "a.9=name"], "9 is not in the template"),
])  # fmt: skip
def test_parameters_of_variants_are_checked(shop: Settings, home: Path, params: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan.plan(shop, "spring", audience(home, [customer(1)]), "", params, variants=SALE_AND_NAMED)


def test_a_variant_whose_template_is_not_approved_is_refused(shop: Settings, home: Path) -> None:
    wanted = (Wanted("a", "sale"), Wanted("b", "pending"))
    with pytest.raises(Refused, match="'pending' is pending"):
        plan.plan(shop, "spring", audience(home, [customer(1)]), "", PARAMS, variants=wanted)
