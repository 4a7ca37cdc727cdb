"""Twilio's stand-in: strict where Twilio is, and posting what the adapter knows as Twilio's."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from shared import TWILIO_ANSWERS, TWILIO_SPECIFICATION, needs
from twilio_posts import ACCOUNT, PERSON, SENDER, TOKEN, URL, USER_ID, signature

from wabench.events import MessageEvent
from wabench.providers import twilio
from wabench.providers.base import Accepted, Channel, Content, Failed, Media, Message, Template, Text
from wabench.sandbox import twilio as stand_in
from wabench.sandbox.base import Answer, Call, Failure, Happening, Post, Refusal, Shop, Taken, Why
from wabench.settings import TemplateSettings

SECRETS = {"account_sid": ACCOUNT, "auth_token": TOKEN}
TEMPLATES = {
    "sale": TemplateSettings(body="Hi {{1}}, {{2}} off!", ids={"twilio": "HX" + "5" * 32}),
    "hello": TemplateSettings(body="Hello", category="utility"),
    "paused": TemplateSettings(body="Hi", status="paused"),
    "disabled": TemplateSettings(body="Hi", status="disabled"),
    "rejected": TemplateSettings(body="Hi", status="rejected"),
}
SHOP = Shop(SENDER, {}, SECRETS, TEMPLATES, URL)
SERVICE = "MG" + "4" * 32
CHANNEL = Channel("http://sandbox", SENDER, secrets=SECRETS, webhook_url=URL)
SALE = Template("sale", "en", "marketing", {"1": "Ana", "2": "10%"}, provider_id="HX" + "5" * 32)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
AT = 1_780_000_000.0


def call(request: httpx.Request) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, request.url.path, dict(request.url.params), headers, request.content)


def sent(content: Content, shop: Shop = SHOP, **fields: str | None) -> Taken | Refusal:
    """Let the stand-in read the adapter's own call, with fields changed, added, or (None) left out."""
    channel = replace(CHANNEL, channel_id=shop.channel_id)
    given = call(twilio.request(Message(PERSON, None, content, "wb:01"), channel))
    form = dict(parse_qsl(given.body.decode())) | fields
    body = urlencode({key: value for key, value in form.items() if value is not None}).encode()
    return stand_in.read(replace(given, body=body), shop)


def taken(content: Content = SALE, shop: Shop = SHOP, **fields: str | None) -> Taken:
    found = sent(content, shop, **fields)
    assert isinstance(found, Taken)
    return found


@pytest.mark.parametrize(
    ("content", "kind", "template", "parameters", "text"),
    [
        (SALE, "template", "sale", ["Ana", "10%"], None),
        (Text("hello"), "text", None, (), "hello"),
        (Media("image", "https://shop.example/a.jpg", "New"), "image", None, (), "New"),
        (Media("document", "https://shop.example/a.pdf"), "document", None, (), ""),
    ],
)
def test_a_call_of_the_adapter_is_taken_as_it_was_meant(
    content: Content, kind: str, template: str | None, parameters: Sequence[str], text: str | None
) -> None:
    found = taken(content)
    assert (found.kind, found.template, found.parameters, found.text) == (kind, template, parameters, text)
    assert (found.phone, found.user_id, found.callback_data) == (PERSON, None, "wb:01")


def test_a_person_may_be_written_to_by_the_id_alone() -> None:
    found = taken(To=f"whatsapp:{USER_ID}")
    assert (found.phone, found.user_id) == (None, USER_ID)


def test_a_template_without_an_id_in_the_settings_goes_by_the_one_that_is_listed() -> None:
    request = twilio.templates.list_request(CHANNEL, None)
    listed = stand_in.look_up(call(request), SHOP, [])
    assert listed is not None
    found = twilio.templates.read_list(httpx.Response(200, content=listed.body))
    assert not isinstance(found, Failed)
    ids = {state.name: state.provider_id for state in found[0]}
    assert ids["sale"] == SALE.provider_id
    assert taken(Template("hello", "en", "utility", provider_id=ids["hello"])).template == "hello"
    assert {state.name: state.status for state in found[0]} == {name: t.status for name, t in TEMPLATES.items()}


