"""Zenvia's stand-in: as strict as its API documents, and understood by our side of the wire."""

import json
from typing import Any

import httpx
import jsonschema
import pytest
from shared import ZENVIA_SPECIFICATION, needs

from wabench.providers import zenvia
from wabench.providers.base import Accepted, Channel, Content, Failed, Media, Message, Template, TemplateDraft, Text
from wabench.providers.errors import ErrorFamily
from wabench.sandbox import zenvia as stand_in
from wabench.sandbox.base import Answer, Call, Failure, Happening, Refusal, Shop, Taken, Why
from wabench.settings import TemplateSettings

SENDER, ANA = "551140028922", "5511987654321"
SECRETS = {"token": "secret-token", "webhook_secret": "our word"}
TEMPLATES = {
    "sale": TemplateSettings(body="Hi {{first_name}}, {{code}}", language="pt_BR", ids={"zenvia": "t1"}),
    "old": TemplateSettings(body="Hi", status="paused", ids={"zenvia": "t2"}),
    "none": TemplateSettings(body="Hi"),
}
SHOP = Shop(SENDER, {}, SECRETS, TEMPLATES, "http://127.0.0.1:8400/webhooks/zenvia")
CHANNEL = Channel("http://127.0.0.1:9000", SENDER, secrets=SECRETS)
SALE = Template("sale", "pt_BR", "marketing", {"first_name": "Ana", "code": "10"}, True, "t1")
AT = 1_782_907_200.0


def call(request: httpx.Request) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, request.url.path, dict(request.url.params), headers, request.content)


def send(content: Content = SALE, **changes: Any) -> Call:
    """Make a send of our side's, with parts of its body put in place of what it says."""
    made = call(zenvia.request(Message("+" + ANA, None, content, "wb:1"), CHANNEL))
    body = json.dumps({**json.loads(made.body), **changes}).encode()
    return Call(made.method, made.path, made.query, made.headers, body)


def response(answer: Answer) -> httpx.Response:
    return httpx.Response(answer.status, content=answer.body, headers=answer.headers)


def taken(made: Call) -> Taken:
    found = stand_in.read(made, SHOP)
    assert isinstance(found, Taken), found
    return found


CONTENTS = [
    (SALE, "template"),
    (Text("Hello"), "text"),
    (Media("image", "https://shop.example/a.png", "New"), "image"),
    (Media("document", "https://shop.example/a.pdf", "", "a.pdf"), "document"),
]


@pytest.mark.parametrize(("content", "kind"), CONTENTS, ids=[kind for _, kind in CONTENTS])
def test_what_our_side_sends_is_taken_and_answered_with_an_id(content: Content, kind: str) -> None:
    made = send(content)
    assert stand_in.is_send(made)
    assert stand_in.is_authorised(made, SHOP)
    found = taken(made)
    assert (found.kind, found.phone, found.callback_data) == (kind, "+" + ANA, "wb:1")
    message_id = stand_in.message_id("0" * 31 + "1")
    assert zenvia.outcome(response(stand_in.answer(found, message_id, AT))) == Accepted(message_id)


def test_a_templates_name_and_parameters_are_read_in_its_own_order() -> None:
    found = taken(send())
    assert (found.template, list(found.parameters)) == ("sale", ["Ana", "10"])


def test_another_token_or_none_is_not_authorised() -> None:
    made = send()
    assert not stand_in.is_authorised(Call("POST", made.path, {}, {"x-api-token": "other"}, b""), SHOP)
    assert not stand_in.is_authorised(Call("POST", made.path, {}, {}, b""), SHOP)
    assert not stand_in.is_authorised(made, Shop(SENDER, {}, {}, TEMPLATES))


def template(**changes: Any) -> dict[str, Any]:
    content = {"type": "template", "templateId": "t1", "fields": {"first_name": "Ana", "code": "10"}} | changes
    return {"contents": [{key: value for key, value in content.items() if value is not None}]}


REFUSED = [
    ({"externalID": "wb:1"}, Why.INVALID, ErrorFamily.NEVER),
    ({"from": "5500"}, Why.CHANNEL, ErrorFamily.STOP_ACCOUNT),
    ({"to": "+" + ANA}, Why.RECIPIENT, ErrorFamily.NEVER),
    ({"to": 5511987654321}, Why.INVALID, ErrorFamily.NEVER),
    ({"contents": []}, Why.INVALID, ErrorFamily.NEVER),
    ({"contents": [{"type": "text"}]}, Why.INVALID, ErrorFamily.NEVER),
    ({"contents": [{"type": "hologram"}]}, Why.INVALID, ErrorFamily.NEVER),
    ({"contents": [{"type": "file", "fileUrl": "a.pdf"}]}, Why.INVALID, ErrorFamily.NEVER),
    (template(template="x"), Why.INVALID, ErrorFamily.NEVER),
    (template(templateId="t9"), Why.TEMPLATE_MISSING, ErrorFamily.STOP_TEMPLATE),
    (template(templateId="t2", fields=None), Why.TEMPLATE_PAUSED, ErrorFamily.STOP_TEMPLATE),
    (template(fields={"first_name": "Ana"}), Why.PARAMETERS, ErrorFamily.NEVER),
    (template(fields={"first_name": "Ana", "code": ""}), Why.PARAMETERS, ErrorFamily.NEVER),
]


