"""Rules over what was written: each message ends once, cooldowns silence, conflicts and loops are found."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wabench import hours
from wabench.replies import bench
from wabench.replies.answers import render
from wabench.replies.bench import Change, Conflict, Hit, Loop, Said
from wabench.replies.rules import Rule, check

MONDAY = datetime(2026, 11, 23, 10)  # noqa: DTZ001  # the shop's local time
OPEN = hours.parse("mon-fri 09:00-18:00")


def made(*rows: dict[str, Any]) -> list[Rule]:
    found, problems = check([{"kind": "word", "action": "text", "answer": "so", **row} for row in rows])
    assert problems == []
    return found


def said(*lines: tuple[str, str, float]) -> list[Said]:
    """Messages of (customer, text, minutes since Monday 10:00)."""
    return [Said(f"m{n}", who, MONDAY + timedelta(minutes=at), text, text) for n, (who, text, at) in enumerate(lines)]


def test_every_message_is_answered_silenced_left_or_a_command() -> None:
    rules = made(
        {"rule": "price", "pattern": "цена", "cooldown_minutes": "30"},
        {"rule": "red", "pattern": "красный", "priority": "60"},
    )
    history = said(
        ("ann", "какая цена?", 0),
        ("bob", "цены красных платьев", 1),
        ("ann", "цена!", 29.99),
        ("ann", "ЦЕНУ", 30),
        ("ann", "стоп", 31),
        ("eve", "размеры?", 40),
        ("eve", "есть размер 42", 41),
        ("bob", "👍", 42),
    )
    found = bench.replay(rules, history, OPEN)
    assert (found.messages, found.customers) == (8, 3)
    assert (found.answered, found.cooled, found.unanswered, found.commands) == (3, 1, 3, 1)
    assert found.hits == (Hit("price", "text", 3, 2, 1), Hit("red", "text", 0, 0, 0))
    assert found.conflicts == (Conflict("price", "red", 1, "цены красных платьев", is_tie=False),)
    clusters = [(c.word, c.beside, c.messages, c.customers) for c in found.clusters]
    assert clusters == [("размеры", (), 2, 1), ("👍", (), 1, 1)]
    assert found.clusters[0].example == "размеры?"


def test_hours_are_those_of_the_moment_it_was_written() -> None:
    rules = made({"rule": "away", "kind": "regex", "pattern": ".", "hours": "away"})
    history = said(("ann", "эй", 7 * 60 + 59), ("bob", "эй", 8 * 60))
    found = bench.replay(rules, history, OPEN)
    assert (found.answered, found.unanswered) == (1, 1)


def test_a_change_of_rules_is_told_by_what_moves() -> None:
    before = made({"rule": "price", "pattern": "цена"})
    after = made({"rule": "price", "pattern": "стоимость"}, {"rule": "all", "kind": "regex", "pattern": "ц"})
    history = said(("ann", "цена", 0), ("bob", "цена", 1), ("eve", "стоимость", 2), ("eve", "ничего", 3))
    assert bench.changes(before, after, history, OPEN) == (
        Change("price", "all", 2, 2, "цена"),
        Change("", "price", 1, 1, "стоимость"),
    )
    assert bench.changes(before, before, history, OPEN) == ()


def test_a_loop_is_endless_unless_a_cooldown_ends_it() -> None:
    ping = {"rule": "ping", "pattern": "ping", "answer": "pong, {name}"}
    pong = {"rule": "pong", "pattern": "pong", "answer": "ping"}
    silent = {"rule": "tagged", "pattern": "pong", "action": "tag", "answer": "pong"}
    assert bench.loops(made(ping, pong)) == (
        Loop("ping", "pong", "pong, Ana", is_endless=True),
        Loop("pong", "ping", "ping", is_endless=True),
    )
    assert [loop.is_endless for loop in bench.loops(made(ping, {**pong, "cooldown_minutes": "5"}))] == [False, False]
    assert bench.loops(made(silent)) == ()
    assert [loop.is_endless for loop in bench.loops(made(ping, silent))] == [False]


TEXTS = st.sampled_from(["цена", "цены красные", "стоп", "👍", "", "hello", "красный", "где"])


@given(st.lists(st.tuples(st.sampled_from("abc"), TEXTS, st.floats(0, 60))))
def test_the_parts_always_add_up(lines: list[tuple[str, str, float]]) -> None:
    rules = made(
        {"rule": "price", "pattern": "цена", "cooldown_minutes": "10"},
        {"rule": "red", "pattern": "красный", "priority": "50"},
    )
    found = bench.replay(rules, said(*sorted(lines, key=lambda line: line[2])), OPEN)
    assert found.answered + found.cooled + found.unanswered + found.commands == found.messages == len(lines)
    assert sum(hit.messages for hit in found.hits) == found.answered
    assert sum(hit.cooled for hit in found.hits) == found.cooled
    assert sum(cluster.messages for cluster in found.clusters) <= found.unanswered


def test_nothing_written_is_no_error() -> None:
    found = bench.replay([], [], OPEN)
    assert (found.messages, found.clusters, found.loops) == (0, (), ())


def test_a_text_without_a_known_name_reads_as_if_there_never_was_one() -> None:
    assert render("Здравствуйте, {name}! Чем помочь?", "Анна Петрова") == "Здравствуйте, Анна! Чем помочь?"
    assert render("Здравствуйте, {name}! Чем помочь?") == "Здравствуйте! Чем помочь?"
    assert render("{name}, да, есть.", "  ") == "Да, есть."
    assert render("Ваш код {code}, {name}", None, {"code": "A1"}) == "Ваш код A1"
    assert render("{name}", "{code}", {"code": "A1"}) == "{code}"
