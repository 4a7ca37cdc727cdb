from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from published_shop import customer, publish_shop
from random_rules import leaf

from wabench import segments
from wabench.errors import UsageError, WabenchError
from wabench.segments import compiler, fields, files
from wabench.segments.compiler import compile_rule
from wabench.segments.rules import EVERYONE, AllOf, AnyOf, Did, Leaf, Not
from wabench.settings import Settings

CUSTOMERS = [customer(number) for number in range(120)]


def test_not_is_plain_boolean_when_a_value_is_unset(shop: Path, settings: Settings) -> None:
    unset = sum(person["country"] is None for person in CUSTOMERS)
    brazil = sum(person["country"] == "BR" for person in CUSTOMERS)
    by_not = segments.count(settings, Not(leaf("country", "is", "BR")))
    by_is_not = segments.count(settings, leaf("country", "is_not", "BR"))
    answered_yes = segments.count(settings, leaf("country", "is_not", "BR", unset=True))
    assert by_not.customers == answered_yes.customers == len(CUSTOMERS) - brazil
    assert by_is_not.customers == len(CUSTOMERS) - brazil - unset
    assert by_not.decided_by_unset == by_is_not.decided_by_unset == answered_yes.decided_by_unset == unset


def test_unset_values_decide_nobody_when_another_leaf_settles_it(shop: Path, settings: Settings) -> None:
    rule = AnyOf((leaf("country", "is", "BR"), leaf("customer_id", "is_set", "yes")))
    assert segments.count(settings, rule).decided_by_unset == 0


def test_consented_follows_the_shops_consent_setting(shop: Path, settings_with: Callable[..., Settings]) -> None:
    reachable = [person for person in CUSTOMERS if person["is_reachable"]]
    explicit = segments.count(settings_with(consent="explicit"), EVERYONE)
    implied = segments.count(settings_with(consent="implied"), EVERYONE)
    assert explicit.consented == sum(person["consent"] == "opted_in" for person in reachable)
    assert implied.consented == sum(person["consent"] != "opted_out" for person in reachable)
    assert explicit.total == explicit.customers == len(CUSTOMERS)


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("<", "2026-01-31", "2026-01-31 03:00"),
        (">=", "2026-01-31", "2026-01-31 03:00"),
        ("<=", "2026-01-31", "2026-02-01 02:59:59.999999"),
        (">", "2026-01-31", "2026-02-01 02:59:59.999999"),
        (">=", "2026-01-31 14:00", "2026-01-31 17:00"),
        (">=", "2026-01-31T14:00+00:00", "2026-01-31 14:00"),
        (">=", "30d", "2026-10-23 18:00"),
        (">", "12h", "2026-11-22 06:00"),
    ],
)
def test_a_date_is_the_whole_day_in_the_shops_zone(
    operator: str, value: str, expected: str, shop: Path, settings_with: Callable[..., Settings]
) -> None:
    against = segments.catalog(settings_with(timezone="America/Sao_Paulo"))
    assert fields.values(leaf("last_order_at", operator, value), against) == (datetime.fromisoformat(expected),)


def test_numbers_are_compared_to_their_last_digit(shop: Path, settings: Settings) -> None:
    against = segments.catalog(settings)
    assert fields.values(leaf("net_revenue", ">", "0.1"), against) == (Decimal("0.1"),)
    assert fields.values(leaf("orders", "is", "3.0"), against) == (3,)
    assert fields.values(leaf("read_rate", ">", "0.5"), against) == (0.5,)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("ordered: {at_least: two}", "ordered: expected a whole number up to 1,000,000, not 'two'"),
        ("ordered: {exactly: 2, at_most: 3}", "exactly stands alone"),
        ("ordered: {at_least: 3, at_most: 2}", "at_least is more than at_most"),
        ("ordered: {at_least: 0}", "who never did it is `exactly: 0`"),
        ("ordered: {within: 2026-01-01}", "a date goes with since"),
        ("ordered: {within: 30d, since: 2026-01-01}", "keep one"),
        ("ordered: {within: 10d, before: 20d}", "the window is empty"),
        ("ordered: {since: 31.01.2026}", "expected 2026-01-31, 2026-01-31 14:00 or 30d"),
        ("ordered: {net: 50}", "expected an amount to compare with, such as '>= 50', not '50'"),
        ("ordered: {within: [30d, 60d]}", "within takes one value, not a list"),
        (
            "messaged: {status: raed}",
            "status is one of sent, delivered, read, clicked, failed, never 'raed'; did you mean 'read'?",
        ),
        ("messaged: {category: promo}", "no category is 'promo'"),
        ("in_campaign: {name: newcomer_week}", "no campaign is called 'newcomer_week'; did you mean 'newcomers_week'?"),
        ("in_campaign: {outcome: bought}", "outcome is one of planned, accepted, delivered"),
    ],
)
def test_a_wrong_question_about_a_deed_is_told(asked: str, says: str, shop: Path, settings: Settings) -> None:
    rule, _ = files.parse_text(f"{{any: [{{{asked}}}]}}")
    assert rule is not None
    [problem] = compiler.problems(rule, segments.catalog(settings))
    assert problem.startswith("where.any[0]: ")
    assert says in problem