REFUSED: list[tuple[dict[str, str | None], Why, int]] = [
    ({"ContentSID": "HX1"}, Why.INVALID, 20001),
    ({"To": None}, Why.RECIPIENT, 21604),
    ({"To": PERSON}, Why.RECIPIENT, 21211),
    ({"To": "whatsapp:5511987654321"}, Why.RECIPIENT, 21211),
    ({"From": None}, Why.CHANNEL, 21603),
    ({"From": "whatsapp:+15550009999"}, Why.CHANNEL, 63007),
    ({"MessagingServiceSid": SERVICE}, Why.CHANNEL, 21701),
    ({"StatusCallback": "hooks.shop.example"}, Why.INVALID, 21609),
    ({"StatusCallback": "https://my_shop.example/"}, Why.INVALID, 21609),
    ({"Body": "beside the template"}, Why.INVALID, 20001),
    ({"ContentSid": None}, Why.INVALID, 21654),
    ({"ContentSid": None, "ContentVariables": None}, Why.INVALID, 21619),
    ({"ContentSid": "HX" + "9" * 32}, Why.TEMPLATE_MISSING, 21655),
    ({"ContentVariables": "{"}, Why.PARAMETERS, 21656),
    ({"ContentVariables": '{"1":"Ana","2":""}'}, Why.PARAMETERS, 21656),
    ({"ContentVariables": '{"1":"Ana","2":"a\\nb"}'}, Why.PARAMETERS, 21656),
    ({"ContentVariables": '{"1":"Ana","2":"a     b"}'}, Why.PARAMETERS, 21656),
    ({"ContentVariables": '{"1":"Ana","2":10}'}, Why.PARAMETERS, 21656),
    ({"ContentVariables": '{"1":"Ana"}'}, Why.PARAMETERS, 63028),
    ({"ContentVariables": None}, Why.PARAMETERS, 63028),
]


@pytest.mark.parametrize(("fields", "why", "code"), REFUSED)
def test_what_twilio_does_not_document_is_refused_with_its_code(
    fields: dict[str, str | None], why: Why, code: int
) -> None:
    found = sent(SALE, **fields)
    assert isinstance(found, Refusal)
    answered = twilio.outcome(response(stand_in.refuse(found)))
    assert isinstance(answered, Failed)
    assert (found.why, answered.code) == (why, str(code))
    assert code in twilio.ERRORS


@pytest.mark.parametrize(("name", "code"), [("paused", "63041"), ("disabled", "63042"), ("rejected", "63040")])
def test_a_template_that_may_not_be_sent_says_why(name: str, code: str) -> None:
    found = sent(Template(name, "en", "marketing", provider_id=stand_in.content_sid(name, TEMPLATES[name])))
    assert isinstance(found, Refusal)
    assert found.code == code


@pytest.mark.parametrize(
    ("fields", "code"), [({"Body": "x" * 1601}, "21617"), ({"Body": " "}, "21619"), ({"MediaUrl": "a.jpg"}, "21620")]
)
def test_free_form_content_is_checked(fields: dict[str, str | None], code: str) -> None:
    found = sent(Text("hello"), **fields)
    assert isinstance(found, Refusal)
    assert found.code == code


def test_a_field_said_twice_json_and_another_account_are_refused() -> None:
    given = call(twilio.request(Message(PERSON, None, SALE, "wb:01"), CHANNEL))
    for wrong, code in (
        (replace(given, body=given.body + b"&To=whatsapp%3A%2B5511900000000"), ""),
        (replace(given, headers={"content-type": "application/json"}), "21604"),
        (replace(given, path=f"/Accounts/AC{'f' * 32}/Messages.json"), "20404"),
    ):
        found = stand_in.read(wrong, SHOP)
        assert isinstance(found, Refusal)
        assert found.code == code


@needs(TWILIO_SPECIFICATION)
def test_it_knows_exactly_the_published_fields() -> None:
    spec = json.loads(TWILIO_SPECIFICATION.read_text(encoding="utf-8"))
    operation = spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert set(form["properties"]) == stand_in.FIELDS


def test_only_the_shops_credentials_open_it() -> None:
    message = Message(PERSON, None, SALE, "wb:01")
    by_key = SECRETS | {"api_key": "SK1", "api_secret": "s"}
    assert stand_in.is_authorised(call(twilio.request(message, CHANNEL)), SHOP)
    keyed = call(twilio.request(message, replace(CHANNEL, secrets=by_key)))
    assert not stand_in.is_authorised(keyed, SHOP)
    assert stand_in.is_authorised(keyed, replace(SHOP, secrets=by_key))
    assert not stand_in.is_authorised(replace(keyed, headers={}), SHOP)
    assert not stand_in.is_authorised(replace(keyed, headers={"authorization": "Basic ä"}), replace(SHOP, secrets={}))


