"""A person taken out of webhooks of several people: theirs go, the others' events stay what they were."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import FIXTURES

from ingest import erase_events
from wabench import providers
from wabench.erasure.traces import Person, every_spelling
from wabench.providers import meta, twilio

FOLDERS = {
    "meta_openapi": "meta",
    "twilio_oas": "twilio",
    "bird_schema_examples": "messagebird",
    "messagebird_go_testdata": "messagebird",
    "zenvia_oas": "zenvia",
}
NAMES = ("Аграфена", "Пётр", "Ana")
PHONES = ("+5511973310264", "+5511912345678", "+5521987654321")
PERSON = Person(
    phones=every_spelling([PHONES[0]]),
    user_ids=frozenset({("meta", "BR.1000")}),
    message_ids=frozenset(f"wamid.0x{n}" for n in range(30)),
    region="BR",
)


def item(kind: str, who: int, number: int) -> dict[str, Any]:
    """Give a message or status of somebody, each kind with another way of naming them."""
    ids = {"id": f"wamid.{who}x{number}", "timestamp": str(1_780_000_000 + number)}
    if kind == "text":
        return ids | {"from": PHONES[who][1:], "type": "text", "text": {"body": f"olá {number}"}}
    named = {"sent": {"recipient_id": PHONES[who][1:]}, "read": {"recipient_user_id": f"BR.{1 + who}000"}}
    return ids | {"status": kind} | named.get(kind, {})


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A webhook of one to three changes, each with items of several people and a list of names or none."""
    changes, number = [], iter(range(30))
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("text", "sent", "read", "delivered")))
        people = draw(st.lists(st.integers(0, 2), min_size=1, max_size=5))
        value: dict[str, Any] = {"metadata": {"phone_number_id": "1"}}
        if kind == "text" or draw(st.booleans()):
            told = [{"wa_id": PHONES[n][1:], "profile": {"name": NAMES[n]}} for n in sorted(set(people))]
            value["contacts"] = told if kind == "text" or len(told) > 1 else []
        items = [item(kind, who, next(number)) for who in people]
        changes.append({"field": "messages", "value": value | {"messages" if kind == "text" else "statuses": items}})
    entries = (
        [{"id": "1", "changes": changes}] if draw(st.booleans()) else [{"id": "1", "changes": [c]} for c in changes]
    )
    how = draw(st.sampled_from(({}, {"ensure_ascii": False}, {"indent": 1}, {"separators": (",", ":")})))
    return json.dumps({"object": "whatsapp_business_account", "entry": entries}, **how).encode()


@given(bodies())
def test_the_others_events_are_what_they_were_and_nothing_of_the_person_is_left(body: bytes) -> None:
    others = [event for event in meta.parse(body) if not (event.message_id or "").startswith("wamid.0x")]
    left = erase_events.without(body, meta.parse, PERSON, must_stay=False)
    if left is None:
        assert others == []
        return
    assert len(left) == len(body)
    assert meta.parse(left) == others
    assert not PERSON.traces.is_in(left)
    assert b"wamid.0x" not in left
    assert NAMES[0] not in json.dumps(json.loads(left), ensure_ascii=False)


def test_a_form_that_mentions_them_stays_without_their_number() -> None:
    said = "call +55 11 97331-0264 now"
    form = {
        "MessageSid": "SM1",
        "SmsStatus": "received",
        "Body": said,
        "From": f"whatsapp:{PHONES[1]}",
        "NumMedia": "0",
    }
    body = urlencode(form).encode()
    left = erase_events.without(body, twilio.parse, PERSON, must_stay=False)
    assert left is not None
    [event] = twilio.parse(left)
    assert (event.phone, len(left)) == (PHONES[1], len(body))
    assert event.body_text is not None
    assert event.body_text.startswith("call ")
    assert event.body_text.endswith("x now")
    assert not PERSON.traces.is_in(left)


def test_a_listed_page_stays_a_page_when_all_in_it_was_theirs() -> None:
    page = {"messages": [{"sid": "SM1", "status": "received", "from": f"whatsapp:{PHONES[0]}", "body": "oi"}]}
    body = json.dumps(page | {"next_page_uri": None}).encode()
    left = erase_events.without(body, lambda each: list(twilio.history.read(each)[0]), PERSON, must_stay=True)
    assert left is not None
    assert json.loads(left)["messages"] == []


@pytest.mark.parametrize("path", [path for path in sorted(FIXTURES.glob("*/**/*.json")) if path.parts[-2] != "answers"])
def test_nothing_is_left_of_whom_a_documented_payload_names(path: Path) -> None:
    provider = providers.get(FOLDERS.get(path.relative_to(FIXTURES).parts[0], "meta"))
    body = path.read_bytes()
    events = provider.parse(body)
    named = {event.phone for event in events if event.phone}
    ids = frozenset(event.message_id for event in events if event.message_id)
    person = Person(phones=every_spelling(named), message_ids=ids)
    left = erase_events.without(body, provider.parse, person, must_stay=False)
    assert left is None or not person.traces.is_in(left)
    assert left is None or not any(erase_events.is_of(event, person) for event in provider.parse(left))