def test_an_older_published_file_says_what_a_rule_misses(shop: Path, settings: Settings) -> None:
    against = replace(segments.catalog(settings), tables=frozenset({"fct_orders"}))
    with pytest.raises(UsageError, match="the published file has no fct_sends yet; run `wabench refresh`"):
        compile_rule(Did("in_campaign"), against)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (leaf("order", "is", "3"), "no field is called 'order'; did you mean 'orders'?"),
        (leaf("orders", "is", "three"), "orders: expected a number, not 'three'"),
        (leaf("orders", "is", "nan"), "orders: expected a number under"),
        (leaf("orders", "contains", "3"), "orders is a number, which takes is, is_not"),
        (leaf("last_order_at", ">", "31.01.2026"), "last_order_at: expected 2026-01-31, 2026-01-31 14:00 or 30d"),
        (leaf("last_order_at", ">", "2026-02-30"), "last_order_at: expected 2026-01-31"),
        (leaf("last_order_at", "is", "2026-01-31"), "last_order_at is a time, which takes <, <=, >, >=, between"),
        (leaf("is_reachable", "is", "maybe"), "is_reachable: expected yes or no, not 'maybe'"),
        (leaf("frequency_tag", "is", "montly"), "never 'montly'; did you mean 'monthly'?"),
        (leaf("orders", "between", "5", "2"), "orders: between goes from the lower value to the higher"),
        (leaf('orders" or 1=1 --', "is", "3"), "no field is called"),
    ],
)
def test_a_wrong_field_operator_or_value_is_named_with_its_place(
    wrong: Leaf, says: str, shop: Path, settings: Settings
) -> None:
    rule = AllOf((leaf("orders", ">", "0"), Not(wrong)))
    [problem] = compiler.problems(rule, segments.catalog(settings))
    assert problem.startswith("where.all[1].not: ")
    assert says in problem
    with pytest.raises(UsageError):
        segments.count(settings, rule)


def test_a_value_is_bound_and_never_part_of_the_statement(shop: Path, settings: Settings) -> None:
    hostile = "x'; drop table dim_customers; --"
    compiled = compile_rule(leaf("name", "is", hostile), segments.catalog(settings))
    assert hostile not in compiled.decided
    assert segments.count(settings, leaf("name", "is", hostile)).customers == 0
    assert segments.count(settings, leaf("name", "is", "José d'Ávila")).customers == 20


def test_a_sample_is_stable_and_shows_only_the_last_four_digits(shop: Path, settings: Settings) -> None:
    first = segments.sample(settings, EVERYONE, 20).to_pylist()
    assert first == segments.sample(settings, EVERYONE, 20).to_pylist()
    assert len(first) == 20
    phones = {person["customer_id"]: person["phone"] for person in CUSTOMERS}
    for row in first:
        whole = phones[row["customer_id"]]
        assert row["phone"] == (whole and f"•••• {whole[-4:]}")


def test_select_gives_every_column_of_a_saved_segment(shop: Path, settings: Settings) -> None:
    segments.save(settings, segments.Segment("buyers", "", leaf("frequency_tag", "is", "monthly")))
    table = segments.select(settings, "buyers")
    expected = [person["customer_id"] for person in CUSTOMERS if person["frequency_tag"] == "monthly"]
    assert table["customer_id"].to_pylist() == expected
    assert {"phone", "user_id", "consent", "bucket", "refreshed_at"} <= set(table.column_names)


def test_nothing_published_yet_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(WabenchError, match="nothing is published yet; run `wabench refresh` first"):
        segments.count(settings, EVERYONE)


def test_a_new_version_is_counted_at_the_next_call(shop: Path, settings: Settings) -> None:
    assert segments.count(settings, EVERYONE).total == 120
    publish_shop(shop, "20261122T190000Z", CUSTOMERS[:7])
    after = segments.count(settings, EVERYONE)
    assert (after.total, after.version) == (7, "20261122T190000Z")


def test_a_message_to_each_is_priced_by_country_on_every_plan(shop: Path, settings: Settings) -> None:
    people = [person for person in CUSTOMERS if person["country"] == "BR" and person["is_reachable"]]
    willing = sum(person["consent"] == "opted_in" for person in people)
    found = {each.plan: each for each in segments.costs(settings, leaf("country", "is", "BR"))}
    assert list(found) == ["direct", "pay as you go"]
    assert {(each.reachable, each.consented) for each in found.values()} == {(len(people), willing)}
    assert found["direct"].reachable_cost == len(people) * Decimal("0.06")
    assert found["pay as you go"].consented_cost == willing * Decimal("0.065")
    assert found["direct"].meta_share == 1
    assert segments.costs(settings, leaf("orders", ">", "999")) == []