@pytest.mark.parametrize("why", list(Why))
def test_every_refusal_is_an_error_the_adapter_knows(why: Why) -> None:
    answered = twilio.outcome(response(stand_in.refuse(Refusal(why, "decided by the sandbox"))))
    assert isinstance(answered, Failed)
    assert int(answered.code) in twilio.ERRORS
    assert answered.detail == "decided by the sandbox"


def response(answer: Answer) -> httpx.Response:
    return httpx.Response(answer.status, content=answer.body, headers=dict(answer.headers))


def test_an_answer_is_an_accepted_message() -> None:
    sid = stand_in.message_id("0123456789abcdef" * 2)
    answer = stand_in.answer(taken(), sid, AT)
    assert (answer.status, twilio.outcome(response(answer))) == (201, Accepted("SM" + "0123456789abcdef" * 2))
    assert json.loads(answer.body)["date_created"] == "Thu, 28 May 2026 20:26:40 +0000"


@needs(TWILIO_ANSWERS)
def test_an_answer_has_the_published_fields_and_no_other() -> None:
    published = json.loads((TWILIO_ANSWERS / "messages__post_201_createWithMessagingService.json").read_bytes())
    assert set(json.loads(stand_in.answer(taken(), "SM1", AT).body)) == set(published)


def happening(value: str, **more: Any) -> Happening:
    texts = {"reply": "Quanto custa?", "opt_out": "STOP"}
    given: dict[str, Any] = {"message_id": "SM1", "value": value, "at": AT, "phone": PERSON, "user_id": None}
    given |= {"taken": taken(), "reply_id": "SM2" if value in texts else None, "text": texts.get(value)}
    return Happening(**given | more)


def events(post: Post, secrets: dict[str, str] = SECRETS) -> list[MessageEvent]:
    """Receive a post as the receiver does: checked, then read."""
    headers = {name.lower(): value for name, value in post.headers.items()}
    assert twilio.verify(post.body, headers, post.url, secrets, NOW)
    assert not twilio.verify(post.body, headers, post.url + "x", secrets, NOW)
    return twilio.parse(post.body, post.url.partition("?")[2])


def posted(*happenings: Happening, shop: Shop = SHOP) -> list[MessageEvent]:
    secrets = dict(shop.secrets)
    return [event for post in stand_in.posts(happenings, shop, AT) for event in events(post, secrets)]


def test_each_happening_is_posted_by_itself_to_the_address_it_was_asked_for_and_has_no_time() -> None:
    found = posted(*(happening(value) for value in ("sent", "delivered", "read")))
    assert [event.event_type for event in found] == ["sent", "delivered", "read"]
    assert {event.callback_data for event in found} == {"wb:01"}
    assert {event.occurred_at for event in found} == {None}
    assert {event.phone for event in found} == {PERSON}


@pytest.mark.parametrize(
    ("failure", "code"),
    [(Failure.UNDELIVERABLE, "63024"), (Failure.MARKETING_LIMIT, "63049"), (Failure.OPTED_OUT, "21610")],
)
def test_a_failure_is_told_with_its_code(failure: Failure, code: str) -> None:
    (event,) = posted(happening("failed", failure=failure))
    assert (event.event_type, event.error_code, event.error_family) == ("failed", code, "never")


def test_answers_are_posted_to_the_shops_own_address_like_any_message() -> None:
    reply, stop = posted(happening("reply"), happening("opt_out", reply_id="SM3"))
    assert (reply.event_type, reply.body_text, reply.reply_to_message_id) == ("received", "Quanto custa?", "SM1")
    assert (stop.event_type, stop.body_text, reply.callback_data) == ("received", "STOP", None)


def test_a_messaging_service_also_says_what_the_keyword_means() -> None:
    shop = replace(SHOP, channel_id=SERVICE)
    told = happening("opt_out", taken=taken(shop=shop))
    assert [event.event_type for event in posted(told, shop=shop)] == ["received", "opt_out"]
    assert posted(happening("sent", taken=taken(shop=shop)), shop=shop)[0].event_type == "sent"


def test_who_hides_the_phone_is_told_by_the_id_alone() -> None:
    found = posted(happening("read", phone=None, user_id=USER_ID), happening("reply", phone=None, user_id=USER_ID))
    assert {(event.phone, event.user_id) for event in found} == {(None, USER_ID)}


def test_posts_are_signed_by_the_shared_key_where_that_is_all_there_is() -> None:
    secrets = {"account_sid": ACCOUNT, "api_key": "SK1", "api_secret": "s", "signing_key": "shared"}
    assert posted(happening("sent"), shop=replace(SHOP, secrets=secrets))


