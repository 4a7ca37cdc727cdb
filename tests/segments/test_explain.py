from datetime import datetime
from pathlib import Path

import pytest
from published_shop import customer

from wabench import published, segments
from wabench.errors import UsageError
from wabench.segments import Segment, files, moments
from wabench.segments.explain import Explanation, Node
from wabench.settings import Settings

# c0001 has paid orders 0.5, 50.5, 75.5 and 100.5 days before as-of.
BUYER = "c0001"


def told(settings: Settings, where: str, who: str = BUYER, as_of: str | None = None) -> Explanation:
    rule, problems = files.parse_text(where)
    assert rule is not None, problems
    segment = Segment("asked", "", rule)
    segments.save(settings, segment, overwrite=True)
    return segments.explain(settings, segment, who, as_of)


def leaves(found: Explanation) -> list[Node]:
    return [node for node in found.why.walk() if node.leaf is not None]


@pytest.mark.parametrize(
    ("where", "is_in", "flips"),
    [
        ("{ordered: {at_least: 4, within: 90d}}", False, ["with 1 more order in the next 15 days"]),
        ("{ordered: {at_least: 3, within: 90d}}", True, ["in 15 days, if no order comes"]),
        ("{ordered: {at_least: 1, within: 90d}}", True, ["in 90 days, if no order comes"]),
        ("{ordered: {at_most: 1, within: 90d}}", False, ["in 40 days, if no order comes"]),
        ("{ordered: {at_most: 3, within: 90d}}", True, ["with 1 more order"]),
        ("{ordered: {exactly: 0, since: 2026-11-01}}", False, []),
        ("{ordered: {spent: '>= 1000', within: 90d}}", False, ["if they came to >= 1000, now 391.00"]),
        ("{in_campaign: {name: newcomers_week}}", False, ["if they were in it"]),
        ("{field: consent, is: opted_out}", False, ["if consent became opted_out"]),
        ("{field: consent, is_not: opted_out}", True, ["if consent became opted_out"]),
        ("{field: orders, '>=': 3}", False, ["if orders became >= 3"]),
        ("{field: orders, '<': 3}", True, ["if orders became >= 3"]),
        (
            "{field: last_order_at, '>=': 30d}",
            True,
            ["in 23 days, if nothing newer happens", "if last_order_at became < 30d"],
        ),
        (
            "{field: last_order_at, '<': 30d}",
            False,
            ["in 23 days, if nothing newer happens", "if last_order_at became < 30d"],
        ),
        ("{field: name, is_set: yes}", True, ["if name were not known"]),
    ],
)
def test_it_tells_what_would_turn_each_kind_of_leaf(
    where: str, is_in: bool, flips: list[str], shop: Path, settings: Settings
) -> None:
    found = told(settings, where)
    [leaf] = leaves(found)
    assert (found.is_in, leaf.answer, leaf.decides) == (is_in, is_in, True)
    assert [str(flip) for flip in leaf.flips] == flips


def test_it_says_when_an_unset_value_answered_and_which_leaf_decides(shop: Path, settings: Settings) -> None:
    nobodys = next(p["customer_id"] for p in map(customer, range(120)) if p["country"] is None)
    found = told(settings, "{all: [{field: country, is: BR, unset: yes}, {field: orders, '>': 99}]}", nobodys)
    country, orders = leaves(found)
    assert (country.answer, country.is_unset, country.value, country.decides) == (True, True, None, False)
    assert (orders.answer, orders.is_unset, orders.decides) == (False, False, True)
    assert found.is_in is False


def test_a_segment_inside_is_opened_down_to_its_leaves(shop: Path, settings: Settings) -> None:
    segments.save(settings, Segment("buyers", "", files.parse_text("{field: orders, '>': 0}")[0]))  # type: ignore[arg-type]
    found = told(settings, "{not: {in_segment: buyers}}")
    assert [(node.kind, node.answer) for node in found.why.walk()] == [
        ("not", False),
        ("in_segment", True),
        ("leaf", True),
    ]


def test_a_past_moment_is_told_from_what_was_kept_and_the_rest_is_not_guessed(shop: Path, settings: Settings) -> None:
    changed = next(
        p["customer_id"]
        for p in map(customer, range(120))
        if p["bucket"] % 3 == 0 and p["engagement_tag"] == "active_7d"
    )
    cold = "{field: engagement_tag, is: cold}"
    assert told(settings, cold, changed, "2026-11-15").is_in is True
    assert told(settings, cold, changed, "2026-11-18 18:00").is_in is False
    assert told(settings, cold, changed, "2026-11-01").is_in is None, "no refresh had seen it yet"
    found = told(settings, "{any: [{field: country, is: BR}, {ordered: {within: 60d}}]}", BUYER, "2026-11-15")
    country, ordered = leaves(found)
    assert (country.answer, country.is_known, country.value) == (None, False, None)
    assert (ordered.answer, ordered.value["times"]) == (True, 1)
    assert found.is_in is True, "whatever the country was"
    assert (found.is_now, found.as_of) == (False, datetime(2026, 11, 15))  # noqa: DTZ001


def test_orders_of_a_past_moment_are_counted_up_to_it_and_no_further(shop: Path, settings: Settings) -> None:
    found = told(settings, "{all: [{field: orders, is: 12}, {field: orders_30d, is: 0}]}", BUYER, "2026-10-02")
    paid = published.query(
        settings,
        "select count(*) filter (where ordered_at >= '2026-09-02') as last, count(*) as n from fct_orders"
        f" where customer_id = '{BUYER}' and is_paid and ordered_at < '2026-10-02'",
    ).to_pylist()[0]
    assert [leaf.value for leaf in leaves(found)] == [paid["n"], paid["last"]]


def test_who_was_not_there_or_is_nobody_is_said_so(shop: Path, settings: Settings) -> None:
    with pytest.raises(UsageError, match="was not seen yet at 2024-01-01"):
        told(settings, "{field: orders, is: 1}", BUYER, "2024-01-01")
    with pytest.raises(UsageError, match="no customer has the id 'c9999'"):
        told(settings, "{field: orders, is: 1}", "c9999")
    with pytest.raises(UsageError, match="is after 2026-11-22 18:00 UTC"):
        moments.parse("2026-12-01", segments.catalog(settings))


def test_memberships_agree_with_each_segments_own_count(shop: Path, settings: Settings) -> None:
    asked = {"buyers": "{field: orders, '>': 0}", "late": "{ordered: {within: 200h}}", "both": "{in_segment: late}"}
    for name, where in asked.items():
        segments.save(settings, Segment(name, "", files.parse_text(where)[0]))  # type: ignore[arg-type]
    (settings.paths.segments / "broken.yml").write_text("name: broken\nwhere: {field: ordrs, is: 1}\n")
    for name in asked:
        inside = set(segments.select(settings, name)["customer_id"].to_pylist())
        for who in ("c0000", "c0001", "c0040", "c0100"):
            found = {each.segment: each.is_in for each in segments.memberships(settings, who)}
            assert found[name] is (who in inside)
            assert found["broken"] is None
