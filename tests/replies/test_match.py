"""Which rule answers a text: word forms, spelling, order, and what comes before any rule."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabench.replies.match import Matcher, Situation, Verdict
from wabench.replies.rules import Kind, Rule, check
from wabench.replies.spoken import COMMANDS, Command


def rule(name: str, kind: str, pattern: str, **more: Any) -> Rule:
    row = {"rule": name, "kind": kind, "pattern": pattern, "action": "text", "answer": "so", **more}
    (found,), problems = check([row])
    assert problems == []
    return found


def answers(rules: list[Rule], text: str, situation: Situation | None = None) -> str | None:
    verdict = Matcher(rules).verdict(text, situation)
    return verdict.chosen.rule.rule if verdict.chosen else None


SALE = rule("sale", "word", "скидка|discount")


@pytest.mark.parametrize(
    "text",
    [
        "скидка", "Скидки есть?", "хочу СКИДКУ!!!", "сколько скидок", "о скидках…", "🔥скидка🔥", "DISCOUNTS?",
        "a  discount\n", "ски\u00adдка", "С\u200bкидка",
    ],
)  # fmt: skip
def test_all_forms_of_a_word_are_one(text: str) -> None:
    assert answers([SALE], text) == "sale"


@pytest.mark.parametrize("text", ["скид", "обсуждение", "disco", "", "   ", "🔥", "no"])
def test_what_is_another_word_is_not_the_word(text: str) -> None:
    assert answers([SALE], text) is None


def test_yo_is_ye_and_accents_of_latin_letters_do_not_count() -> None:
    rules = [rule("tree", "word", "ёлка"), rule("price", "word", "preço", language="pt")]
    assert answers(rules, "есть Елки?") == answers(rules, "ЁЛКУ") == "tree"
    assert answers(rules, "qual o preco?") == "price"


def test_exact_is_the_whole_message_and_word_is_a_phrase_in_it() -> None:
    rules = [rule("thanks", "exact", "спасибо большое|👍"), rule("where", "word", "где заказ")]
    assert answers(rules, "Спасибо большое!") == "thanks"
    assert answers(rules, "спасибо большое за заказ") is None
    assert answers(rules, "👍🏽") == "thanks"
    assert answers(rules, "а где заказы мои") == "where"
    assert answers(rules, "заказ где") is None
    assert answers(rules, "где мой заказ") is None


def test_contains_looks_into_words_and_regex_into_the_text_as_it_is_written() -> None:
    rules = [rule("part", "contains", "скид"), rule("size", "regex", r"размер[а-я]* \d\d")]
    assert answers(rules, "есть нескидочные?") == "part"
    assert answers(rules, "РАЗМЕРЫ 46 есть?") == "size"
    assert answers(rules, "размер M") is None


def test_priority_then_the_narrower_kind_then_the_longer_pattern_then_the_order_decide() -> None:
    kinds = [rule(kind, kind, "где заказ") for kind in reversed(Kind)]
    assert answers(kinds, "где заказ") == "exact"
    assert answers(kinds, "а где заказ") == "word"
    long = [rule("short", "word", "заказ"), rule("long", "word", "где заказ")]
    assert answers(long, "где заказ?") == "long"
    assert answers([rule("first", "word", "заказ"), rule("second", "word", "заказ")], "заказ") == "first"
    assert answers([*kinds, rule("urgent", "regex", "заказ", priority="1")], "где заказ") == "urgent"


def test_the_others_that_match_are_named_with_why() -> None:
    verdict = Matcher([rule("a", "word", "заказ"), rule("b", "contains", "зак")]).verdict("заказы")
    assert verdict.chosen is not None
    assert [(match.rule.rule, match.why) for match in verdict.others] == [("b", "contains 'зак', priority 50")]
    assert verdict.chosen.why == "word 'заказ', priority 50"


def test_hours_and_newness_keep_a_rule_from_answering_and_say_so() -> None:
    rules = [
        rule("new", "word", "цена", new_customers_only="yes", priority="1"),
        rule("away", "word", "цена", hours="away", priority="2"),
        rule("open", "word", "цена", hours="business", priority="3"),
    ]
    verdict = Matcher(rules).verdict("цены?", Situation(is_open=True, is_new=False))
    assert verdict.chosen is not None
    assert verdict.chosen.rule.rule == "open"
    assert [(match.rule.rule, why) for match, why in verdict.kept] == [
        ("new", "only for those who never ordered"),
        ("away", "only outside business hours"),
    ]
    assert answers(rules, "цены?", Situation(is_open=False, is_new=False)) == "away"
    assert answers(rules, "цены?", Situation(is_open=True, is_new=True)) == "new"


@pytest.mark.parametrize(("command", "word"), [(c, w) for c, words in COMMANDS.items() for w in sorted(words)])
def test_commands_come_before_any_rule_as_whole_messages_only(command: Command, word: str) -> None:
    everything = Matcher([rule("all", "regex", ".", priority="1")])
    assert everything.verdict(f" «{word.upper()}»! ") == Verdict(command)
    assert everything.verdict(f"{word} by tomorrow").chosen is not None


def test_commands_are_in_ten_languages_and_none_is_two() -> None:
    assert len(COMMANDS[Command.STOP]) >= 10
    words = [word for each in COMMANDS.values() for word in each]
    assert len(words) == len(set(words))


@given(st.lists(st.text(max_size=30), max_size=5))
def test_texts_are_matched_alike_alone_and_together(texts: list[str]) -> None:
    matcher = Matcher([SALE, rule("any", "regex", "[a-zа-я]"), rule("bit", "contains", "я")])
    assert matcher.found(texts) == [matcher.found([text])[0] for text in texts]


WORDS = st.text(st.characters(categories=["Ll", "Lu"], include_characters="ёЁйЙ"), min_size=1, max_size=12)


@given(WORDS, st.sampled_from(["", "!", " ?!", "…", "🙂"]))
def test_case_punctuation_and_spaces_never_count(word: str, after: str) -> None:
    folded = unicodedata.normalize("NFKC", word).casefold()
    if folded != unicodedata.normalize("NFKC", folded.upper()).casefold() or not check_pattern(word):
        return
    rules = [rule("it", "exact", word)]
    assert answers(rules, f"  {folded.upper()}{after} ") == "it"


def check_pattern(word: str) -> bool:
    _, problems = check([{"rule": "r", "kind": "exact", "pattern": word, "action": "tag", "answer": "t"}])
    return not problems
