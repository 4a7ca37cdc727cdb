"""What Twilio is asked beside sending: the message list, templates, the account."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import jsonschema
import pytest
import twilio_posts
from hypothesis import given
from hypothesis import strategies as st
from shared import TWILIO_ANSWERS, TWILIO_CONTENT_SPECIFICATION, needs
from twilio_posts import ACCOUNT, PERSON, SENDER, TOKEN, USER_ID

from wabench.events import MessageEvent
from wabench.providers import twilio
from wabench.providers.base import Channel, Failed, TemplateDraft, TemplateState
from wabench.providers.errors import ErrorFamily, Unparsable

SECRETS = {"account_sid": ACCOUNT, "auth_token": TOKEN}
CHANNEL = Channel("https://api.twilio.com/2010-04-01", SENDER, secrets=SECRETS)
REHEARSAL = replace(CHANNEL, base_url="http://127.0.0.1:8500/twilio/")
SINCE = datetime(2026, 6, 30, 23, 30, tzinfo=timezone(timedelta(hours=-3)))
SID = "SM" + "1" * 32
LIST = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def message(**more: Any) -> dict[str, Any]:
    """A listed message to a customer."""
    return {
        "account_sid": ACCOUNT,
        "body": "Hi Ana!",
        "date_created": "Thu, 28 May 2026 20:26:40 +0000",
        "date_sent": "Thu, 28 May 2026 20:26:41 +0000",
        "date_updated": "Thu, 28 May 2026 20:27:00 +0000",
        "direction": "outbound-api",
        "error_code": None,
        "from": f"whatsapp:{SENDER}",
        "messaging_service_sid": None,
        "num_media": "0",
        "price": None,
        "price_unit": None,
        "sid": SID,
        "status": "delivered",
        "to": f"whatsapp:{PERSON}",
        **more,
    }


def page(*messages: dict[str, Any], following: str | None = None) -> bytes:
    return json.dumps({"messages": list(messages), "next_page_uri": following, "page": 0}).encode()


def read(*messages: dict[str, Any]) -> list[MessageEvent]:
    assert twilio.history is not None
    return twilio.history.read(page(*messages))[0]


def ask(channel: Channel = CHANNEL, cursor: str | None = None) -> httpx.Request:
    assert twilio.history is not None
    return twilio.history.request(channel, SINCE, cursor)


def test_the_list_is_asked_for_from_the_day_it_was_in_greenwich() -> None:
    request = ask()
    assert (request.method, request.url.path) == ("GET", LIST)
    assert dict(request.url.params) == {"DateSent>": "2026-07-01", "PageSize": "1000"}
    assert request.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("channel", [CHANNEL, REHEARSAL])
def test_pages_are_followed_by_their_query_and_never_to_another_host(channel: Channel) -> None:
    assert twilio.history is not None
    query = "DateSent%3E=2026-07-01&PageSize=1000&Page=1&PageToken=PASM1"
    for following in (f"{LIST}?{query}", f"https://evil.example{LIST}?{query}", f"//evil.example/x?{query}"):
        events, cursor = twilio.history.read(page(message(), following=following))
        assert len(events) == 1
        request = ask(channel, cursor)
        assert request.url.host == httpx.URL(channel.base_url).host
        assert request.url.path == httpx.URL(channel.base_url).path.rstrip("/") + LIST.removeprefix("/2010-04-01")
        assert dict(request.url.params)["PageToken"] == "PASM1"
    assert twilio.history.read(page(message()))[1] is None


@pytest.mark.parametrize(
    ("state", "more", "second"),
    [
        ("queued", {"date_sent": None}, 40),
        ("sent", {}, 41),
        ("delivered", {}, 60),
        ("read", {}, 60),
        ("failed", {"error_code": 63024}, 60),
        ("undelivered", {"error_code": 63049}, 60),
    ],
)
def test_a_listed_message_is_the_event_its_webhook_would_be_with_a_time(
    state: str, more: dict[str, Any], second: int
) -> None:
    (event,) = read(message(status=state, **more))
    (told,) = twilio.parse(twilio_posts.status(state))
    assert (event.event_id, event.event_type, event.phone) == (told.event_id, told.event_type, told.phone)
    assert event.channel_id == told.channel_id
    assert event.occurred_at == datetime(2026, 5, 28, 20, 26, tzinfo=UTC) + timedelta(seconds=second)
    assert event.error_code == (str(more["error_code"]) if "error_code" in more else None)
    assert event.error_family == ("never" if "error_code" in more else None)


def test_a_listed_answer_is_the_message_its_webhook_would_be() -> None:
    sid = "SM" + "3" * 32
    ends = {"from": f"whatsapp:{PERSON}", "to": f"whatsapp:{SENDER}"}
    (event,) = read(message(sid=sid, direction="inbound", status="received", body="Olá", **ends))
    (told,) = twilio.parse(twilio_posts.inbound())
    assert event.event_id == told.event_id
    assert (event.event_type, event.phone, event.body_text) == ("received", PERSON, "Olá")
    assert event.occurred_at == datetime(2026, 5, 28, 20, 26, 41, tzinfo=UTC)
    (hidden,) = read(message(direction="inbound", status="received", **ends | {"from": f"whatsapp:{USER_ID}"}))
    assert (hidden.phone, hidden.user_id) == (None, USER_ID)
    (media,) = read(message(direction="inbound", status="received", num_media="1", body="", **ends))
    assert media.content_type is None  # the list does not say of what kind


def test_what_a_message_cost_is_an_event_beside_its_status() -> None:
    status, priced = read(message(price="-0.06250", price_unit="USD"))
    assert status.price is None
    assert (priced.event_id, priced.event_type) == (f"twilio:{SID}:priced", "accepted")
    assert (priced.price, priced.currency, priced.message_id) == (0.0625, "USD", SID)
    assert priced.occurred_at == datetime(2026, 5, 28, 20, 26, 40, tzinfo=UTC)
    for no_price in (None, "", "free", "nan", "1e999"):
        assert len(read(message(price=no_price))) == 1


def test_other_channels_messages_are_not_read() -> None:
    assert read(message(**{"from": SENDER, "to": PERSON}), {"sid": SID}) == []


@needs(TWILIO_ANSWERS)
def test_every_published_page_can_be_read() -> None:
    assert twilio.history is not None
    for path in sorted(TWILIO_ANSWERS.glob("messages__get_200_*.json")):
        events, cursor = twilio.history.read(path.read_bytes().replace(b'"+', b'"whatsapp:+'))
        assert bool(events) == ("Full" in path.name), path.name
        assert (cursor is not None) == ("Full" in path.name), path.name


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"messages":{}}', b'{"code":20003,"status":401}'])
def test_what_is_no_page_is_unparsable(body: bytes) -> None:
    assert twilio.history is not None
    with pytest.raises(Unparsable):
        twilio.history.read(body)


@given(st.dictionaries(st.sampled_from(sorted(message())), st.none() | st.text() | st.integers() | st.floats()))
def test_any_listed_message_is_read_without_harm(fields: dict[str, Any]) -> None:
    for event in read(message(**fields)):
        assert event.occurred_at is None or event.occurred_at.tzinfo is UTC


def content(status: str, **more: Any) -> dict[str, Any]:
    approval = {"name": "sale", "category": "MARKETING", "content_type": "twilio/text", "status": status,
                "rejection_reason": "", "allow_category_change": True}  # fmt: skip
    types = {"twilio/text": {"body": "Hi {{1}}"}}
    given = {"sid": "HX1", "friendly_name": "Sale!", "language": "pt_BR", "types": types, "approval_requests": approval}
    return {**given, **more}


def listed(*contents: dict[str, Any], following: str | None = None) -> Any:
    meta = {"page": 0, "next_page_url": following, "key": "contents"}
    return twilio.templates.read_list(httpx.Response(200, json={"contents": list(contents), "meta": meta}))


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("approved", "approved"),
        ("pending", "pending"),
        ("received", "pending"),
        ("unsubmitted", "pending"),
        ("rejected", "rejected"),
        ("paused", "paused"),
        ("disabled", "disabled"),
        ("levitating", "pending"),
    ],
)
def test_a_listed_template_has_our_word_for_its_state(theirs: str, ours: str) -> None:
    (state,), following = listed(content(theirs))
    assert following is None
    reason = "" if theirs == ours else theirs
    assert state == TemplateState("sale", "pt_BR", "marketing", ours, "Hi {{1}}", "HX1", reason=reason)


def test_a_template_that_was_never_submitted_goes_by_its_friendly_name_and_the_strictest_category() -> None:
    (state,), _ = listed(content("approved", approval_requests=None, types={"twilio/card": {"title": "Hi"}}))
    assert (state.name, state.status, state.category, state.body) == ("Sale!", "pending", "marketing", "Hi")
    (old,), _ = listed(content("approved", approval_requests={"status": "approved", "category": "TRANSACTIONAL"}))
    assert old.category == "utility"


def test_templates_are_listed_at_their_own_host_by_pages_and_in_a_rehearsal_under_its_address() -> None:
    query = "PageSize=500&Page=1&PageToken=P1"
    _, cursor = listed(content("approved"), following=f"https://evil.example/v1/ContentAndApprovals?{query}")
    first, second = (twilio.templates.list_request(CHANNEL, each) for each in (None, cursor))
    assert str(first.url) == "https://content.twilio.com/v1/ContentAndApprovals?PageSize=500"
    assert str(second.url) == f"https://content.twilio.com/v1/ContentAndApprovals?{query}"
    rehearsed = twilio.templates.list_request(REHEARSAL, cursor)
    assert str(rehearsed.url) == f"http://127.0.0.1:8500/twilio/content/v1/ContentAndApprovals?{query}"
    regional = replace(CHANNEL, options={"content_url": "https://content.ie1.twilio.com/v1/"})
    assert twilio.templates.list_request(regional, None).url.host == "content.ie1.twilio.com"


DRAFT = TemplateDraft("sale", "pt_BR", "utility", "Hi {{1}}", {"1": "Ana"})
CREATED = httpx.Response(201, json={"sid": "HX" + "7" * 32})


def test_a_template_is_created_and_then_submitted() -> None:
    create = twilio.templates.submit_request(DRAFT, CHANNEL, [])
    submit = twilio.templates.submit_request(DRAFT, CHANNEL, [CREATED])
    assert create is not None
    assert submit is not None
    assert str(create.url) == "https://content.twilio.com/v1/Content"
    assert json.loads(create.content) == {
        "friendly_name": "sale",
        "language": "pt_BR",
        "variables": {"1": "Ana"},
        "types": {"twilio/text": {"body": "Hi {{1}}"}},
    }
    assert submit.url.path == f"/v1/Content/HX{'7' * 32}/ApprovalRequests/whatsapp"
    assert json.loads(submit.content) == {"name": "sale", "category": "UTILITY"}
    answer = httpx.Response(201, json={"name": "sale", "category": "UTILITY", "status": "received"}, request=submit)
    assert twilio.templates.submit_request(DRAFT, CHANNEL, [CREATED, answer]) is None
    state = twilio.templates.read_submitted(answer)
    assert state == TemplateState("sale", "", "utility", "pending", "", "HX" + "7" * 32)


def test_a_submission_ends_where_creating_fails() -> None:
    refused = httpx.Response(400, json={"code": 20001, "message": "no language", "status": 400})
    assert twilio.templates.submit_request(DRAFT, CHANNEL, [refused]) is None
    assert twilio.templates.read_submitted(refused) == Failed(ErrorFamily.NEVER, "20001", "no language")


@needs(TWILIO_CONTENT_SPECIFICATION)
def test_both_calls_of_a_submission_fit_the_published_schema() -> None:
    spec = json.loads(TWILIO_CONTENT_SPECIFICATION.read_text(encoding="utf-8"))
    for name, answers in (("ContentCreateRequest", []), ("ContentApprovalRequest", [CREATED])):
        request = twilio.templates.submit_request(DRAFT, CHANNEL, answers)
        assert request is not None
        schema = {**spec["components"]["schemas"][name], "components": spec["components"]}
        jsonschema.Draft202012Validator({**schema, "additionalProperties": False}).validate(json.loads(request.content))


@needs(TWILIO_CONTENT_SPECIFICATION)
def test_the_published_list_of_templates_is_read() -> None:
    spec = json.loads(TWILIO_CONTENT_SPECIFICATION.read_text(encoding="utf-8"))
    answers = spec["paths"]["/v1/ContentAndApprovals"]["get"]["responses"]["200"]["content"]["application/json"]
    found = twilio.templates.read_list(httpx.Response(200, json=answers["examples"]["readResults"]["value"]))
    assert not isinstance(found, Failed)
    assert [state.status for state in found[0]] == ["pending", "approved", "rejected"]


def test_checks_ask_for_the_account_and_its_senders() -> None:
    account, senders = twilio.checks
    assert str(account.request(CHANNEL).url) == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}.json"
    assert account.request(CHANNEL).method == senders.request(CHANNEL).method == "GET"
    assert senders.request(CHANNEL).url.host == "messaging.twilio.com"
    assert senders.request(REHEARSAL).url.path == "/twilio/messaging/v2/Channels/Senders"
    given = {"sid": ACCOUNT, "friendly_name": "Shop", "status": "active", "type": "Full", "auth_token": "never shown"}
    assert account.read(httpx.Response(200, json=given)) == {
        "sid": ACCOUNT, "friendly_name": "Shop", "status": "active", "type": "Full",
    }  # fmt: skip
    one = {"sender_id": f"whatsapp:{SENDER}", "status": "ONLINE", "properties": {"quality_rating": "HIGH"}}
    two = {"sender_id": "whatsapp:+15550000001", "status": "OFFLINE", "properties": None}
    assert senders.read(httpx.Response(200, json={"senders": [one, two]})) == {
        f"whatsapp:{SENDER}": "ONLINE, HIGH", "whatsapp:+15550000001": "OFFLINE",
    }  # fmt: skip


@given(
    st.sampled_from([200, 201, 401, 429, 500]), st.binary() | st.sampled_from([b"[]", b"{}", b"null", b'{"meta":1}'])
)
def test_an_answer_of_another_kind_is_a_failure_to_every_reader(status: int, body: bytes) -> None:
    readers = (
        twilio.templates.read_list, twilio.templates.read_submitted, *(check.read for check in twilio.checks),
    )  # fmt: skip
    for reads in readers:
        assert isinstance(reads(httpx.Response(status, content=body)), Failed)


def test_a_wrong_token_is_said_by_every_check() -> None:
    refused = httpx.Response(401, json={"code": 20003, "message": "Authenticate", "status": 401})
    for check in twilio.checks:
        assert check.read(refused) == Failed(ErrorFamily.STOP_ACCOUNT, "20003", "Authenticate")
