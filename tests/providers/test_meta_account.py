"""Meta's templates, checks, marketing messages and the whole table of its errors."""

import json
from dataclasses import replace
from typing import Any

import httpx
import jsonschema
import pytest
import webhooks
from shared import META_SPECIFICATION, needs

from wabench.providers import meta
from wabench.providers.base import Accepted, Channel, Failed, Message, Template, TemplateDraft, TemplateState
from wabench.providers.errors import ErrorFamily

OPTIONS = {"waba_id": "102290129340398", "marketing": "marketing_messages"}
CHANNEL = Channel("https://graph.facebook.com/v26.0", "106540352242922", OPTIONS, {"token": "secret-token"})
SALE = Message("+5511980000001", "BR.1", Template("sale", "pt_BR", "marketing", {"1": "Ana"}), "wb:1")
REFUSED = httpx.Response(401, json={"error": {"code": 190, "message": "expired"}})


def body(message: Message, **options: str) -> dict[str, Any]:
    request = meta.request(message, replace(CHANNEL, options=OPTIONS | options))
    found: dict[str, Any] = json.loads(request.content)
    return found


def test_a_marketing_message_is_a_template_send_whose_policy_is_said_only_where_chosen() -> None:
    assert "product_policy" not in body(SALE)
    assert body(SALE, product_policy="STRICT") == body(SALE) | {"product_policy": "STRICT"}
    assert "product_policy" not in body(SALE, product_policy="STRICT", marketing="")
    utility = replace(SALE, content=Template("bill", "pt_BR", "utility"))
    assert "product_policy" not in body(utility, product_policy="STRICT")


@needs(META_SPECIFICATION)
@pytest.mark.parametrize("message", [SALE, replace(SALE, phone=None, user_id="BR.1a2B")], ids=["phone", "user id"])
@pytest.mark.parametrize("policy", ["", "STRICT", "CLOUD_API_FALLBACK"])
def test_a_marketing_message_fits_the_providers_published_schema(message: Message, policy: str) -> None:
    spec = json.loads(META_SPECIFICATION.read_text(encoding="utf-8"))
    schema = {**spec["components"]["schemas"]["MarketingMessageRequestPayload"], "components": spec["components"]}
    jsonschema.Draft202012Validator(schema).validate(body(message, product_policy=policy))


def test_its_statuses_say_that_it_was_one() -> None:
    pricing = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing_lite"}
    (event,) = meta.parse(webhooks.statuses(webhooks.status("wamid.S", "sent", pricing=pricing)))
    assert event.category == "marketing_lite"


@pytest.mark.parametrize("state", ["accepted", "held_for_quality_assessment", "paused"])
def test_a_message_that_is_held_was_taken(state: str) -> None:
    answer = {"contacts": [{"wa_id": "5511980000001"}], "messages": [{"id": "wamid.1", "message_status": state}]}
    assert meta.outcome(httpx.Response(200, json=answer)) == Accepted("wamid.1", "5511980000001")


