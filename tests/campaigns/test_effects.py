"""Advice says what it was worth in this shop, with intervals and of how many, or that it can't be told yet."""

from pathlib import Path

import pytest
from campaign_shop import audience, customer, set_up
from published_shop import customer as published_customer
from published_shop import publish_shop

from wabench import lift
from wabench.campaigns import effects, lint, plan, submission
from wabench.campaigns.effects import Effect
from wabench.campaigns.lint import Finding
from wabench.providers.base import TemplateDraft


def test_an_interval_is_wilsons() -> None:
    low, high = lift.wilson(81, 263)  # Newcombe (1998), Statistics in Medicine 17, table I, method 3
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert [round(end, 4) for end in lift.wilson(15, 148)] == [0.0624, 0.1605]
    assert [round(end, 4) for end in lift.wilson(0, 20)] == [0, 0.1611]
    assert [round(end, 4) for end in lift.wilson(1, 29)] == [0.0061, 0.1718]


def test_advice_tells_both_shares_with_their_intervals_and_of_how_many() -> None:
    known = {"name_first": Effect("name_first", 263, 81, 29, 1, 29)}
    told = effects.told(Finding("name_first", {"characters": 25}), known)
    assert told == "yours with the name: read 31% (26%–37%) of 263, without 3% (1%–17%) of 29"


@pytest.mark.parametrize(("n", "other", "known"), [(100, 100, True), (99, 1000, False), (1000, 99, False)])
def test_too_few_messages_on_either_side_tell_nothing(n: int, other: int, known: bool) -> None:
    effect = Effect("length", n, n // 2, other, 0, 100)
    assert effect.is_known == known
    told = effects.told(Finding("length", {}), {"length": effect}) or ""
    assert told.startswith("not enough of your messages yet") != known


def test_what_reviewers_refuse_has_no_measured_effect(home: Path) -> None:
    known = effects.effects(set_up(home))
    assert set(known) == set(effects.SAYS)
    assert not any(effect.is_known for effect in known.values())
    assert effects.told(Finding("empty"), known) is None


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        ("Hi {{1}}, 10% off.", {"call_to_action", "length"}),
        ("Hi {{1}}, reply YES now.", {"length"}),
        ("Everything in the shop is cheaper, {{1}}, look: https://shop.example/a", {"name_first", "length"}),
        ("Hi {{1}}, the list: https://shop.example/a.PDF?x=1", {"file", "length"}),
        ("Hi {{1}}, see www.shop.example.", set()),
    ],
)
def test_each_piece_of_advice_is_found_in_promotions(body: str, rules: set[str]) -> None:
    found = lint.lint(TemplateDraft("sale", "en", "marketing", body, {"1": "Ann"}), [])
    assert {finding.rule for finding in found} & set(effects.SAYS) >= rules - {"length"}
    others = {"name_first", "call_to_action", "file"} - rules
    assert {finding.rule for finding in found} & others == set()
    utility = lint.lint(TemplateDraft("sale", "en", "utility", body, {"1": "Ann"}), [])
    assert {finding.rule for finding in utility} & {"name_first", "call_to_action", "length"} == set()


def test_the_shops_own_file_is_asked_and_a_campaign_is_advised_on_each_thing_once(home: Path) -> None:
    shop = set_up(home, advice_messages="1")
    publish_shop(home, "20261122T120000Z", [published_customer(1)])
    planned = plan.plan(shop, "spring", audience(home, [customer(1)]), "sale", ["1=name", "2=literal:SALE"])
    advice = submission.advice(shop, planned.campaign)
    assert [finding.rule for finding, _ in advice] == ["length", "call_to_action"]
    assert all(here for _, here in advice)
