"""What an inbound message is answered, each rule at its boundary."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wabench.replies import texts
from wabench.replies.confirmations import CONFIRMATIONS, confirmation
from wabench.replies.decide import Answer, Confirm, Decision, Known, Manners, Silence, decide
from wabench.replies.match import Matcher, Situation
from wabench.replies.rules import Does, Kind, Rule, When
from wabench.replies.spoken import Command, command

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SALE = Rule("sale", 50, "en", Kind.WORD, "discount", Does.TEXT, "Ten per cent.", cooldown_minutes=60)
AWAY = Rule("away", 90, "", Kind.REGEX, "[a-z]", Does.TEXT, "We are closed.", hours=When.AWAY)
FIRST = Rule("first", 40, "en", Kind.WORD, "discount", Does.PROMO_CODE, "{code}", new_customers_only=True)
MATCHER = Matcher([SALE, AWAY, FIRST])
OLD = Situation(is_open=True, is_new=False)


def said(
    text: str,
    known: Known | None = None,
    at: datetime = NOW,
    situation: Situation = OLD,
    manners: Manners | None = None,
) -> Decision:
    return decide(text, at, MATCHER.verdict(text, situation), known or Known(), manners or Manners(), NOW)


def test_a_rule_answers_by_situation_and_one_alone() -> None:
    assert said("any discounts?") == Answer(SALE)
    assert said("any discounts?", situation=replace(OLD, is_new=True)) == Answer(FIRST)
    assert said("hello") == Silence("no rule")
    assert said("hello", situation=replace(OLD, is_open=False)) == Answer(AWAY)


@pytest.mark.parametrize(("age", "is_late"), [(timedelta(minutes=5), False), (timedelta(minutes=5) + SECOND, True)])
def test_what_is_older_than_five_minutes_is_not_answered(age: timedelta, is_late: bool) -> None:
    assert (said("discount", at=NOW - age) == Silence("too late")) is is_late


@pytest.mark.parametrize(("age", "is_silent"), [(timedelta(hours=1) - SECOND, True), (timedelta(hours=1), False)])
def test_a_rule_is_silent_until_its_cooldown_ends_and_no_other_answers(age: timedelta, is_silent: bool) -> None:
    known = Known(rules_at={"sale": NOW - age})
    assert (said("discount", known) == Silence("rule sale answered lately")) is is_silent


@pytest.mark.parametrize(("age", "is_silent"), [(timedelta(hours=24) - SECOND, True), (timedelta(hours=24), False)])
def test_no_rule_answers_while_a_person_does(age: timedelta, is_silent: bool) -> None:
    known = Known(person_at=NOW - age)
    assert (said("discount", known) == Silence("a person is answering")) is is_silent
    assert said("STOP", known) == Confirm(Command.STOP)


@pytest.mark.parametrize(("age", "is_silent"), [(timedelta(minutes=10) - SECOND, True), (timedelta(minutes=10), False)])
def test_five_replies_in_ten_minutes_are_the_last(age: timedelta, is_silent: bool) -> None:
    known = Known(automatic=(NOW - age, *(NOW - n * SECOND for n in range(4))))
    assert (said("discount", known) == Silence("too many replies already")) is is_silent
    assert (said("START", known) == Silence("too many replies already", Command.START)) is is_silent
    assert said("discount", Known(automatic=known.automatic[1:])) == Answer(SALE)


def test_who_opted_out_hears_that_they_did_and_nothing_else() -> None:
    known = Known(has_opted_out=True)
    assert said("discount", known) == Silence("opted out")
    assert [said(text, known) for text in ("stop", "start", "help")] == [Confirm(each) for each in Command]


def test_our_own_text_is_not_answered() -> None:
    assert said("A discount — ten per cent!", Known(said=frozenset({texts.plain("a discount: ten PER cent")}))) == (
        Silence("our own text")
    )


@pytest.mark.parametrize(("age", "is_silent"), [(timedelta(hours=24) - SECOND, True), (timedelta(hours=24), False)])
def test_a_command_is_confirmed_once_unless_another_came_between(age: timedelta, is_silent: bool) -> None:
    known = Known(confirmed=(Command.STOP, NOW - age))
    assert (said("Стоп!", known) == Silence("confirmed already", Command.STOP)) is is_silent
    assert said("START", known) == Confirm(Command.START)
    assert said("stop by tomorrow", known) == Silence("no rule")


@pytest.mark.parametrize("command_", list(Command))
def test_each_command_is_confirmed_in_ten_languages_none_of_which_is_a_command(command_: Command) -> None:
    assert len(CONFIRMATIONS[command_]) == 10
    assert [text for text in CONFIRMATIONS[command_].values() if command(text)] == []


def test_a_confirmation_is_in_the_language_of_the_word_and_names_a_word_of_it() -> None:
    assert "СТАРТ" in confirmation(Command.STOP, "стоп")
    for language, text in CONFIRMATIONS[Command.STOP].items():
        words = text.replace(":", " ").rstrip(".").split()
        assert any(command(word) is Command.START for word in words), language
    for both in (CONFIRMATIONS[Command.START], CONFIRMATIONS[Command.HELP]):
        for language, text in both.items():
            assert any(command(word) is Command.STOP for word in text.replace(":", " ").rstrip(".").split()), language
