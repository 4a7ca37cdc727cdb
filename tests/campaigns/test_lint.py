"""What reviewers would refuse is found before anything is submitted, with the word and what to do about it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench.campaigns import lint
from wabench.campaigns.lint import Severity
from wabench.errors import WabenchError
from wabench.providers.base import TemplateDraft

WORDS = lint.read_words()
GOOD: dict[str, Any] = {
    "name": "order_shipped",
    "language": "en",
    "category": "utility",
    "body": "Hello {{1}}, your parcel {{2}} is on its way to you.",
    "examples": {"1": "Ana", "2": "BR123"},
}


def found(takes_names: bool = True, **changes: Any) -> dict[str, Severity]:
    findings = lint.lint(TemplateDraft(**{**GOOD, **changes}), WORDS, takes_names)
    return {finding.what: finding.severity for finding in findings}


def test_a_good_one_has_nothing_against_it() -> None:
    assert found() == {}


@pytest.mark.parametrize(
    ("changes", "severity", "what"),
    [
        ({"name": "Order Shipped"}, "error", "the name 'Order Shipped'"),
        ({"name": "a" * 513}, "error", "the name"),
        ({"name": ""}, "error", "the name"),
        ({"language": "english"}, "error", "'english' is no language code"),
        ({"language": "pt-BR"}, "error", "'pt-BR' is no language code"),
        ({"body": "  "}, "error", "the body is empty"),
        ({"body": "a" * 1025, "examples": {}}, "error", "1025 characters, 1024 at most"),
        ({"body": "Hello {{1}}, your parcel {{3}} is on its way to you."}, "error", "{{2}} is missing"),
        ({"body": "Hello {{1}}, your parcel {{code}} is on its way to you."}, "error", "mixed"),
        ({"body": "Hello {{1}, your parcel {{2}} is on its way to you."}, "error", "a brace belongs to no variable"),
        ({"body": "Hello {{First Name}}, it is on its way."}, "error", "a brace belongs to no variable"),
        ({"body": "Hello {{FirstName}}, it is on its way."}, "error", "'FirstName' has a name"),
        ({"body": "{{1}}, your parcel {{2}} is on its way to you."}, "error", "begins with a variable"),
        ({"body": "Hello {{1}}, here is the code of your parcel: {{2}}."}, "error", "ends with a variable"),
        ({"body": "Hello {{1}} {{2}}, it is on its way to you."}, "error", "{{1}} and {{2}} stand next to each other"),
        ({"body": "Hi {{1}}, parcel {{2}} is sent."}, "warning", "2 variables among 4 words"),
        ({"examples": {"1": "Ana"}}, "error", "no example for 2"),
        ({"examples": {"1": "Ana", "2": " "}}, "error", "no example for 2"),
        ({"examples": {"1": "Ana", "2": "B", "3": "C"}}, "warning", "an example for 3"),
        ({"category": "authentication"}, "warning", "no text of one's own"),
        ({"body": "Hello {{1}}, a LIMITED  offer for your order {{2}} waits."}, "error", "'limited offer'"),
        ({"body": "Hello {{1}}, you have won! Your code {{2}} waits for you."}, "error", "'you have won'"),
        ({"body": "Hello {{1}}, see https://bit.ly/x for parcel {{2}} today."}, "error", "'bit.ly'"),
        ({"category": "marketing"}, "hint", "characters"),
    ],
)
def test_each_rule_names_what_is_wrong(changes: dict[str, Any], severity: str, what: str) -> None:
    hits = [level for text, level in found(**changes).items() if what in text]
    assert hits == [severity], found(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a" * 512},
        {"language": "zh_Hant"},
        {"language": "fil"},
        {
            "body": "Hello {{ first_name }}, your parcel {{code}} is on its way.",
            "examples": {"first_name": "A", "code": "B"},
        },
        {"body": "Hello {{2}}, your parcel {{1}} is on its way to {{2}} and you, at last today."},
        {"body": "Hello {{1}}, your parcel {{2}} is on its way.\n\nReply STOP to end this."},
        {"body": "The wholesale discounter Salem wrote {{1}} about your parcel {{2}} today."},
        {"language": "pt_BR", "body": "Olá {{1}}, o seu pedido {{2}} na Bike Discount está a caminho."},
    ],
)
def test_what_only_looks_wrong_is_let_through(changes: dict[str, Any]) -> None:
    assert found(**changes) == {}


def test_promotional_words_are_an_error_in_utility_and_a_warning_in_marketing() -> None:
    body = "Hello {{1}}, your discount {{2}} waits for you here."
    assert found(body=body)["'discount': an offer"] is Severity.ERROR
    assert found(body=body, category="marketing")["'discount': an offer"] is Severity.WARNING


def test_a_provider_without_named_variables_is_told_before_it_refuses() -> None:
    named = {"body": "Hello {{name}}, your parcel is on its way.", "examples": {"name": "Ana"}}
    assert found(**named) == {}
    assert found(takes_names=False, **named) == {"this provider has no named variables": Severity.ERROR}


def test_the_worst_comes_first() -> None:
    worst = lint.lint(
        TemplateDraft(**{**GOOD, "category": "marketing", "examples": {}, "body": "Hi {{1}} discount {{2}} now."}),
        WORDS,
    )
    order = [list(Severity).index(finding.severity) for finding in worst]
    assert order == sorted(order)
    assert lint.is_refused(worst)


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_no_text_breaks_a_rule(body: str, examples: dict[str, str]) -> None:
    for name in ("sale", body):
        found = lint.lint(TemplateDraft(name, body[:5], "marketing", body, examples), WORDS)
        assert all(finding.what and finding.do for finding in found)
        assert lint.is_refused(found) == any(finding.severity is Severity.ERROR for finding in found)


def test_a_line_of_the_words_that_is_not_like_the_others_is_named(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("words,language,kind,meaning\nhurry,en,rude,no\n")
    with pytest.raises(WabenchError, match="promotional or forbidden, not 'rude'"):
        lint.read_words(path)
