"""A rule file is read strictly: one clear line for each thing that is wrong, and what is right counts all the same."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench.errors import UsageError, WabenchError
from wabench.replies import canned, files, rules
from wabench.replies.match import Matcher
from wabench.settings import Settings

GOOD = {"rule": "r", "kind": "word", "pattern": "price", "action": "text", "answer": "10"}


def lines(*rows: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in rules.check(rows)[1]]


def test_the_seeds_have_no_problem() -> None:
    assert rules.check(files.read(files.RULES_SEED).records)[1] == []
    assert canned.check(files.read(files.CANNED_SEED).records)[1] == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rule": ""}, "row 1, rule: a rule needs a name of one line, at most 60 characters"),
        ({"priority": "high"}, "row 1, priority: expected a whole number from 1 to 999, not 'high'"),
        ({"priority": "0"}, "row 1, priority: expected a whole number from 1 to 999, not '0'"),
        ({"priority": "٣"}, "row 1, priority: expected a whole number from 1 to 999, not '٣'"),
        ({"language": "klingon"}, "row 1, language: 'klingon' is none of ru, en, pt, es; empty goes by the letters"),
        ({"kind": "fuzzy"}, "row 1, kind: 'fuzzy' is none of exact, word, contains, regex"),
        ({"pattern": " | "}, "row 1, pattern: it is empty; write what the customer may say"),
        ({"pattern": "x" * 501}, "row 1, pattern: it is longer than 500 characters; make two rules of it"),
        ({"pattern": "price|Stop!"}, "row 1, pattern: 'Stop!' is answered before any rule, as stop"),
        ({"answer": ""}, "row 1, answer: text needs one: the text the customer reads"),
        ({"answer": "Hi {nome}"}, "row 1, answer: {nome} is none of {name}"),
        ({"answer": "x" * 1601}, "row 1, answer: it is longer than 1600 characters, which not every provider takes"),
        ({"action": "promo_code"}, "row 1, answer: the text of promo_code says where the code goes: {code}"),
        ({"answer": "{code}"}, "row 1, answer: {code} is none of {name}"),
        ({"hours": "night"}, "row 1, hours: 'night' is none of any, business, away"),
        ({"cooldown_minutes": "-1"}, "row 1, cooldown_minutes: expected a whole number from 0 to 527040, not '-1'"),
        ({"new_customers_only": "maybe"}, "row 1, new_customers_only: expected yes or no, not 'maybe'"),
        ({"patern": "x"}, "patern: is no column of rules; did you mean 'pattern'?"),
    ],
)
def test_each_problem_is_one_line_that_says_what_to_do(change: dict[str, str], line: str) -> None:
    assert lines({**GOOD, **change}) == [line]


def test_two_rules_of_one_name_are_told_and_the_first_counts() -> None:
    found, problems = rules.check([GOOD, {**GOOD, "rule": "R", "pattern": "cost"}])
    assert [str(p) for p in problems] == ["row 2, rule: 'R' is row 1's name already"]
    assert [rule.pattern for rule in found] == ["price"]


def test_a_missing_column_is_told_once() -> None:
    without = {name: value for name, value in GOOD.items() if name != "kind"}
    assert lines(without, without)[0] == "kind: this column is missing"


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "a{2000}", "[z-a]", "*"])
def test_an_expression_that_can_not_be_used_is_refused(pattern: str) -> None:
    (line,) = lines({**GOOD, "kind": "regex", "pattern": pattern})
    assert line.startswith("row 1, pattern: ")
    assert line.endswith("look-around and backreferences are not known here")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(a|aa)+$"])
def test_no_expression_takes_a_long_message_minutes(pattern: str) -> None:
    found, _ = rules.check([{**GOOD, "kind": "regex", "pattern": pattern}])
    began = time.perf_counter()
    Matcher(found).verdict("a" * 4000 + "!")
    assert time.perf_counter() - began < 5  # by backtracking it would not end in this universe


@given(st.lists(st.dictionaries(st.sampled_from(rules.COLUMNS), st.one_of(st.none(), st.text(), st.floats()))))
def test_any_rows_are_read_and_what_is_right_is_written_back_the_same(rows: list[dict[str, Any]]) -> None:
    found, _ = rules.check(rows)
    assert rules.check(rules.to_records(found)) == (found, [])


def test_a_shops_own_file_counts_whole_and_the_app_writes_it(settings: Settings) -> None:
    seed = files.rules_table(settings)
    assert seed.path == files.RULES_SEED
    files.save_rules(settings, [GOOD], seed.mark)
    own = files.rules_table(settings)
    assert own.path == settings.home / "replies.csv"
    assert [rule.rule for rule in files.load_rules(settings)[0]] == ["r"]
    with pytest.raises(WabenchError, match="changed since you opened it"):
        files.save_rules(settings, [GOOD], seed.mark)
    with pytest.raises(UsageError, match="nothing saved: row 1, kind"):
        files.save_rules(settings, [{**GOOD, "kind": "x"}], own.mark)
    assert files.rules_table(settings).mark == own.mark


def test_text_with_commas_quotes_and_line_breaks_is_the_same_after_saving(settings: Settings) -> None:
    text = 'Да, "конечно"!\n=1+1, {name}'
    files.save_canned(settings, [{"name": "да", "language": "", "text": text}], files.canned_table(settings).mark)
    ((one,), problems) = files.load_canned(settings)
    assert (one.text, problems) == (text, [])


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"\xff\xfe", "not readable as CSV in UTF-8"),
        (b'rule,kind\n"a,b', "not readable as CSV in UTF-8"),
        ("rule,kind\na,word,да, нет".encode(), "row 1 has more cells than the head"),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, raw: bytes, line: str) -> None:
    path = tmp_path / "rules.csv"
    path.write_bytes(raw)
    with pytest.raises(UsageError, match=line):
        files.read(path)


def test_canned_replies_are_read_as_strictly() -> None:
    rows = [{"name": "", "text": "x"}, {"name": "a", "language": "xx", "text": "{code}"}, {"name": "A", "text": "1"}]
    found, problems = canned.check([*rows, {"name": "a", "text": "2"}])
    assert [each.name for each in found] == ["A"]
    assert [str(p) for p in problems] == [
        "row 1, name: a canned reply needs a name of one line, at most 60 characters",
        "row 2, text: {code} is none of {name}",
        "row 2, language: 'xx' is none of ru, en, pt, es",
        "row 4, name: 'a' is row 3 already, in the same language",
    ]
