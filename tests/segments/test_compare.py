import json
from datetime import datetime
from pathlib import Path

import pytest
from published_shop import customer, publish_shop

from wabench import published, segments
from wabench.errors import UsageError
from wabench.segments import Segment, compare, files, history
from wabench.segments.rules import Rule
from wabench.settings import Settings

CUSTOMERS = [customer(number) for number in range(120)]


def rule(text: str) -> Rule:
    read, problems = files.parse_text(text)
    assert read is not None, problems
    return read


def test_an_overlap_is_of_sets_of_customers(shop: Path, settings: Settings) -> None:
    asked = {
        "cold": "{field: engagement_tag, is: cold}",
        "buyers": "{field: orders, '>': 1}",
        "none": "{field: orders, '>': 99}",
    }
    sets = {
        "cold": {p["customer_id"] for p in CUSTOMERS if p["engagement_tag"] == "cold"},
        "buyers": {p["customer_id"] for p in CUSTOMERS if p["orders"] > 1},
        "none": set[str](),
    }
    found = segments.overlap(settings, {name: rule(text) for name, text in asked.items()})
    assert found.sizes == {name: len(ids) for name, ids in sets.items()}
    assert (found.in_all, found.in_any, found.total) == (0, len(sets["cold"] | sets["buyers"]), 120)
    for each in found.shared:
        both, either = sets[each.first] & sets[each.second], sets[each.first] | sets[each.second]
        assert (each.both, each.jaccard) == (len(both), len(both) / len(either))
        assert each.share_of_first == len(both) / len(sets[each.first])
    assert found.shared[-1].share_of_second is None
    with pytest.raises(UsageError, match="2 to 12 segments, not 1"):
        segments.overlap(settings, {"cold": rule(asked["cold"])})


def test_a_diff_tells_changed_data_from_a_changed_rule(shop: Path, settings: Settings) -> None:
    def at(day: int) -> datetime:
        return datetime(2026, 11, day)  # noqa: DTZ001

    segments.save(settings, Segment("s", "", rule("{field: engagement_tag, is: cold}")))
    history.note(settings, "s", at(11))
    segments.save(settings, Segment("s", "", rule("{field: engagement_tag, in: [cold, inactive_90d]}")), overwrite=True)
    history.note(settings, "s", at(19))
    found = segments.diff(settings, "s", "2026-11-15")
    was = {p["customer_id"] for p in CUSTOMERS if p["bucket"] % 3 == 0 or p["engagement_tag"] == "cold"}
    by_old = {p["customer_id"] for p in CUSTOMERS if p["engagement_tag"] == "cold"}
    by_new = by_old | {p["customer_id"] for p in CUSTOMERS if p["engagement_tag"] == "inactive_90d"}
    moved = {(each.change, each.cause): each.customers for each in found.moved}
    assert moved == {
        ("left", "data"): len(was - by_new),
        ("came", "rule"): len(by_new - was),
        ("stayed", None): len(was & by_new),
    }
    assert found.rule_before != found.rule_after
    assert found.not_kept == ()
    same = segments.diff(settings, "s", "2026-11-12", "2026-11-15")
    assert same.rule_before == same.rule_after == found.rule_before
    assert [(each.change, each.customers) for each in same.moved] == [("stayed", len(was))]


def test_a_diff_does_not_guess_what_nobody_kept(shop: Path, settings: Settings) -> None:
    segments.save(settings, Segment("s", "", rule("{field: country, is: BR}")))
    found = segments.diff(settings, "s", "2026-11-15")
    assert [(each.change, each.customers) for each in found.moved] == [("unknown", 120)]
    assert found.not_kept == ("country",)
    with pytest.raises(UsageError, match="--from is not before --to"):
        segments.diff(settings, "s", "2026-11-15", "2026-11-15")


def test_who_was_not_there_yet_came_by_data(home: Path, settings: Settings) -> None:
    newcomer = customer(1) | {"customer_id": "c9999", "first_seen_at": datetime(2026, 11, 20)}  # noqa: DTZ001
    publish_shop(home, "20261122T180000Z", [customer(0), newcomer])
    segments.save(settings, Segment("s", "", rule("{field: orders, '>=': 0}")))
    found = segments.diff(settings, "s", "2026-11-15")
    assert {(each.change, each.cause, each.sample) for each in found.moved} == {
        ("came", "data", (newcomer["customer_id"],)),
        ("stayed", None, ("c0000",)),
    }


def checked(settings: Settings, name: str) -> compare.Checked:
    return segments.check(settings, name, segments.catalog(settings), published.current(settings))


def test_expectations_are_held(shop: Path, settings: Settings) -> None:
    path = settings.paths.segments / "s.yml"
    path.parent.mkdir()
    path.write_text(
        "name: s\nwhere: {field: orders, '>': 0}\n"
        "expect: {at_least: 100, at_most: 100, drift: 10%, no_opted_out: yes}\n"
    )
    buyers = [p for p in CUSTOMERS if p["orders"] > 0]
    out = sum(p["consent"] == "opted_out" for p in buyers)
    assert len(buyers) == 96
    assert checked(settings, "s").problems == (
        "expect at_least: it has 96 customers, under 100",
        f"expect no_opted_out: {out} of its customers have opted out",
    )
    history.note_all(settings)
    publish_shop(shop, "20261122T190000Z", CUSTOMERS[:60])
    assert checked(settings, "s").before == 96
    assert "expect drift: 48 customers after 96 is 50.0 %, over 10 %" in checked(settings, "s").problems


def test_an_expectation_that_is_written_wrong_is_told(settings: Settings) -> None:
    path = settings.paths.segments / "s.yml"
    path.parent.mkdir()
    path.write_text(
        "name: s\nwhere: {field: orders, is: 1}\nexpect: {atleast: 1, drift: 30, at_least: 9, at_most: 3}\n"
    )
    assert files.read(path)[1] == [
        "expect: 'atleast' is not known here; did you mean 'at_least'?",
        "expect.drift: expected a percentage such as 30%, not '30'",
        "expect: at_least is more than at_most",
    ]


def test_history_is_only_added_to_and_a_torn_line_costs_nothing_else(shop: Path, settings: Settings) -> None:
    segments.save(settings, Segment("s", "", rule("{field: orders, is: 1}")))
    history.note(settings, "s")
    history.note(settings, "s")
    assert len(history.read(settings)) == 1, "the same rule is one line"
    with settings.paths.segment_history.open("a") as file:
        file.write('{"name": "s", "at": "2026-')
    history.note_all(settings)
    seen = history.read(settings, "s")
    assert [each.customers for each in seen] == [None, sum(p["orders"] == 1 for p in CUSTOMERS)]
    assert json.loads(settings.paths.segment_history.read_text().splitlines()[-1])["version"] == "20261122T180000Z"


def test_a_segment_cannot_hold_itself_and_must_be_there(shop: Path, settings: Settings) -> None:
    segments.save(settings, Segment("a", "", rule("{any: [{in_segment: b}, {field: orders, is: 1}]}")))
    segments.save(settings, Segment("b", "", rule("{not: {in_segment: a}}")))
    assert checked(settings, "a").problems == (
        "where.any[0]: in_segment: b holds a holds b: a segment can't hold itself",
    )
    segments.save(settings, Segment("frequent", "", rule("{in_segment: b}")))
    segments.save(settings, Segment("c", "", rule("{in_segment: frequnt}")))
    assert checked(settings, "c").problems[0].endswith("no segment is called 'frequnt' (`wabench segment list` shows "
                                                       "them); did you mean 'frequent'?")  # fmt: skip
