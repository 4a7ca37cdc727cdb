from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from random_rules import rules

from wabench import segments
from wabench.errors import UsageError
from wabench.segments import files
from wabench.segments.rules import AllOf, Leaf, Operator, Rule, rule_hash
from wabench.settings import Settings


def written(settings: Settings, name: str, where: str) -> Path:
    path = settings.paths.segments / f"{name}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"name: {name}\ndescription: d\n{where}\n", encoding="utf-8")
    return path


@given(rule=rules)
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_saved_rule_reads_back_the_same(rule: Rule, settings: Settings) -> None:
    path = segments.save(settings, segments.Segment("saved", "Описание: 'a' #1", rule), overwrite=True)
    assert files.read(path) == (segments.Segment("saved", "Описание: 'a' #1", rule), [])


@pytest.mark.parametrize("text", ["NO", "yes", "1:30", "+5511987654321", "007", "2026-01-31", "~x", "1e3"])
def test_a_plain_value_stays_the_text_that_was_written(text: str, settings: Settings) -> None:
    path = written(settings, "s", f"where: {{field: country, is: {text}}}")
    segment, _ = files.read(path)
    assert segment is not None
    assert segment.where == Leaf("country", Operator.IS, (text,))


def test_everything_wrong_is_told_at_once_with_its_place(settings: Settings) -> None:
    where = """
whre: 1
where:
  all:
  - {field: orders, is: }
  - any: []
  - {field: orders, is: 1, unset: perhaps}
  - {field: orders, in: 3}
  - {field: orders, between: [1]}
  - {field: orders, isnot: 3}
  - not: 5
  - {all: [{field: orders, is: 1}], any: []}
  - {sql: select 1}
"""
    segment, problems = files.read(written(settings, "s", where))
    assert segment is None
    assert problems == [
        "'whre' is not known here: a segment holds name, description, where, sql, expect; did you mean 'where'?",
        "where.all[0] (orders): is needs a value; who has none is found by `is_set: no`",
        "where.all[1].any: expected a list of one or more rules, not a list",
        "where.all[2] (orders): unset: expected yes or no, not 'perhaps'",
        "where.all[3] (orders): in takes a list, not '3'",
        "where.all[4] (orders): between takes two values",
        "where.all[5]: 'isnot' is not known here; did you mean 'is_not'?",
        "where.all[5]: a leaf holds a field and one operator (is, is_not, in, not_in, <, <=, >, >=, between, "
        "contains, is_set)",
        "where.all[6].not: expected a rule such as {field: consent, is: opted_in}, not '5'",
        "where.all[7]: a rule holds exactly one of all, any, not, field, ordered, messaged, "
        "replied, in_campaign, in_segment; here stands all, any",
        "where.all[8]: a rule holds exactly one of all, any, not, field, ordered, messaged, "
        "replied, in_campaign, in_segment; here stands sql",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("where: {field: orders, >=: 3}", "(write '>' and '>=' in quotes)"),
        ("where: {field: orders, is: 1, is: 2}", "'is' stands twice"),
        ("where: &a\n  all: [*a]", "nested more than 32 deep"),
        ("where: [", "not readable as YAML: line "),
        ("sql: select 1\nwhere: {field: orders, is: 1}", "a segment holds where or sql, not both"),
        ("sql: ", "sql: expected one SELECT of customer_id"),
        ("where: {in_segment: a, unset: yes}", "unset is for fields; what somebody did or did not do is always known"),
        ("where: {ordered: {atleast: 2}}", "where.ordered: 'atleast' is not known here; did you mean 'at_least'?"),
        ("where: {ordered: 90d}", "where.ordered: expected what is asked, such as {within: 90d}, not '90d'"),
        (
            "where: {orderd: {within: 90d}}",
            "exactly one of all, any, not, field, ordered, messaged, replied, in_campaign",
        ),
        ("where: {messaged: {within: }}", "where.messaged.within: takes a plain value or a list of them, not nothing"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(text: str, says: str, settings: Settings) -> None:
    segment, problems = files.read(written(settings, "s", text))
    assert segment is None
    assert says in problems[0]
    assert all("\n" not in problem for problem in problems)


def test_a_files_name_and_its_segments_must_agree(settings: Settings) -> None:
    path = written(settings, "other", "where: {field: orders, is: 1}")
    moved = path.rename(path.with_name("one.yml"))
    assert files.read(moved)[1] == ["name: expected 'one', as the file is called, not 'other'"]


def test_an_unknown_segment_is_told_with_the_nearest_name(settings: Settings) -> None:
    written(settings, "cold_90d", "where: {field: orders, is: 1}")
    with pytest.raises(UsageError, match=r"no segment is called 'cold_90' .*; did you mean 'cold_90d'"):
        segments.load(settings, "cold_90")
    with pytest.raises(UsageError, match="no segment is called"):
        segments.load(settings, "../wabench")


def test_saving_refuses_a_bad_name_and_one_that_is_taken(settings: Settings) -> None:
    segments.save(settings, segments.Segment("mine", "", segments.EVERYONE))
    with pytest.raises(UsageError, match="already saved"):
        segments.save(settings, segments.Segment("mine", "", segments.EVERYONE))
    with pytest.raises(UsageError, match="can't name a segment"):
        segments.save(settings, segments.Segment("../mine", "", segments.EVERYONE))


def test_the_hash_is_of_the_rule_and_not_of_its_layout(settings: Settings) -> None:
    flow = files.read(written(settings, "a", "where: {all: [{field: orders, is: '3'}]}"))[0]
    block = files.read(written(settings, "b", "where:\n  all:\n  - is: 3\n    field: orders\n    unset: no"))[0]
    assert flow is not None
    assert block is not None
    assert rule_hash(flow.where) == rule_hash(block.where)
    assert rule_hash(flow.where) != rule_hash(AllOf((Leaf("orders", Operator.IS, ("4",)),)))
