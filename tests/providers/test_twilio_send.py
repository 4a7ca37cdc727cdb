"""Twilio's send call and its answers; what the sandbox's stand-in refuses of it."""

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jsonschema
import pytest
from shared import TWILIO_ANSWERS, TWILIO_SPECIFICATION, needs
from twilio_posts import ACCOUNT, PERSON, SENDER, TOKEN, URL, USER_ID

from wabench.providers import twilio
from wabench.providers.base import Accepted, Channel, Failed, Media, Message, Template, Text
from wabench.providers.errors import ErrorFamily

SECRETS = {"account_sid": ACCOUNT, "auth_token": TOKEN}
CHANNEL = Channel("https://api.twilio.com/2010-04-01/", SENDER, secrets=SECRETS, webhook_url=URL)
SERVICE = "MG" + "4" * 32
SID = "SM" + "1" * 32
CONTENT = "HX" + "5" * 32
TEMPLATE = Template("sale", "pt_BR", "marketing", {"1": "Ana & Zoë", "2": '"10%"'}, provider_id=CONTENT)
MESSAGES = {
    "template": Message(PERSON, USER_ID, TEMPLATE, "wb:0123456789abcdef"),
    "plain": Message(PERSON, None, Template("hello", "en", "utility", provider_id=CONTENT), "wb:1"),
    "by id": Message(None, USER_ID, TEMPLATE, "wb:2"),
    "text": Message(PERSON, None, Text("See https://shop.example", previews_link=True), "wb:3"),
    "image": Message(PERSON, None, Media("image", "https://shop.example/a.jpg", "New"), "wb:4"),
    "document": Message(PERSON, None, Media("document", "https://shop.example/a.pdf", "", "a.pdf"), "wb:5"),
}


