"""Every message is decided once, answered once at most, and no promo code is given twice, whatever dies in between."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import campaign_shop
import pytest
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from wabench.campaigns import ledger
from wabench.campaigns.ledger import Ledger
from wabench.campaigns.schema import SendState, given_codes, heard, replies
from wabench.providers.base import Accepted, Failed, Text
from wabench.providers.errors import ErrorFamily
from wabench.replies import claims
from wabench.replies.answering import Answering, Job, Outcome, channels
from wabench.replies.heard import Inbound
from wabench.replies.policy import Limits
from wabench.settings import Settings

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = """rule,priority,language,kind,pattern,action,answer,hours,cooldown_minutes,new_customers_only
person,10,en,word,human,hand_over,"{name}, a person will answer here.",any,60,no
code,20,en,word,code,promo_code,"{name}, yours is {code}",any,0,no
tag,30,en,word,discount,tag,asked_for_discount,any,0,no
parcel,40,en,word,parcel,template,parcel,any,0,no
sale,45,en,word,sale,template,sale,any,0,no
delivery,50,en,word,delivery,text,"{name}, where to?",any,240,no
new,60,en,word,welcome,text,"Welcome!",any,0,yes
"""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def shop(home: Path, mode: str = "rehearsal") -> Settings:
    home.joinpath("replies.csv").write_text(RULES, encoding="utf-8")
    home.joinpath("promo_codes.csv").write_text("code\nONE\nTWO\nONE\n", encoding="utf-8")
    return campaign_shop.set_up(home, auto_reply=mode)


@pytest.fixture
def opened(home: Path) -> Iterator[Ledger]:
    with ledger.opened(shop(home)) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answering(home: Path, opened: Ledger, clock: Clock) -> Answering:
    return Answering(shop(home), opened, clock)


def wrote(text: str, message: str = "1", phone: str = "+5511980000001", at: datetime = START) -> Inbound:
    return Inbound("meta", campaign_shop.CHANNEL, message, phone, None, "Ana Maria", text, at)


def rows(opened: Ledger, table: Any) -> list[Any]:
    with opened.reading() as connection:
        return list(connection.execute(select(table)))


def accept(answering: Answering, jobs: list[Job]) -> None:
    answering.take_turn(outcomes=[Outcome(job, Accepted(f"wamid.{job.inbound.message_id}")) for job in jobs])


def test_a_text_is_claimed_with_its_decision_and_accepted(answering: Answering, opened: Ledger) -> None:
    (job,) = answering.take_turn([wrote("Delivery?")])
    assert claims.message(job.draft, job.reply).content == Text("Ana, where to?")
    accept(answering, [job])
    (decided,), (reply,) = rows(opened, heard), rows(opened, replies)
    assert (decided.does, decided.rule, decided.reply_id) == ("text", "delivery", reply.reply_id)
    assert (reply.state, reply.written_by, reply.message_id) == (SendState.ACCEPTED, "rule", "wamid.1")


def test_the_same_message_again_is_not_answered_again(answering: Answering) -> None:
    assert len(answering.take_turn([wrote("delivery"), wrote("delivery")])) == 1
    assert answering.take_turn([wrote("delivery")]) == []


def test_a_tag_is_kept_and_nothing_is_said(answering: Answering, opened: Ledger) -> None:
    assert answering.take_turn([wrote("any discount?")]) == []
    (decided,) = rows(opened, heard)
    assert (decided.does, decided.tag, decided.reply_id) == ("tag", "asked_for_discount", None)


def test_a_template_goes_out_as_one_and_one_it_cannot_fill_hands_over(answering: Answering, opened: Ledger) -> None:
    (job,) = answering.take_turn([wrote("my parcel?")])
    assert (job.draft.template and job.draft.template.name, job.draft.text) == ("parcel", "Your parcel is on its way.")
    assert answering.take_turn([wrote("sale", "2", "+5511980000002")]) == []
    assert [(row.does, row.reason) for row in rows(opened, heard)][1] == (
        "hand_over", "template 'sale': variables missing or empty",
    )  # fmt: skip


def test_after_a_hand_over_no_rule_answers_for_a_day(answering: Answering, clock: Clock) -> None:
    assert len(answering.take_turn([wrote("a human, please")])) == 1
    clock.now += timedelta(hours=24) - MINUTE
    assert answering.take_turn([wrote("delivery", "2", at=clock.now)]) == []
    clock.now += MINUTE
    assert len(answering.take_turn([wrote("delivery", "3", at=clock.now)])) == 1


def test_codes_go_once_each_and_then_a_person_takes_over(answering: Answering, opened: Ledger) -> None:
    people = [wrote("code", str(n), f"+551198000000{n}") for n in range(3)]
    said = [job.draft.text for job in answering.take_turn(people)]
    assert said == ["Ana, yours is ONE", "Ana, yours is TWO"]
    assert [row.does for row in rows(opened, heard)] == ["promo_code", "promo_code", "hand_over"]


def test_stop_is_confirmed_to_who_opted_out_and_then_no_rule_speaks(
    answering: Answering, opened: Ledger, clock: Clock
) -> None:
    opened.state_consent("opted_out", START, "webhook 1", phone="+5511980000001")
    (job,) = answering.take_turn([wrote("STOP")])
    assert job.draft.text.startswith("You are unsubscribed")
    clock.now += MINUTE
    assert answering.take_turn([wrote("stop", "2", at=clock.now), wrote("delivery", "3", at=clock.now)]) == []
    assert [row.reason for row in rows(opened, heard)] == [None, "confirmed already", "opted out"]


def test_too_soon_after_another_message_a_reply_waits_and_then_goes(answering: Answering, clock: Clock) -> None:
    accept(answering, answering.take_turn([wrote("delivery")]))
    (waiting,) = answering.take_turn([wrote("parcel", "2")])
    assert waiting.due == START + timedelta(seconds=6)
    clock.now = waiting.due
    (job,) = answering.take_turn(again=[waiting])
    assert job.reply.is_ours


def test_what_was_put_off_is_taken_up_after_a_crash_but_not_late(
    answering: Answering, home: Path, opened: Ledger, clock: Clock
) -> None:
    jobs = answering.take_turn([wrote("code"), wrote("code", "2", "+5511980000002")])
    slow = Failed(ErrorFamily.RETRY, "429", "slow")
    assert len(answering.take_turn(outcomes=[Outcome(job, slow) for job in jobs])) == 2
    after_crash = Answering(shop(home), opened, clock)
    (job,) = after_crash.take_turn([wrote("code")])
    assert job.draft.text == "Ana, yours is ONE"
    clock.now += 5 * MINUTE + timedelta(seconds=1)
    after_crash.give_up()
    assert [row.state for row in rows(opened, replies)] == [SendState.UNKNOWN, SendState.SUPPRESSED]


def test_while_a_person_answers_from_the_app_no_rule_does(answering: Answering, opened: Ledger, clock: Clock) -> None:
    (job,) = answering.take_turn([wrote("delivery")])
    accept(answering, [job])
    clock.now += MINUTE
    theirs = replace(job.draft, key="form", written_by=claims.PERSON, author="maria", text="To which town?")
    assert claims.claim(opened, theirs, Limits(timedelta(seconds=6)), clock.now).is_ours
    clock.now += MINUTE
    assert answering.take_turn([wrote("parcel", "2", at=clock.now)]) == []
    assert rows(opened, heard)[-1].reason == "a person is answering"


def test_a_machine_that_goes_on_and_on_is_left_alone(
    answering: Answering, home: Path, opened: Ledger, clock: Clock
) -> None:
    home.joinpath("promo_codes.csv").write_text("code\n" + "".join(f"C{n}\n" for n in range(9)), encoding="utf-8")
    for n in range(7):
        accept(answering, answering.take_turn([wrote("code", str(n), at=clock.now)]))
        clock.now += MINUTE
    assert [row.reason for row in rows(opened, heard)] == [None] * 5 + ["too many replies already"] * 2
    assert len(rows(opened, given_codes)) == 5


def test_two_receivers_answer_each_message_once_and_give_each_code_once(home: Path) -> None:
    settings = shop(home)
    settings.paths.promo_codes.write_text("code\n" + "".join(f"C{n}\n" for n in range(30)), encoding="utf-8")
    people = [wrote("code", str(n), f"+5511980000{n:03}") for n in range(20)]

    def answer(_: int) -> list[str]:
        with ledger.opened(settings) as own:
            answering = Answering(settings, own, Clock())
            return [job.draft.text for person in people for job in answering.take_turn([person])]

    with ThreadPoolExecutor(2) as threads:
        said = [text for texts in threads.map(answer, range(2)) for text in texts]
    assert len(said) == len(set(said)) == 20


def test_new_customers_rules_are_silent_while_nothing_is_published(answering: Answering) -> None:
    assert answering.take_turn([wrote("welcome")]) == []


def test_nobody_is_answered_by_surprise(home: Path, settings_with: Callable[..., Settings]) -> None:
    assert Settings.model_fields["auto_reply"].default == "off"
    assert channels(shop(home, "off")) == {}
    assert list(channels(shop(home))) == ["meta"]
    real = home.joinpath("wabench.toml").read_text().replace("http://127.0.0.1:9/meta", "https://graph.facebook.com")
    home.joinpath("wabench.toml").write_text(real)
    assert channels(settings_with(auto_reply="rehearsal")) == {}
    assert list(channels(settings_with(auto_reply="live"))) == ["meta"]


class Conversations(RuleBasedStateMachine):
    """Messages come once or again, calls end in any way or never, and processes die; what left is counted."""

    @initialize()
    def begin(self) -> None:
        self.left = ExitStack()
        home = Path(self.left.enter_context(tempfile.TemporaryDirectory()))
        self.settings = shop(home)
        self.settings.paths.promo_codes.write_text("code\n" + "".join(f"C{n}\n" for n in range(4)))
        self.opened = self.left.enter_context(ledger.opened(self.settings))
        self.clock, self.calls, self.messages = Clock(), Counter[str](), list[Inbound]()
        self.said: dict[str, str] = {}
        self.crash()

    @rule()
    def crash(self) -> None:
        for job in getattr(self, "flying", ()):
            self.calls[job.reply.reply_id] += 1  # it may have reached them
        self.answering = Answering(self.settings, self.opened, self.clock)
        self.flying, self.waiting = list[Job](), list[Job]()

    @rule(text=st.sampled_from(["code", "delivery", "STOP", "start", "human", "hello"]), who=st.integers(1, 3))
    def write(self, text: str, who: int) -> None:
        said = wrote(text, str(len(self.messages)), f"+551198000000{who}", self.clock.now)
        self.messages.append(said)
        self.keep(self.answering.take_turn([said]))

    @rule(data=st.data())
    def come_again(self, data: st.DataObject) -> None:
        if self.messages:
            self.keep(self.answering.take_turn([data.draw(st.sampled_from(self.messages))]))

    @rule(how=st.sampled_from(["taken", "lost", "throttled", "refused"]))
    def end_a_call(self, how: str) -> None:
        if not self.flying:
            return
        job = self.flying.pop()
        self.calls[job.reply.reply_id] += how in ("taken", "lost")
        results = {
            "taken": Accepted("wamid"),
            "lost": Failed(ErrorFamily.MAYBE_SENT, "timeout", ""),
            "throttled": Failed(ErrorFamily.RETRY, "429", ""),
            "refused": Failed(ErrorFamily.NEVER, "400", ""),
        }
        self.keep(self.answering.take_turn(outcomes=[Outcome(job, results[how])]))

    @rule(seconds=st.sampled_from([1, 7, 400]))
    def wait(self, seconds: int) -> None:
        self.clock.now += timedelta(seconds=seconds)
        self.answering.give_up()
        due, self.waiting = self.waiting, []
        self.keep(self.answering.take_turn(again=due))

    def keep(self, jobs: list[Job]) -> None:
        self.waiting += [job for job in jobs if job.due]
        for job in jobs:
            assert self.said.setdefault(job.reply.reply_id, job.draft.text) == job.draft.text
        self.flying += [job for job in jobs if not job.due]

    @invariant()
    def nobody_is_answered_twice(self) -> None:
        if not hasattr(self, "opened"):
            return
        assert max(self.calls.values(), default=0) <= 1
        texts = [text for text in self.said.values() if "yours is" in text]
        assert len(texts) == len(set(texts))
        decided, given = rows(self.opened, heard), rows(self.opened, given_codes)
        assert len({row.code for row in given}) == len(given) == sum(row.does == "promo_code" for row in decided)
        assert {row.message_id for row in decided} == {message.message_id for message in self.messages}

    def teardown(self) -> None:
        if hasattr(self, "left"):
            self.left.close()


TestConversations = Conversations.TestCase
TestConversations.settings = given_settings(max_examples=15, stateful_step_count=20, deadline=None)
