"""What the rule builder holds: any rule laid out and put together again means the same, and fits into a link."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from random_rules import leaf, rules

from wabench.errors import UsageError
from wabench.segments import drafts, links
from wabench.segments.drafts import Draft
from wabench.segments.rules import EVERYONE, AllOf, AnyOf, Not, Rule


def meant(rule: Rule, held: frozenset[Rule]) -> bool:
    """Answer a rule where exactly these leaves say yes."""
    match rule:
        case AllOf(each):
            return all(meant(one, held) for one in each)
        case AnyOf(each):
            return any(meant(one, held) for one in each)
        case Not(one):
            return not meant(one, held)
        case _:
            return rule in held


def leaves(rule: Rule) -> set[Rule]:
    match rule:
        case AllOf(each) | AnyOf(each):
            return {leaf for one in each for leaf in leaves(one)}
        case Not(one):
            return leaves(one)
        case _:
            return {rule}


@given(rule=rules)
@hypothesis_settings(deadline=None)
def test_a_rule_laid_out_and_put_together_again_means_the_same(rule: Rule) -> None:
    again = drafts.finished(drafts.begin(rule))
    for held in (
        leaves(rule),
        set[Rule](),
        *({one} for one in leaves(rule)),
        *(leaves(rule) - {one} for one in leaves(rule)),
    ):
        assert meant(again, frozenset(held)) == meant(rule, frozenset(held))


@given(rule=rules)
@hypothesis_settings(deadline=None)
def test_a_rule_fits_into_a_link_and_comes_out_of_it(rule: Rule) -> None:
    word = links.pack(rule)
    assert word.isascii()
    assert word.replace("-", "").replace("_", "").isalnum()
    assert links.unpack(word) == rule


@pytest.mark.parametrize("word", ["", "x", "eNoAAAA", "not a word", "4444", links.pack(leaf("orders", "is", "1"))[:-6]])
def test_a_link_that_was_cut_short_says_so(word: str) -> None:
    with pytest.raises(UsageError, match="the link holds no rule; it may have been cut short"):
        links.unpack(word)


def test_a_link_cannot_be_a_bomb() -> None:
    huge = links.pack(AllOf((leaf("name", "is", "x" * 10_000_000),)))
    assert len(huge) < 20_000
    with pytest.raises(UsageError, match="cut short"):
        links.unpack(huge)


def test_an_unfinished_draft_asks_what_is_finished_of_it() -> None:
    draft = Draft("all", [Draft(), Draft("any", [Draft(), Draft(leaf=leaf("orders", "is", "1"))]), Draft("none")])
    assert drafts.finished(draft) == leaf("orders", "is", "1")
    assert drafts.finished(Draft("any", [Draft()])) == EVERYONE


def test_a_part_is_removed_wherever_it_stands() -> None:
    inner = Draft(leaf=leaf("orders", "is", "1"))
    draft = Draft("all", [Draft("any", [inner, Draft(leaf=leaf("orders", "is", "2"))])])
    draft.remove(inner.key)
    assert drafts.finished(draft) == leaf("orders", "is", "2")
