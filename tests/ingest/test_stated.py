"""A STOP and a START are heard whichever provider it comes through."""

import pytest

from ingest.stated import statements
from wabench.events import EventType, MessageEvent


def received(text: str | None) -> MessageEvent:
    return MessageEvent("meta:1:received", EventType.RECEIVED, phone="+5511987654321", user_id="BR.1", body_text=text)


@pytest.mark.parametrize("text", ["STOP", "stop", " Stop! ", "«Стоп»", "sair.", "UNSUBSCRIBE"])
def test_a_stop_word_alone_is_an_opt_out_of_its_person(text: str) -> None:
    (event,) = statements([received(text)])
    assert (event.event_type, event.phone, event.user_id) == (EventType.OPT_OUT, "+5511987654321", "BR.1")
    assert event.event_id == "meta:1:received:opt_out"


@pytest.mark.parametrize("text", ["stop by tomorrow", "nonstop", "", None, "Please stop asking, I will order soon"])
def test_a_stop_word_among_others_is_none(text: str | None) -> None:
    assert statements([received(text)]) == []


@pytest.mark.parametrize(("code", "count"), [("131050", 1), ("21610", 1), ("131026", 0), (None, 0)])
def test_a_failure_because_the_person_stopped_promotions_is_an_opt_out(code: str | None, count: int) -> None:
    failed = MessageEvent("meta:1:failed", EventType.FAILED, phone="+5511987654321", error_code=code)
    assert len(statements([failed])) == count


def test_the_providers_own_opt_out_is_enough() -> None:
    own = MessageEvent("twilio:1:opt_out", EventType.OPT_OUT, phone="+5511987654321")
    assert statements([received("STOP"), own]) == []


def test_anothers_opt_out_in_the_same_body_takes_nobodys_away() -> None:
    another = MessageEvent("meta:2:opt_out", EventType.OPT_OUT, phone="+5511900000002")
    (event,) = statements([another, received("STOP")])
    assert event.phone == "+5511987654321"


def test_an_opt_out_of_nobody_known_takes_nobodys_away() -> None:
    nobody = MessageEvent("meta:2:opt_out", EventType.OPT_OUT)
    nameless = MessageEvent("meta:3:received", EventType.RECEIVED, user_id="BR.7", body_text="STOP")
    assert [event.user_id for event in statements([nobody, nameless])] == ["BR.7"]


@pytest.mark.parametrize("text", ["START", "старт!", "Iniciar"])
def test_a_start_word_alone_is_an_opt_in_of_its_person(text: str) -> None:
    (event,) = statements([received(text)])
    assert (event.event_type, event.event_id) == (EventType.OPT_IN, "meta:1:received:opt_in")


def test_the_providers_own_of_the_other_kind_takes_nothing_away() -> None:
    own = MessageEvent("twilio:1:opt_out", EventType.OPT_OUT, phone="+5511987654321")
    assert [event.event_type for event in statements([received("START"), own])] == [EventType.OPT_IN]