def test_its_signature_is_the_documented_one() -> None:
    (post,) = stand_in.posts([happening("sent")], SHOP, AT)
    fields = parse_qsl(post.body.decode(), keep_blank_values=True)
    assert post.headers["X-Twilio-Signature"] == signature(post.url, fields)


def test_nothing_is_posted_where_no_address_was_given() -> None:
    silent = replace(SHOP, webhook_url="")
    assert stand_in.posts([happening("sent", taken=taken(StatusCallback=None)), happening("reply")], silent, AT) == []
    (post,) = stand_in.posts([happening("sent", taken=taken(StatusCallback=None))], SHOP, AT)
    assert post.url == URL


def look_up(request: httpx.Request, happened: Sequence[Happening] = (), shop: Shop = SHOP) -> Answer:
    answer = stand_in.look_up(call(request), shop, happened)
    assert answer is not None
    return answer


HAPPENED = [
    happening("accepted"), happening("sent", at=AT + 1), happening("delivered", at=AT + 2),
    happening("reply", at=AT + 9), happening("accepted", message_id="SM5", at=AT + 10),
    happening("sent", message_id="SM5", at=AT + 11),
    happening("failed", message_id="SM5", at=AT + 12, failure=Failure.UNDELIVERABLE),
    happening("accepted", message_id="SM6", at=AT + 13),
]  # fmt: skip


@pytest.mark.parametrize("size", ["1", "2", "1000"])
def test_history_has_the_events_of_the_webhooks_page_by_page_and_not_what_was_not_sent(size: str) -> None:
    assert twilio.history is not None
    found: list[MessageEvent] = []
    cursor: str | None = f"DateSent%3E=2026-05-28&PageSize={size}"
    while cursor:
        answer = look_up(twilio.history.request(CHANNEL, NOW, cursor), HAPPENED)
        page, cursor = twilio.history.read(answer.body)
        assert len(page) <= int(size)
        found += page
    assert [event.event_id for event in found] == [
        "twilio:SM5:undelivered", "twilio:SM2:received", "twilio:SM1:delivered",
    ]  # fmt: skip
    told = {event.event_id for event in posted(*(each for each in HAPPENED if each.value != "accepted"))}
    assert {event.event_id for event in found} <= told


@pytest.mark.parametrize(
    ("query", "status", "count"),
    [
        ("DateSent%3E=2026-05-29", 200, 0),
        ("DateSent=2026-05-28", 200, 3),
        ("DateSent%3C=2026-05-27", 200, 0),
        ("To=whatsapp%3A%2B5511987654321", 200, 3),
        ("", 200, 4),
        ("DateUpdated=2026-05-28", 400, 0),
        ("PageSize=0", 400, 0),
        ("PageSize=many", 400, 0),
    ],
)
def test_the_list_is_filtered_by_day_and_address_and_knows_no_other_filter(query: str, status: int, count: int) -> None:
    request = httpx.Request("GET", f"http://sandbox/Accounts/{ACCOUNT}/Messages.json?{query}")
    answer = look_up(request, HAPPENED)
    assert (answer.status, len(json.loads(answer.body).get("messages", []))) == (status, count)


def test_a_listed_message_has_the_text_the_customer_read() -> None:
    request = httpx.Request("GET", f"http://sandbox/Accounts/{ACCOUNT}/Messages.json")
    bodies = {each["sid"]: each["body"] for each in json.loads(look_up(request, HAPPENED).body)["messages"]}
    assert bodies == {"SM1": "Hi Ana, 10% off!", "SM5": "Hi Ana, 10% off!", "SM6": "Hi Ana, 10% off!",
                      "SM2": "Quanto custa?"}  # fmt: skip


def test_the_checks_of_the_adapter_are_answered() -> None:
    account, senders = (check.read(response(look_up(check.request(CHANNEL)))) for check in twilio.checks)
    assert not isinstance(account, Failed)
    assert account["status"] == "active"
    assert senders == {f"whatsapp:{SENDER}": "ONLINE, HIGH, 2K Customers/24hr"}


def test_a_call_it_does_not_know_has_no_answer() -> None:
    unknown = call(httpx.Request("GET", f"http://sandbox/Accounts/{ACCOUNT}/Calls.json"))
    assert stand_in.look_up(unknown, SHOP, []) is None
    bad = httpx.Request("POST", "http://sandbox/content/v1/Content", json={"language": "en", "type": {}})
    assert look_up(bad).status == 400