def fields(message: Message, channel: Channel = CHANNEL) -> dict[str, str]:
    """Read the form of a call; each field stands in it once."""
    pairs = parse_qsl(twilio.request(message, channel).content.decode(), strict_parsing=True, keep_blank_values=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def test_a_template_goes_to_the_phone_by_its_content_sid_with_its_variables() -> None:
    request = twilio.request(MESSAGES["template"], CHANNEL)
    assert str(request.url) == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    sent = fields(MESSAGES["template"])
    assert json.loads(sent.pop("ContentVariables")) == {"1": "Ana & Zoë", "2": '"10%"'}
    assert sent == {
        "To": f"whatsapp:{PERSON}",
        "From": f"whatsapp:{SENDER}",
        "ContentSid": CONTENT,
        "StatusCallback": f"{URL}?callback=wb%3A0123456789abcdef",
    }


def test_a_template_without_variables_has_none_and_one_without_an_id_is_refused() -> None:
    assert "ContentVariables" not in fields(MESSAGES["plain"])
    nameless = replace(MESSAGES["template"], content=replace(TEMPLATE, provider_id=""))
    with pytest.raises(ValueError, match=r"template 'sale' has no ContentSid: run `wabench template sync"):
        twilio.request(nameless, CHANNEL)


def test_who_is_known_by_an_id_alone_is_written_to_by_it() -> None:
    assert fields(MESSAGES["by id"])["To"] == f"whatsapp:{USER_ID}"


def test_text_and_files_are_said_as_documented() -> None:
    assert fields(MESSAGES["text"])["Body"] == "See https://shop.example"
    image, document = fields(MESSAGES["image"]), fields(MESSAGES["document"])
    assert (image["MediaUrl"], image["Body"]) == ("https://shop.example/a.jpg", "New")
    assert (document["MediaUrl"], "Body" in document) == ("https://shop.example/a.pdf", False)


def test_a_text_longer_than_twilio_takes_is_refused_before_it_is_sent() -> None:
    assert fields(replace(MESSAGES["text"], content=Text("x" * 1600)))["Body"] == "x" * 1600
    with pytest.raises(ValueError, match="1600 characters, this one has 1601"):
        twilio.request(replace(MESSAGES["text"], content=Text("x" * 1601)), CHANNEL)


def test_a_messaging_service_sends_in_place_of_a_number() -> None:
    sent = fields(MESSAGES["text"], replace(CHANNEL, channel_id=SERVICE))
    assert (sent["MessagingServiceSid"], "From" in sent) == (SERVICE, False)


def test_statuses_are_asked_for_only_where_twilio_can_reach_us() -> None:
    local = "http://127.0.0.1:8400/webhooks/twilio"
    assert "StatusCallback" not in fields(MESSAGES["text"], replace(CHANNEL, webhook_url=""))
    assert "StatusCallback" not in fields(MESSAGES["text"], replace(CHANNEL, webhook_url=local))
    for host in ("0.0.0.0:8400", "[::1]:8400", "127.0.0.2", "192.168.1.4", "shop", "shop.local"):
        address = f"http://{host}/webhooks/twilio"
        assert "StatusCallback" not in fields(MESSAGES["text"], replace(CHANNEL, webhook_url=address)), host
    rehearsal = replace(CHANNEL, base_url="http://127.0.0.1:8500/twilio", webhook_url=local)
    assert fields(MESSAGES["text"], rehearsal)["StatusCallback"] == f"{local}?callback=wb%3A3"
    behind = replace(CHANNEL, webhook_url=f"{URL}?shop=1")
    assert fields(MESSAGES["text"], behind)["StatusCallback"] == f"{URL}?shop=1&callback=wb%3A3"


def test_callback_data_of_any_letters_comes_back_as_it_went() -> None:
    told = fields(replace(MESSAGES["text"], callback_data="wb:ä/+&=? 1"))["StatusCallback"]
    (event,) = twilio.parse(b"MessageSid=SM1&MessageStatus=sent", told.partition("?")[2])
    assert event.callback_data == "wb:ä/+&=? 1"


@pytest.mark.parametrize(
    ("more", "pair"),
    [
        ({}, f"{ACCOUNT}:{TOKEN}"),
        ({"api_key": "SK1", "api_secret": "s"}, "SK1:s"),
        ({"api_key": "SK1"}, f"{ACCOUNT}:{TOKEN}"),
    ],
)
def test_a_call_carries_the_accounts_token_or_the_api_key(more: dict[str, str], pair: str) -> None:
    request = twilio.request(MESSAGES["text"], replace(CHANNEL, secrets=SECRETS | more))
    assert request.headers["authorization"] == "Basic " + base64.b64encode(pair.encode()).decode()


def test_sending_needs_the_token_or_the_key() -> None:
    assert twilio.describe({}).sending_secrets == ("account_sid", "auth_token")
    assert twilio.describe({"auth": "api_key"}).sending_secrets == ("account_sid", "api_key", "api_secret")
    assert twilio.describe({}).messages_per_second == 80
    assert twilio.describe({"messages_per_second": "400"}).messages_per_second == 400
    assert twilio.describe({}).base_url == "https://api.twilio.com/2010-04-01"


def test_no_secret_stands_in_the_repr_of_a_channel() -> None:
    assert TOKEN not in repr(CHANNEL)


def schema() -> dict[str, Any]:
    spec = json.loads(TWILIO_SPECIFICATION.read_text(encoding="utf-8"))
    operation = spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["post"]
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    # The published one lets any other field pass, so a misspelt one would.
    return {**form, "components": spec["components"], "additionalProperties": False}


def check(sent: dict[str, Any]) -> None:
    listed = {key: [value] if key == "MediaUrl" else value for key, value in sent.items()}
    jsonschema.Draft202012Validator(schema()).validate(listed)


@needs(TWILIO_SPECIFICATION)
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("channel_id", [SENDER, SERVICE])
def test_a_request_fits_the_providers_published_form(message: Message, channel_id: str) -> None:
    check(fields(message, replace(CHANNEL, channel_id=channel_id)))


@needs(TWILIO_SPECIFICATION)
@pytest.mark.parametrize(("name", "misspelt"), [("ContentSid", "ContentSID"), ("StatusCallback", "StatusCallbackUrl")])
def test_a_misspelt_field_would_be_seen(name: str, misspelt: str) -> None:
    sent = fields(MESSAGES["template"])
    sent[misspelt] = sent.pop(name)
    with pytest.raises(jsonschema.ValidationError, match=misspelt):
        check(sent)


def answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Accepted | Failed:
    return twilio.outcome(httpx.Response(status, json=content, headers=headers))


def error(code: int, status: int) -> dict[str, Any]:
    return {"code": code, "message": "why", "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}


def test_an_accepted_message_gives_its_id() -> None:
    for status in ("queued", "accepted", "scheduled", "sending", "sent"):
        assert answer(201, {"sid": SID, "status": status, "error_code": None}) == Accepted(SID)


@needs(TWILIO_ANSWERS)
def test_every_published_answer_to_a_send_is_an_accepted_message() -> None:
    found = sorted(TWILIO_ANSWERS.glob("messages__post_201_*.json"))
    assert found
    for path in found:
        given = twilio.outcome(httpx.Response(201, content=path.read_bytes()))
        assert isinstance(given, Accepted), path.name
        assert given.message_id[:2] in ("SM", "MM")


def test_a_message_that_has_failed_already_is_a_failure_with_its_code() -> None:
    given = {"sid": SID, "status": "failed", "error_code": 30001, "error_message": "Queue overflow"}
    assert answer(201, given) == Failed(ErrorFamily.RETRY, "30001", "Queue overflow")
    assert answer(201, {"sid": SID, "status": "undelivered"}) == Failed(ErrorFamily.NEVER, "undelivered", "undelivered")


FAMILIES = {
    ErrorFamily.RETRY: [20429, 21611, 30001, 63017, 63018, 63119],
    ErrorFamily.MAYBE_SENT: [20500, 63009, 63010, 63012, 63023, 987654],
    ErrorFamily.NEVER: [
        20001, 21211, 21610, 21617, 21656, 63003, 63005, 63013, 63014, 63016, 63024, 63032, 63033, 63049,
    ],
    ErrorFamily.STOP_TEMPLATE: [21655, 63027, 63028, 63040, 63041, 63042],
    ErrorFamily.STOP_ACCOUNT: [20003, 20005, 20404, 21212, 21606, 21609, 63007, 63026, 63038, 63062],
}  # fmt: skip


@pytest.mark.parametrize("http", [400, 429, 500])
@pytest.mark.parametrize(("family", "code"), [(family, code) for family, codes in FAMILIES.items() for code in codes])
def test_an_error_is_its_codes_family_not_its_http_status(family: ErrorFamily, code: int, http: int) -> None:
    assert answer(http, error(code, http)) == Failed(family, str(code), "why")


@pytest.mark.parametrize(
    ("status", "content", "family"),
    [
        (502, "<html>", ErrorFamily.MAYBE_SENT),
        (201, {}, ErrorFamily.MAYBE_SENT),
        (201, [], ErrorFamily.MAYBE_SENT),
        (400, {"code": None}, ErrorFamily.MAYBE_SENT),
        (400, [], ErrorFamily.MAYBE_SENT),
        (429, "slow down", ErrorFamily.RETRY),
        (401, "who are you", ErrorFamily.STOP_ACCOUNT),
    ],
)
def test_an_answer_that_is_not_twilios_may_have_been_sent_unless_its_status_says_no(
    status: int, content: Any, family: ErrorFamily
) -> None:
    found = answer(status, content)
    assert isinstance(found, Failed)
    assert found.family is family


def test_retry_after_is_read_when_it_is_in_seconds() -> None:
    found = answer(429, error(20429, 429), {"retry-after": "7"})
    assert isinstance(found, Failed)
    assert found.retry_after == 7.0
    assert twilio.family("not a number") is ErrorFamily.MAYBE_SENT
    assert twilio.family(None) is ErrorFamily.MAYBE_SENT


def test_there_is_no_handshake() -> None:
    assert twilio.challenge({"hub.mode": "subscribe", "hub.challenge": "42"}, SECRETS) is None