@pytest.mark.parametrize(("changes", "why", "family"), REFUSED)
def test_what_is_not_documented_is_refused_in_words_our_side_reads(
    changes: dict[str, Any], why: Why, family: ErrorFamily
) -> None:
    refusal = stand_in.read(send(**changes), SHOP)
    assert isinstance(refusal, Refusal)
    assert refusal.why is why
    outcome = zenvia.outcome(response(stand_in.refuse(refusal)))
    assert isinstance(outcome, Failed)
    assert (outcome.family, refusal.detail in outcome.detail) == (family, True)


@pytest.mark.parametrize(
    ("why", "family"),
    [(Why.TOKEN, "stop_account"), (Why.THROTTLE, "retry"), (Why.PAIR, "retry"), (Why.TIER, "retry"),
     (Why.WINDOW, "never"), (Why.SERVER, "maybe_sent"), (Why.TEMPLATE_DISABLED, "stop_template")],
)  # fmt: skip
def test_each_trouble_of_the_server_is_the_family_it_should_be(why: Why, family: str) -> None:
    outcome = zenvia.outcome(response(stand_in.refuse(Refusal(why, "why", 3))))
    assert isinstance(outcome, Failed)
    assert (outcome.family, outcome.retry_after) == (family, 3.0)


def happening(value: str, **more: Any) -> Happening:
    return Happening("m1", value, AT, "+" + ANA, None, taken(send()), **more)


@pytest.mark.parametrize(
    ("value", "more", "kinds"),
    [
        ("sent", {}, ["sent"]),
        ("delivered", {}, ["delivered"]),
        ("read", {}, ["read"]),
        ("failed", {"failure": Failure.UNDELIVERABLE}, ["failed"]),
        ("failed", {"failure": Failure.MARKETING_LIMIT}, ["failed"]),
        ("failed", {"failure": Failure.OPTED_OUT}, ["failed"]),
        ("reply", {"reply_id": "m2", "text": "Thanks"}, ["received"]),
        ("opt_out", {}, ["received"]),
    ],
)
def test_what_happens_is_posted_so_that_our_side_reads_it(value: str, more: dict[str, Any], kinds: list[str]) -> None:
    (post,) = stand_in.posts([happening(value, **more)], SHOP, AT)
    assert post.url == "http://127.0.0.1:8400/webhooks/zenvia"
    assert post.headers["X-Wabench-Secret"] == "our word"
    events = zenvia.parse(post.body)
    assert [e.event_type for e in events] == kinds
    assert events[0].phone == "+" + ANA
    assert events[0].callback_data == ("wb:1" if kinds[0] != "received" else None)


def test_who_hides_the_phone_elsewhere_is_a_phone_here_and_what_is_not_told_is_not_posted() -> None:
    hidden = Happening("m1", "read", AT, None, "BR.1", taken(send()))
    (post,) = stand_in.posts([hidden, happening("accepted")], SHOP, AT)
    assert zenvia.parse(post.body)[0].phone == "+" + ANA


def look_up(request: httpx.Request) -> httpx.Response:
    found = stand_in.look_up(call(request), SHOP, [])
    assert found is not None
    return response(found)


def test_templates_are_listed_in_pages_and_a_new_one_waits_for_review() -> None:
    found = zenvia.templates.read_list(look_up(zenvia.templates.list_request(CHANNEL, None)))
    assert not isinstance(found, Failed)
    states, cursor = found
    assert [(s.name, s.status, s.provider_id) for s in states] == [
        ("sale", "approved", "t1"), ("old", "paused", "t2"), ("none", "approved", "none")]  # fmt: skip
    assert cursor is None
    second = httpx.Request("GET", "http://127.0.0.1:9000/templates", params={"page": "2", "size": "1"})
    assert [item["name"] for item in look_up(second).json()] == ["old"]
    assert look_up(httpx.Request("GET", "http://127.0.0.1:9000/templates", params={"page": "x"})).status_code == 400
    draft = zenvia.templates.submit_request(TemplateDraft("new", "en", "marketing", "Hi"), CHANNEL, [])
    assert draft is not None
    state = zenvia.templates.read_submitted(look_up(draft))
    assert not isinstance(state, Failed)
    assert (state.name, state.status) == ("new", "pending")


def test_each_check_is_answered_and_there_is_no_history() -> None:
    found = [check.read(look_up(check.request(CHANNEL))) for check in zenvia.checks]
    heard = ["ACTIVE", "http://127.0.0.1:8400/webhooks/zenvia"]
    assert found == [{"MESSAGE": heard, "MESSAGE_STATUS": heard}]
    assert stand_in.look_up(Call("GET", "/channels/whatsapp/messages", {}, {}, b""), SHOP, []) is None


@needs(ZENVIA_SPECIFICATION)
def test_an_answer_fits_the_providers_published_schema() -> None:
    spec = json.loads(ZENVIA_SPECIFICATION.read_text(encoding="utf-8"))
    answered = json.loads(stand_in.answer(taken(send()), "m1", AT).body)
    listed = look_up(zenvia.templates.list_request(CHANNEL, None)).json()
    for name, value in [("message.whatsapp", answered), ("templates.create.whatsapp", listed[0])]:
        schema = {**spec["components"]["schemas"][name], "components": spec["components"]}
        jsonschema.Draft202012Validator(schema).validate(value)
