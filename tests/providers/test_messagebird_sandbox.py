"""Bird's stand-in against our side of the wire, in each dialect: what it refuses, answers, posts and lists."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import jsonschema
import pytest
from shared import BIRD_COMPONENTS, BIRD_SCHEMA, needs

from wabench.providers import messagebird as wire
from wabench.providers.base import Accepted, Channel, Failed, Media, Message, Template, Text
from wabench.providers.errors import ErrorFamily
from wabench.sandbox import messagebird as stand_in
from wabench.sandbox.base import Answer, Call, Failure, Happening, Refusal, Shop, Taken, Why
from wabench.settings import TemplateSettings

PHONE, BSUID, CALLBACK = "+5511980000001", "BR.13491208655302741918", "wb:0123456789abcdef"
HOOK = "http://127.0.0.1:8400/webhooks/messagebird"
NOW = 1_782_907_200.25
KEY = "0123456789abcdef0123456789abcdef"
SECRETS = {
    "token": "bk_eu1_1",
    "webhook_secret": "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode(),
    "access_key": "access",
    "signing_key": "abcdefghijklmnopqrstuvwxyz012345",
}
OPTIONS: Mapping[str, dict[str, str]] = {
    "v1": {},
    "channels": {"dialect": "channels", "workspace": "ws-1"},
    "classic": {"dialect": "classic", "namespace": "ns-1"},
}
dialects = pytest.mark.parametrize("dialect", OPTIONS)


def shop(dialect: str) -> Shop:
    ids = {"messagebird": "1c05f3a5"} if dialect == "channels" else {}
    sale = TemplateSettings(language="pt_BR", body="Oi {{1}}, {{2}}", ids=ids)
    named = TemplateSettings(language="en", body="Hi {{first_name}}", ids={"messagebird": "2d16a4b6"} if ids else {})
    paused = sale.model_copy(update={"status": "paused", "ids": {"messagebird": "3e27b5c7"} if ids else {}})
    known = {"sale": sale, "named": named, "paused": paused}
    return Shop("+15550001111" if dialect == "v1" else "chid", OPTIONS[dialect], SECRETS, known, HOOK)


def channel(dialect: str) -> Channel:
    return Channel("http://127.0.0.1:8500", shop(dialect).channel_id, OPTIONS[dialect], SECRETS, HOOK)


def template(dialect: str, name: str = "sale", values: tuple[str, ...] = ("Ana", "SALE")) -> Template:
    known = shop(dialect).templates[name]
    parameters = {str(number + 1): value for number, value in enumerate(values)}
    return Template(name, known.language, "marketing", parameters, provider_id=known.ids.get("messagebird", ""))


def called(request: httpx.Request) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, request.url.path, dict(request.url.params), headers, request.content)


def send(content: Any, dialect: str, phone: str | None = PHONE, user_id: str | None = None) -> Call:
    return called(wire.request(Message(phone, user_id, content, CALLBACK), channel(dialect)))


def changed(call: Call, change: Any) -> Call:
    body = json.loads(call.body)
    change(body)
    return replace(call, body=json.dumps(body).encode())


def read(call: Call, dialect: str) -> Taken | Refusal:
    assert stand_in.is_authorised(call, shop(dialect))
    assert stand_in.is_send(call)
    return stand_in.read(call, shop(dialect))


def taken(content: Any, dialect: str, **who: Any) -> Taken:
    found = read(send(content, dialect, **who), dialect)
    assert isinstance(found, Taken), found
    return found


def heard(answer: Answer) -> Accepted | Failed:
    return wire.outcome(httpx.Response(answer.status, content=answer.body, headers=dict(answer.headers)))


@dialects
def test_what_our_side_sends_is_taken_as_it_was_meant(dialect: str) -> None:
    found = taken(template(dialect), dialect)
    assert (found.phone, found.kind, found.template) == (PHONE, "template", "sale")
    assert (list(found.parameters), found.callback_data) == (["Ana", "SALE"], CALLBACK)
    assert taken(Text("hi"), dialect).text == "hi"
    assert taken(Media("image", "https://shop.example/a.jpg", "New"), dialect).kind == "image"
    assert taken(Media("document", "https://shop.example/a.pdf", "", "a.pdf"), dialect).kind == "document"


@pytest.mark.parametrize("dialect", ["v1", "channels"])
def test_a_business_scoped_id_and_named_values_are_taken(dialect: str) -> None:
    found = taken(Text("hi"), dialect, phone=None, user_id=BSUID)
    assert (found.phone, found.user_id) == (None, BSUID)
    named = replace(template(dialect, "named", ()), parameters={"first_name": "Ana"}, is_named=True)
    assert list(taken(named, dialect).parameters) == ["Ana"]


def test_v1_alone_has_a_key_that_repeats_with_the_send() -> None:
    keys = {taken(Text("hi"), "v1").idempotency_key for _ in range(2)}
    assert len(keys) == 1
    assert None not in keys
    assert taken(Text("hi"), "channels").idempotency_key is None


@dialects
def test_an_accepted_message_is_answered_with_an_id_of_its_apis_shape(dialect: str) -> None:
    found = taken(template(dialect), dialect)
    message_id = stand_in.message_id(KEY)
    lengths = {"v1": 30, "channels": 36, "classic": 32}
    assert len(message_id) == lengths[dialect]
    outcome = heard(stand_in.answer(found, message_id, NOW))
    assert isinstance(outcome, Accepted)
    assert outcome.message_id == message_id


@dialects
def test_another_key_is_refused(dialect: str) -> None:
    call = send(Text("hi"), dialect)
    for header in ("", "Bearer access", "AccessKey bk_eu1_1", "Bearer ключ"):
        assert not stand_in.is_authorised(replace(call, headers={"authorization": header}), shop(dialect))
    assert not stand_in.is_authorised(call, replace(shop(dialect), secrets={}))
    outcome = heard(stand_in.refuse(Refusal(Why.TOKEN, "revoked")))
    assert isinstance(outcome, Failed)
    assert outcome.family is ErrorFamily.STOP_ACCOUNT


FAMILIES = {
    Why.TOKEN: ErrorFamily.STOP_ACCOUNT,
    Why.CHANNEL: ErrorFamily.STOP_ACCOUNT,
    Why.INVALID: ErrorFamily.NEVER,
    Why.RECIPIENT: ErrorFamily.NEVER,
    Why.WINDOW: ErrorFamily.NEVER,
    Why.THROTTLE: ErrorFamily.RETRY,
    Why.PAIR: ErrorFamily.RETRY,
    Why.TIER: ErrorFamily.RETRY,
    Why.SERVER: ErrorFamily.MAYBE_SENT,
}


@dialects
@pytest.mark.parametrize(("why", "family"), FAMILIES.items())
def test_our_side_understands_each_refusal(dialect: str, why: Why, family: ErrorFamily) -> None:
    read(send(Text("hi"), dialect), dialect)
    outcome = heard(stand_in.refuse(Refusal(why, "said by the sandbox", 1.5)))
    assert isinstance(outcome, Failed)
    assert (outcome.family, "said by the sandbox" in outcome.detail) == (family, True)
    if dialect == "v1":
        assert outcome.retry_after == 2


MISSPELT: Mapping[str, list[Any]] = {
    "v1": [
        lambda body: body.update(metdata={}),
        lambda body: body["text"].update(previewurl=True),
        lambda body: body.update(tags=[{"name": "a b", "value": "c"}]),
        lambda body: body.update(image={"url": "https://shop.example/a.jpg"}),
        lambda body: body.pop("text"),
    ],
    "channels": [
        lambda body: body.update(refrence="x"),
        lambda body: body["receiver"]["contacts"][0].update(key="x"),
        lambda body: body["body"]["text"].update(txt="x"),
        lambda body: body.update(template={}),
        lambda body: body.pop("receiver"),
    ],
    "classic": [
        lambda body: body.update(reportURL="https://shop.example"),
        lambda body: body["content"].update(txt="x"),
        lambda body: body.update(type="txt"),
        lambda body: body.pop("content"),
    ],
}


@pytest.mark.parametrize(
    ("dialect", "change"), [(dialect, change) for dialect, changes in MISSPELT.items() for change in changes]
)
def test_a_misspelt_or_missing_field_is_refused(dialect: str, change: Any) -> None:
    found = read(changed(send(Text("hi"), dialect), change), dialect)
    assert isinstance(found, Refusal)
    assert found.why is Why.INVALID
    outcome = heard(stand_in.refuse(found))
    assert isinstance(outcome, Failed)
    assert outcome.family is ErrorFamily.NEVER


@dialects
def test_what_is_wrong_with_a_template_stops_it(dialect: str) -> None:
    wrong = {
        Why.TEMPLATE_MISSING: replace(template(dialect), language="de"),
        Why.TEMPLATE_PAUSED: template(dialect, "paused"),
        Why.PARAMETERS: template(dialect, values=("Ana",)),
    }
    for why, content in wrong.items():
        found = read(send(content, dialect), dialect)
        assert isinstance(found, Refusal)
        assert found.why is why
        outcome = heard(stand_in.refuse(found))
        assert isinstance(outcome, Failed)
        assert outcome.family is ErrorFamily.STOP_TEMPLATE


def test_an_id_that_is_none_is_no_templates() -> None:
    for named in ("wat_1", "Spring Sale", "x" * 64):
        found = read(send(replace(template("v1"), provider_id=named), "v1"), "v1")
        assert isinstance(found, Refusal)
        assert found.why is Why.INVALID


@dialects
def test_another_number_nobody_and_no_json_are_refused(dialect: str) -> None:
    elsewhere = replace(shop(dialect), channel_id="+19990000000")
    assert isinstance(found := stand_in.read(send(Text("hi"), dialect), elsewhere), Refusal)
    assert found.why is Why.CHANNEL
    assert isinstance(found := read(send(Text("hi"), dialect, phone="12"), dialect), Refusal)
    assert found.why is Why.RECIPIENT
    assert isinstance(read(replace(send(Text("hi"), dialect), body=b"{"), dialect), Refusal)


def happenings(found: Taken, message_id: str, **more: Any) -> list[Happening]:
    first = Happening(message_id, "accepted", NOW, found.phone, found.user_id, found, "marketing")
    return [
        replace(first, value=value, at=NOW + number, **more)
        for number, value in enumerate(("accepted", "sent", "delivered", "read"))
    ]


def events(told: list[Happening], dialect: str) -> list[Any]:
    found = []
    for post in stand_in.posts(told, shop(dialect), NOW):
        headers = {name.lower(): value for name, value in post.headers.items()}
        now = datetime.fromtimestamp(NOW, UTC)
        assert wire.verify(post.body, headers, post.url, SECRETS, now)
        assert not wire.verify(post.body + b" ", headers, post.url, SECRETS, now)
        found += wire.parse(post.body, post.url.partition("?")[2])
    return found


@dialects
def test_webhooks_are_signed_and_tell_every_status_with_our_callback(dialect: str) -> None:
    found = taken(template(dialect), dialect)
    message_id = stand_in.message_id(KEY)
    told = events(happenings(found, message_id), dialect)
    assert [event.event_type for event in told] == ["accepted", "sent", "delivered", "read"]
    assert {(event.message_id, event.callback_data) for event in told} == {(message_id, CALLBACK)}
    assert [event.occurred_at.timestamp() for event in told] == [NOW, NOW + 1, NOW + 2, NOW + 3]
    assert {event.phone for event in told} <= {PHONE, None}


@dialects
@pytest.mark.parametrize(
    ("failure", "code"), [(Failure.MARKETING_LIMIT, "131049"), (Failure.OPTED_OUT, "131050"),
                          (Failure.UNDELIVERABLE, None)],
)  # fmt: skip
def test_a_failure_is_told_with_its_reason(dialect: str, failure: Failure, code: str | None) -> None:
    found = taken(template(dialect), dialect)
    told = replace(happenings(found, "m1")[1], value="failed", failure=failure)
    (event,) = events([told], dialect)
    assert (event.event_type, event.error_family) == ("failed", "never")
    assert event.error_code == code or code is None


@dialects
def test_a_reply_comes_from_who_wrote_it_and_hidden_phones_stay_hidden(dialect: str) -> None:
    found = taken(Text("hi"), dialect)
    first = happenings(found, "m1")[0]
    told = replace(first, value="reply", reply_id="r1", text="Sim!", phone=None, user_id=BSUID)
    (event,) = events([told], dialect)
    assert (event.event_type, event.body_text, event.message_id) == ("received", "Sim!", "r1")
    assert (event.phone, event.user_id, event.reply_to_message_id) == (None, BSUID, "m1")


@dialects
def test_an_opt_out_is_a_suppression_with_v1_and_a_stop_with_the_others(dialect: str) -> None:
    first = happenings(taken(Text("hi"), dialect), "m1")[0]
    (event,) = events([replace(first, value="opt_out", reply_id="r1", text="STOP")], dialect)
    assert (event.event_type, event.phone) == ("opt_out" if dialect == "v1" else "received", PHONE)
    assert event.body_text == ("opt_out" if dialect == "v1" else "STOP")


def asked(request: httpx.Request, dialect: str, happened: list[Happening]) -> bytes:
    call = called(request)
    assert stand_in.is_authorised(call, shop(dialect))
    assert not stand_in.is_send(call)
    answer = stand_in.look_up(call, shop(dialect), happened)
    assert answer is not None
    return answer.body


@pytest.mark.parametrize("dialect", ["v1", "channels"])
def test_history_gives_the_webhooks_events_page_by_page(dialect: str) -> None:
    assert wire.history is not None
    found = taken(template(dialect), dialect)
    happened = [h for number in range(230) for h in happenings(found, f"m{number:03}")]
    happened.append(replace(happened[-1], value="reply", reply_id="r1", text="Sim!"))
    read_back, cursor, pages = set(), None, 0
    while pages == 0 or cursor is not None:
        request = wire.history.request(channel(dialect), datetime.fromtimestamp(NOW - 60, UTC), cursor)
        page, cursor = wire.history.read(asked(request, dialect, happened))
        read_back |= {event.event_id for event in page}
        pages += 1
    posted = {event.event_id for event in events(happened, dialect)}
    assert (pages, read_back <= posted) == (3, True)
    assert read_back == (posted if dialect == "v1" else {i for i in posted if i.endswith((":delivered", ":received"))})


@pytest.mark.parametrize("dialect", ["v1", "channels"])
def test_history_leaves_out_what_was_made_before(dialect: str) -> None:
    assert wire.history is not None
    happened = happenings(taken(Text("hi"), dialect), "m1")
    request = wire.history.request(channel(dialect), datetime.fromtimestamp(NOW + 60, UTC), None)
    assert wire.history.read(asked(request, dialect, happened)) == ([], None)


@dialects
def test_the_account_answers_our_check(dialect: str) -> None:
    (check,) = wire.checks
    found = check.read(httpx.Response(200, content=asked(check.request(channel(dialect)), dialect, [])))
    assert not isinstance(found, Failed)
    assert found


def test_v1_lists_its_templates() -> None:
    assert wire.templates is not None
    body = asked(wire.templates.list_request(channel("v1"), None), "v1", [])
    page = wire.templates.read_list(httpx.Response(200, content=body))
    assert not isinstance(page, Failed)
    assert [(s.name, s.language, s.status) for s in page[0]] == [
        ("sale", "pt_BR", "approved"), ("named", "en", "approved"), ("paused", "pt_BR", "paused")]  # fmt: skip


@dialects
def test_there_is_no_other_call(dialect: str) -> None:
    paths = {"v1": "/whatsapp/groups", "channels": "/workspaces/ws-1/channels/chid/media", "classic": "/webhooks"}
    assert stand_in.look_up(Call("GET", paths[dialect], {}, {}, b""), shop(dialect), []) is None


SHAPES = {"accepted": "EventWhatsAppAccepted", "sent": "EventWhatsAppSent", "delivered": "EventWhatsAppDelivered",
          "read": "EventWhatsAppRead", "failed": "EventWhatsAppFailed"}  # fmt: skip


@needs(BIRD_SCHEMA)
def test_v1_posts_and_lists_in_the_published_shapes() -> None:
    schema = json.loads(BIRD_SCHEMA.read_text(encoding="utf-8"))
    found = taken(template("v1"), "v1")
    told = happenings(found, stand_in.message_id(KEY))
    failed = replace(told[-1], value="failed", failure=Failure.UNDELIVERABLE)
    for happening in [*told, failed]:
        (post,) = stand_in.posts([happening], shop("v1"), NOW)
        shape = {"$ref": f"#/$defs/{SHAPES[happening.value]}", **schema}
        jsonschema.Draft202012Validator(shape).validate(json.loads(post.body))
    listing = stand_in.look_up(Call("GET", "/whatsapp/messages", {}, {}, b""), shop("v1"), told)
    assert listing is not None
    jsonschema.Draft202012Validator({"$ref": "#/$defs/WhatsAppMessageList", **schema}).validate(
        json.loads(listing.body)
    )


@needs(BIRD_SCHEMA)
def test_v1_takes_and_rejects_what_is_too_much_for_one_person_in_the_published_shape() -> None:
    schema = json.loads(BIRD_SCHEMA.read_text(encoding="utf-8"))
    answer = stand_in.refuse(Refusal(Why.PAIR, "too many", 1.0, taken=taken(template("v1"), "v1"), at=NOW))
    shape = {"$ref": "#/$defs/WhatsAppMessage", **schema}
    jsonschema.Draft202012Validator(shape).validate(json.loads(answer.body))
    outcome = heard(answer)
    assert isinstance(outcome, Failed)
    assert (outcome.family, outcome.code, outcome.spends_key) == (ErrorFamily.RETRY, "rate_limited", True)


@needs(BIRD_COMPONENTS)
@pytest.mark.parametrize("why", Why)
def test_v1_refuses_in_the_published_envelope(why: Why) -> None:
    schema = json.loads(BIRD_COMPONENTS.read_text(encoding="utf-8"))
    read(send(Text("hi"), "v1"), "v1")
    answer = stand_in.refuse(Refusal(why, "to: it is none", 1.0))
    envelope = {"$ref": "#/components/schemas/Error", "components": schema["components"]}
    jsonschema.Draft202012Validator(envelope).validate(json.loads(answer.body))