FAMILIES = {
    ErrorFamily.RETRY: (4, 80007, 130429, 131056),
    ErrorFamily.MAYBE_SENT: (1, 2, 131000, 131016, 131057, 133004, 2494100, 134101, 424242),
    ErrorFamily.NEVER: (
        131049, 131050, 131026, 131047, 131064, 130472, 131051, 131052, 131053, 131021, 131030, 131062, 131063, 131055,
        134100, 134102, 100, 33, 131008, 131009, 135000, 132005, 132018,
    ),
    ErrorFamily.STOP_TEMPLATE: (132000, 132001, 132007, 132008, 132012, 132015, 132016, 132068, 132069),
    ErrorFamily.STOP_ACCOUNT: (
        0, 190, 3, 10, 200, 299, 131005, 368, 131031, 130497, 131042, 131045, 133010, 131037, 131048,
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_documented_code_has_its_family(family: ErrorFamily) -> None:
    assert {code: meta.family(str(code)) for code in FAMILIES[family]} == dict.fromkeys(FAMILIES[family], family)


@pytest.mark.parametrize("spelt", ["recipient_parent_user_id", "parent_recipient_user_id"])
def test_a_person_known_by_the_parent_id_alone_is_somebody(spelt: str) -> None:
    status = {"id": "w", "status": "read", "timestamp": "1", spelt: "BR.ENT.1"}
    (event,) = meta.parse(webhooks.statuses(status))
    assert event.user_id == "BR.ENT.1"
    (event,) = meta.parse(webhooks.statuses(status | {"recipient_user_id": "BR.1"}))
    assert event.user_id == "BR.1"
    text = {"from_parent_user_id": "BR.ENT.1", "id": "m", "timestamp": "1", "type": "text", "text": {"body": "x"}}
    (event,) = meta.parse(webhooks.body({"messages": [text]}))
    assert event.user_id == "BR.ENT.1"


BODY = {"type": "BODY", "text": "Hi {{1}}"}
LISTED = {"id": "9", "name": "sale", "language": "pt_BR", "category": "MARKETING", "status": "REJECTED",
          "rejected_reason": "PROMOTIONAL", "quality_score": {"score": "YELLOW", "date": 1},
          "components": [{"type": "HEADER", "format": "TEXT", "text": "Sale"}, BODY]}  # fmt: skip


def test_templates_are_listed_page_by_page_with_what_is_said_of_them() -> None:
    request = meta.templates.list_request(CHANNEL, "MjQZD")
    assert request.url.path == "/v26.0/102290129340398/message_templates"
    assert request.url.params["after"] == "MjQZD"
    assert request.headers["authorization"] == "Bearer secret-token"
    paging = {"cursors": {"before": "a", "after": "b"}, "next": "https://graph.facebook.com/…"}
    state = TemplateState("sale", "pt_BR", "marketing", "rejected", "Hi {{1}}", "9", "yellow", "PROMOTIONAL")
    assert meta.templates.read_list(httpx.Response(200, json={"data": [LISTED], "paging": paging})) == ([state], "b")
    last = {"data": [], "paging": {"cursors": {"before": "a", "after": "b"}}}
    assert meta.templates.read_list(httpx.Response(200, json=last)) == ([], None)


STATES = [
    ("APPROVED", "approved"), ("REINSTATED", "approved"), ("PENDING", "pending"), ("IN_APPEAL", "pending"),
    ("REJECTED", "rejected"), ("PAUSED", "paused"), ("FLAGGED", "paused"), ("DISABLED", "disabled"),
    ("ARCHIVED", "disabled"), ("DELETED", "disabled"), ("A_NEW_WORD", "pending"),
]  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours"), STATES)
def test_a_templates_status_is_in_our_words(theirs: str, ours: str) -> None:
    found = meta.templates.read_list(httpx.Response(200, json={"data": [LISTED | {"status": theirs}]}))
    assert not isinstance(found, Failed)
    assert found[0][0].status == ours


@pytest.mark.parametrize(
    ("text", "examples", "style", "example"),
    [
        ("Hi {{1}}, {{2}}", {"1": "Ana", "2": "10%"}, "POSITIONAL", {"body_text": [["Ana", "10%"]]}),
        ("Hi {{name}}", {"name": "Ana"}, "NAMED",
         {"body_text_named_params": [{"param_name": "name", "example": "Ana"}]}),
        ("Hi", {}, "POSITIONAL", None),
    ],
)  # fmt: skip
def test_a_template_is_submitted_with_an_example_of_each_variable(
    text: str, examples: dict[str, str], style: str, example: dict[str, Any] | None
) -> None:
    draft = TemplateDraft("sale", "pt_BR", "marketing", text, examples)
    request = meta.templates.submit_request(draft, CHANNEL, [])
    assert request is not None
    component = {"type": "BODY", "text": text} | ({"example": example} if example else {})
    assert json.loads(request.content) == {
        "name": "sale",
        "language": "pt_BR",
        "category": "MARKETING",
        "parameter_format": style,
        "components": [component],
    }
    answered = httpx.Response(200, json={"id": "9", "status": "PENDING", "category": "UTILITY"})
    assert meta.templates.submit_request(draft, CHANNEL, [answered]) is None
    state = meta.templates.read_submitted(answered)
    assert isinstance(state, TemplateState)
    assert (state.provider_id, state.status, state.category) == ("9", "pending", "utility")


def test_a_refusal_is_read_as_one_and_an_account_that_is_not_named_is_said() -> None:
    failed = Failed(ErrorFamily.STOP_ACCOUNT, "190", "expired")
    assert meta.templates.read_list(REFUSED) == failed
    assert meta.templates.read_submitted(REFUSED) == failed
    assert [check.read(REFUSED) for check in meta.checks] == [failed] * len(meta.checks)
    with pytest.raises(ValueError, match="waba_id"):
        meta.templates.list_request(replace(CHANNEL, options={}), None)


def test_the_number_tells_quality_limit_and_throughput() -> None:
    number, account = meta.checks
    request = number.request(CHANNEL)
    assert (request.method, request.url.path) == ("GET", "/v26.0/106540352242922")
    assert "whatsapp_business_manager_messaging_limit" in request.url.params["fields"]
    answer = {"id": "106540352242922", "quality_rating": "GREEN", "throughput": {"level": "STANDARD"},
              "whatsapp_business_manager_messaging_limit": "TIER_2K", "verified_name": "Shop"}  # fmt: skip
    assert number.read(httpx.Response(200, json=answer)) == {
        "quality": "GREEN", "throughput": "STANDARD", "messaging limit": "TIER_2K", "name": "Shop"}  # fmt: skip
    assert account.request(CHANNEL).url.path == "/v26.0/102290129340398"
    found = account.read(httpx.Response(200, json={"id": "1", "account_review_status": "APPROVED"}))
    assert found == {"review": "APPROVED"}
