"""Answering from the workbench: through every provider's own checks, once, by those who may."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import published_shop
import pytest
from campaign_shop import set_up
from sqlalchemy import select

from wabench import sandbox
from wabench.acts import replies as acts
from wabench.campaigns import ledger
from wabench.campaigns.schema import SendState, audit, replies
from wabench.errors import Refused, UsageError
from wabench.providers.base import Channel
from wabench.replies import claims, files, sending
from wabench.replies.claims import Draft
from wabench.roles import Actor, Role
from wabench.sandbox.base import Shop
from wabench.settings import Settings, load

MARIA = Actor("maria", Role.MARKETER)
ANALYST = Actor("ана", Role.ANALYST)
NOW = datetime.now(UTC)
ACCEPTED = {"contacts": [{"wa_id": "55"}], "messages": [{"id": "wamid.1"}]}

CHANNELS: dict[str, dict[str, Any]] = {
    "meta": {"channel_id": "106540352242922"},
    "twilio": {"channel_id": "+14155238886"},
    "zenvia": {"channel_id": "shop"},
    "messagebird-v1": {"channel_id": "chn_1", "options": {"dialect": "v1"}},
    "messagebird-channels": {
        "channel_id": "00000000-0000-0000-0000-000000000002",
        "options": {"dialect": "channels", "workspace": "00000000-0000-0000-0000-000000000001"},
    },
    "messagebird-classic": {"channel_id": "00000000000000000000000000000003", "options": {"dialect": "classic"}},
}


def draft(provider: str = "meta", channel_id: str = "106540352242922", **changes: Any) -> Draft:
    given = {
        "key": "form", "customer_id": "c1", "phone": "+5511980000001", "user_id": None, "provider": provider,
        "channel_id": channel_id, "written_by": claims.PERSON, "author": "maria", "text": "Да, «есть» 👍\nПишите!",
        "last_inbound_at": NOW - timedelta(hours=1),
    }  # fmt: skip
    return Draft(**given | changes)


def answering(*answers: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    calls: list[httpx.Request] = []
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        found = waiting.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return httpx.MockTransport(answer), calls


@pytest.fixture
def shop(home: Path) -> Settings:
    return set_up(home)


@pytest.mark.parametrize("name", CHANNELS)
def test_each_provider_takes_free_text_as_its_own_checks_want_it(
    name: str, home: Path, settings_with: Callable[..., Settings]
) -> None:
    provider = name.split("-")[0]
    module = sending.providers.get(provider)
    table = CHANNELS[name]
    secrets = dict.fromkeys(module.secrets, "rehearsal")
    channel = Channel("http://127.0.0.1", table["channel_id"], table.get("options", {}), secrets)
    request = module.request(claims.message(draft(provider), claims.Reply("r1", "c1", SendState.CLAIMED)), channel)
    stand_in = Shop(channel.channel_id, channel.options, secrets, {})
    assert sandbox.check(provider, request, stand_in) is None


def test_a_second_click_sends_nothing(shop: Settings) -> None:
    transport, calls = answering(httpx.Response(200, json=ACCEPTED))
    found = [sending.send(shop, draft(), transport=transport) for _ in range(3)]
    assert [reply.state for reply in found] == [SendState.ACCEPTED] * 3
    assert len(calls) == 1
    assert b"wr:" in calls[0].content


def test_a_crash_between_claim_and_outcome_leaves_it_unknown_and_nothing_is_sent_again(shop: Settings) -> None:
    transport, calls = answering(RuntimeError("killed"), httpx.Response(200, json=ACCEPTED))
    with pytest.raises(RuntimeError, match="killed"):
        sending.send(shop, draft(), transport=transport)
    later = datetime.now(UTC) + claims.DEAD_AFTER
    again = sending.send(shop, draft(), transport=transport, clock=lambda: later)
    assert (again.state, len(calls)) == (SendState.UNKNOWN, 1)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (httpx.ReadTimeout("slow"), SendState.UNKNOWN),
        (httpx.ConnectError("refused"), SendState.PLANNED),
        (httpx.Response(400, json={"error": {"code": 131047, "message": "Re-engagement"}}), SendState.REJECTED),
        (httpx.Response(400, json={"error": {"code": 130429, "message": "Rate limit hit"}}), SendState.PLANNED),
    ],
)
def test_what_an_answer_means_is_kept(shop: Settings, answer: httpx.Response | Exception, state: SendState) -> None:
    transport, _ = answering(answer)
    assert sending.send(shop, draft(), transport=transport).state is state


def test_the_real_provider_needs_a_word_and_nothing_is_claimed_without(home: Path) -> None:
    real = set_up(home, base_url="https://graph.facebook.com/v26.0")
    transport, calls = answering(httpx.Response(200, json=ACCEPTED))
    with pytest.raises(Refused, match="reaches real customers"):
        sending.send(real, draft(), transport=transport)
    assert (calls, sending.is_real(real, "meta")) == ([], True)
    assert sending.send(real, draft(), live=True, transport=transport).state is SendState.ACCEPTED


def test_what_a_provider_can_not_say_is_told_before_anything_is_claimed(home: Path) -> None:
    home.joinpath("wabench.toml").write_text('[providers.twilio]\nchannel_id = "+14155238886"\n', encoding="utf-8")
    twilio = load(
        {"WABENCH_HOME": str(home), "WABENCH_TWILIO_ACCOUNT_SID": "AC1", "WABENCH_TWILIO_AUTH_TOKEN": "test-token"}
    )
    with pytest.raises(UsageError, match="at most 1600 characters, this one has 1601"):
        sending.send(twilio, draft("twilio", "+14155238886", text="x" * 1601), live=True)
    assert not ledger.exists(twilio) or rows(twilio) == []


def rows(settings: Settings) -> list[Any]:
    with ledger.opened(settings) as opened, opened.reading() as connection:
        return list(connection.execute(select(replies)))


def test_an_analyst_answers_nobody_and_the_attempt_is_in_the_audit(shop: Settings) -> None:
    with pytest.raises(Refused, match="may not answer a customer"):
        acts.answer(shop, ANALYST, "c0001", "да", "k")
    with pytest.raises(Refused, match="may not change reply rules"):
        acts.save_rules(shop, ANALYST, [], "")
    with pytest.raises(Refused, match="may not change reply rules"):
        acts.save_canned(shop, ANALYST, [], "")
    with ledger.opened(shop) as opened, opened.reading() as connection:
        told = [row.action for row in connection.execute(select(audit))]
    assert told == ["refused: answer", "refused: save reply rules", "refused: save canned replies"]
    assert rows(shop) == []


def test_the_person_is_found_in_the_published_file_and_their_phone_stays_there(shop: Settings, home: Path) -> None:
    published_shop.publish_shop(home, "v1", [published_shop.customer(number) for number in range(20)])
    with pytest.raises(UsageError, match="no customer is called 'c9999'"):
        acts.answer(shop, MARIA, "c9999", "да", "k1")
    with pytest.raises(UsageError, match="never wrote; only a template can begin a dialog"):
        acts.answer(shop, MARIA, "c0001", "да", "k2")
    transport, calls = answering(httpx.Response(200, json=ACCEPTED))
    reply = acts.answer(shop, MARIA, "c0009", "да", "k3", canned="in stock", transport=transport)
    assert (reply.state, reply.reason, calls) == (SendState.SUPPRESSED, "outside the 24 h window", [])
    (row,) = rows(shop)
    assert (row.author, row.canned, row.written_by) == ("maria", "in stock", "person")


def test_saved_rules_and_texts_are_lines_in_the_audit(shop: Settings) -> None:
    rule = {"rule": "r", "kind": "word", "pattern": "цена", "action": "tag", "answer": "asked"}
    acts.save_rules(shop, MARIA, [rule], files.rules_table(shop).mark)
    acts.save_canned(shop, MARIA, [{"name": "hi", "text": "Hi"}], files.canned_table(shop).mark)
    with ledger.opened(shop) as opened, opened.reading() as connection:
        told = [(row.actor, row.action, row.detail) for row in connection.execute(select(audit))]
    assert told == [("maria", "save reply rules", "1 rules"), ("maria", "save canned replies", "1 texts")]
