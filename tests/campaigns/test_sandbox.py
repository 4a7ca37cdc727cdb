"""The stand-in: as strict as the provider, deterministic, and its log is the truth."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from campaign_shop import CHANNEL, sandbox_log, set_up
from processes import SECRETS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wabench import sandbox
from wabench.errors import Refused, UsageError
from wabench.providers import get
from wabench.providers.base import Accepted, Channel, Failed, Message, TemplateDraft, Text
from wabench.sandbox import fate, meta, scenario
from wabench.sandbox.base import Failure, Happening, Shop, Taken
from wabench.sandbox.scenario import Scenario
from wabench.sandbox.server import Options, Sandbox
from wabench.sandbox.webhooks import Webhooks

URL = f"http://sandbox/meta/{CHANNEL}/messages"
MARKETING_URL = f"http://sandbox/meta/{CHANNEL}/marketing_messages"
BODY = {
    "messaging_product": "whatsapp",
    "to": "+5511980000001",
    "type": "template",
    "template": {
        "name": "sale",
        "language": {"code": "en"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "SALE"}]}
        ],
    },
    "biz_opaque_callback_data": "wb:1",
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Change one place of the body; None takes it away."""
    body = json.loads(json.dumps(BODY))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = body
    for parent in parents:
        place = place[parent]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return body


def free_form(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": "+5511980000001", "type": kind, kind: dict(content)}


def to(number: int, **more: Any) -> dict[str, Any]:
    return {**BODY, "to": f"+55119800000{number:02}", **more}


@pytest.fixture
def options(home: Path) -> Options:
    settings = set_up(home)
    served, _ = sandbox.shops(settings, posts=True)
    return Options(home / "sandbox.ndjson", served)


def ask(options: Options, *bodies: Any, token: str = "test-token", url: str = URL) -> list[httpx.Response]:
    """Post bodies to a sandbox, one after the other."""

    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Sandbox(options).app())
        async with httpx.AsyncClient(transport=transport, headers={"Authorization": f"Bearer {token}"}) as client:
            return [await client.post(url, json=body) for body in bodies]

    return asyncio.run(run())


def under(options: Options, **tables: Any) -> Options:
    return replace(options, scenario=Scenario.model_validate(tables))


def codes(answers: list[httpx.Response]) -> list[int]:
    """Give each answer's error code, 0 where there is none."""
    return [answer.json().get("error", {"code": 0})["code"] for answer in answers]


def test_an_accepted_message_is_answered_as_documented_and_logged(options: Options) -> None:
    (answer,) = ask(options, BODY)
    assert answer.status_code == 200
    assert answer.json()["contacts"] == [{"input": "+5511980000001", "wa_id": "5511980000001"}]
    (line,) = sandbox_log(options.log)
    assert line["message_id"] == answer.json()["messages"][0]["id"]
    assert (line["to"], line["template"], line["parameters"]) == ("+5511980000001", "sale", ["Ana", "SALE"])
    assert (line["callback_data"], line["provider"], line["kind"]) == ("wb:1", "meta", "template")


def test_a_business_scoped_id_is_answered_with_a_user_id(options: Options) -> None:
    body = {**changed("to", None), "recipient": "BR.13491208655302741918"}
    (answer,) = ask(options, body)
    assert answer.json()["contacts"] == [{"input": "BR.13491208655302741918", "user_id": "BR.13491208655302741918"}]


@pytest.mark.parametrize(
    ("path", "value", "code", "status"),
    [
        ("to", None, 131008, 400),
        ("to", "not a phone", 131009, 400),
        ("too", "+5511980000001", 100, 400),
        ("type", "sticker", 131009, 400),
        ("text", {"body": "beside a template"}, 100, 400),
        ("biz_opaque_callback_data", "x" * 513, 131009, 400),
        ("template.name", "sail", 132001, 404),
        ("template.name", "pending", 132015, 400),
        ("template.language", {"code": "pt_BR"}, 132001, 404),
        ("template.components.0.parameters.1", None, 132000, 400),
        ("template.components", None, 132000, 400),
        ("template.components.0.parameters.0.text", "", 132018, 400),
        ("template.components.0.parameters.0.text", "a\nb", 132018, 400),
        ("template.components.0.parameters.0.parameter_name", "name", 132012, 400),
        ("template.components.0.parameters.0.type", "image", 132012, 400),
        ("template.name", "named", 132000, 400),
    ],
)
def test_what_the_provider_would_refuse_is_refused_with_its_code(
    options: Options, path: str, value: Any, code: int, status: int
) -> None:
    (answer,) = ask(options, changed(path, value))
    assert (answer.json()["error"]["code"], answer.status_code) == (code, status)
    assert sandbox_log(options.log) == []


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("text", {"body": "Hello https://shop.example", "preview_url": True}, 0),
        ("image", {"link": "https://shop.example/a.png", "caption": "New"}, 0),
        ("document", {"link": "https://shop.example/a.pdf", "filename": "a.pdf"}, 0),
        ("text", {"body": "  "}, 131009),
        ("text", {"text": "Hello"}, 100),
        ("image", {"url": "https://shop.example/a.png"}, 100),
        ("document", {"link": "a.pdf"}, 131009),
    ],
)
def test_free_form_content_is_checked_field_by_field(
    options: Options, kind: str, content: dict[str, Any], code: int
) -> None:
    assert codes(ask(options, free_form(kind, content))) == [code]


def test_only_marketing_templates_go_by_the_marketing_endpoint(options: Options) -> None:
    parcel = {**BODY, "template": {"name": "parcel", "language": {"code": "en"}}}
    text = free_form("text", {"body": "Hello"})
    assert codes(ask(options, BODY, parcel, text, url=MARKETING_URL)) == [0, 134100, 134100]
    assert codes(ask(options, {**BODY, "product_policy": "STRICT"}, url=MARKETING_URL)) == [0]
    assert codes(ask(options, {**BODY, "product_policy": "STRICT"})) == [100]


def test_names_are_checked_for_a_template_with_names(options: Options) -> None:
    named = [
        {"type": "text", "text": "Ana", "parameter_name": "first_name"},
        {"type": "text", "text": "SALE", "parameter_name": "code"},
    ]
    body = changed("template.name", "named")
    body["template"]["components"][0]["parameters"] = named
    assert ask(options, body)[0].status_code == 200


def test_a_wrong_token_is_401_and_a_wrong_number_33(options: Options) -> None:
    (answer,) = ask(options, BODY, token="guess")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 190)
    assert codes(ask(options, BODY, url="http://sandbox/meta/999/messages")) == [33]


def test_a_provider_that_is_not_served_is_a_404(options: Options) -> None:
    assert ask(options, BODY, url="http://sandbox/twilio/1/messages")[0].status_code == 404


def test_throttling_is_a_400_with_a_code_not_a_429(options: Options) -> None:
    answers = ask(under(options, limits={"messages_per_second": 3}), *map(to, range(4)))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400]
    assert codes(answers)[3] == 130429


def test_a_second_message_to_one_person_within_6_seconds_is_refused(options: Options) -> None:
    assert codes(ask(options, BODY, BODY)) == [0, 131056]
    assert codes(ask(under(options, limits={"seconds_between_messages": 0}), BODY, BODY)) == [0, 0]


def ticking(options: Options, seconds: float) -> Options:
    """Let so many seconds pass between calls."""
    return replace(options, clock=partial(next, count(1_800_000_000.0, seconds)))


def test_more_people_in_24_hours_than_the_tier_allows_are_refused_and_known_ones_are_not(options: Options) -> None:
    tier = under(options, limits={"people_per_day": 2})
    assert codes(ask(ticking(tier, 10), to(1), to(2), to(3), to(1))) == [0, 0, 131048, 0]
    assert codes(ask(ticking(tier, 43_201), to(1), to(2), to(3), to(4))) == [0, 0, 0, 0]


def test_free_form_content_outside_the_window_is_refused(options: Options) -> None:
    text = free_form("text", {"body": "Hello"})
    assert codes(ask(under(options, limits={"window": "replied"}), text, BODY)) == [131047, 0]


def test_a_token_is_revoked_after_so_many_calls_and_good_again_after_more(options: Options) -> None:
    revoked = under(options, token={"revoked_after_calls": 1, "good_again_after_calls": 3})
    assert codes(ask(revoked, *map(to, range(4)))) == [0, 190, 190, 0]


def test_a_template_is_paused_after_so_many_messages(options: Options) -> None:
    parcel = to(3, template={"name": "parcel", "language": {"code": "en"}})
    paused = under(options, templates={"paused_after_messages": 2})
    assert codes(ask(paused, to(1), to(2), to(4), parcel)) == [0, 0, 132015, 0]


def test_a_server_error_may_have_been_taken_and_its_log_says_so(options: Options) -> None:
    answers = ask(under(options, shares={"server_error": 1}), *map(to, range(20)))
    assert {answer.status_code for answer in answers} == {500}
    assert set(codes(answers)) == {131000}
    logged = sandbox_log(options.log)
    assert 0 < len(logged) < 20
    assert not any(line["is_answered"] for line in logged)


def test_a_repeated_idempotency_key_gets_the_first_answer_and_no_second_message(options: Options) -> None:
    bird = Shop("+15550000000", {}, {"token": "bk_eu1_test"}, set_up(options.log.parent).templates)
    serving = replace(options, shops={"messagebird": bird}, scenario=Scenario())
    channel = Channel("http://sandbox/messagebird", bird.channel_id, {}, bird.secrets)
    first, other = (Message(f"+551198000000{n}", None, Text("Hello"), f"wb:{n}") for n in (1, 2))

    async def run() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Sandbox(serving).app())
        async with httpx.AsyncClient(transport=transport) as client:
            sent = [get("messagebird").request(message, channel) for message in (first, first, other)]
            return [await client.send(request) for request in sent]

    answers = [get("messagebird").outcome(answer) for answer in asyncio.run(run())]
    assert answers[0] == answers[1] != answers[2]
    assert [line["callback_data"] for line in sandbox_log(options.log)] == ["wb:1", "wb:2"]


def test_a_rejected_message_is_kept_under_its_key_and_another_key_gets_through(options: Options) -> None:
    bird = Shop("+15550000000", {}, {"token": "bk_eu1_test"}, set_up(options.log.parent).templates)
    now = [1_780_000_000.0]
    serving = replace(options, shops={"messagebird": bird}, scenario=Scenario(), clock=lambda: now[0])
    channel = Channel("http://sandbox/messagebird", bird.channel_id, {}, bird.secrets)
    first, second = (Message("+5511980000001", None, Text("Hello"), f"wb:{n}") for n in (1, 2))

    async def run() -> list[httpx.Response]:
        answers, transport = [], httpx.ASGITransport(Sandbox(serving).app())
        async with httpx.AsyncClient(transport=transport) as client:
            for message, wait in ((first, 0), (second, 0), (second, 60), (replace(second, spent_keys=1), 0)):
                now[0] += wait
                answers.append(await client.send(get("messagebird").request(message, channel)))
        return answers

    taken, rejected, again, anew = [get("messagebird").outcome(answer) for answer in asyncio.run(run())]
    assert isinstance(taken, Accepted)
    assert isinstance(rejected, Failed)
    assert (rejected.code, rejected.spends_key, again) == ("rate_limited", True, rejected)
    assert isinstance(anew, Accepted)


def test_every_answer_is_read_by_the_adapter_as_its_family(options: Options) -> None:
    provider = get("meta")
    families = {}
    for path, value in (("to", "x"), ("template.name", "sail"), ("template.components", None)):
        (answer,) = ask(options, changed(path, value))
        outcome = provider.outcome(answer)
        families[getattr(outcome, "code", "")] = str(getattr(outcome, "family", ""))
    assert families == {"131009": "never", "132001": "stop_template", "132000": "stop_template"}


def test_every_call_is_kept_without_its_secrets(options: Options) -> None:
    keeping = replace(options, calls=options.log.with_name("calls.ndjson"))
    ask(keeping, BODY, {"unknown": "test-token"})
    text = options.log.with_name("calls.ndjson").read_text()
    first, second = map(json.loads, text.splitlines())
    assert (first["provider"], first["method"], first["path"]) == ("meta", "POST", f"/{CHANNEL}/messages")
    assert json.loads(first["body"]) == BODY
    assert "authorization" not in first["headers"]
    assert json.loads(second["body"]) == {"unknown": "test-token"}


def test_the_account_answers_as_the_adapter_reads(options: Options) -> None:
    """Everything that `provider check` and `template sync` ask, and a field that does not exist."""
    provider, secrets = get("meta"), {"token": "test-token"}
    channel = Channel("http://sandbox/meta", CHANNEL, {"waba_id": "102290129340398"}, secrets)
    assert provider.templates
    listing = provider.templates.list_request(channel, None)
    misspelt = httpx.Request("GET", f"http://sandbox/meta/{CHANNEL}?fields=qualty", headers=listing.headers)
    draft = TemplateDraft("fresh", "en", "marketing", "Hello {{1}}", {"1": "Ana"})
    submission = provider.templates.submit_request(draft, channel, [])
    assert submission
    asked = [*(check.request(channel) for check in provider.checks), listing, submission, misspelt]

    async def look() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Sandbox(options).app())
        async with httpx.AsyncClient(transport=transport) as client:
            return [await client.send(request) for request in asked]

    number, account, listed, submitted, wrong = asyncio.run(look())
    assert dict(provider.checks[0].read(number))["quality"] == "GREEN"  # type: ignore[arg-type]
    assert dict(provider.checks[1].read(account))["review"] == "APPROVED"  # type: ignore[arg-type]
    states, cursor = cast(Any, provider.templates.read_list(listed))
    assert {(state.name, state.status) for state in states} >= {("sale", "approved"), ("pending", "pending")}
    assert cursor is None
    assert cast(Any, provider.templates.read_submitted(submitted)).status == "pending"
    assert wrong.json()["error"]["code"] == 100


def fates(seed: int = 1, count: int = 4000, **tables: Any) -> list[fate.Fate]:
    chosen = Scenario.model_validate({"seed": seed, **tables})
    return [fate.decide(chosen, f"+5511{number}", "sale", 1) for number in range(count)]


def test_the_same_scenario_and_calls_have_the_same_fates_in_about_the_shares_asked() -> None:
    failures = {"undeliverable": 0.06, "marketing_limit": 0.04}
    shares = {"timeout": 0.05, "duplicate": 0.2, "reorder": 0.1, "read": 0.5, "reply": 0.1, "opt_out": 0.1}
    drawn = fates(failures=failures, shares=shares)
    assert drawn == fates(failures=failures, shares=shares)
    assert drawn != fates(2, failures=failures, shares=shares)
    failed = Counter(each.failure for each in drawn)
    assert failed[Failure.UNDELIVERABLE] / 4000 == pytest.approx(0.06, abs=0.015)
    assert failed[Failure.MARKETING_LIMIT] / 4000 == pytest.approx(0.04, abs=0.015)
    assert failed[Failure.OPTED_OUT] == 0
    share = {value: sum(value in each.values for each in drawn) / 4000 for value in ("read", "reply", "opt_out")}
    assert share == pytest.approx({"read": 0.45, "reply": 0.08, "opt_out": 0.09}, abs=0.02)
    assert sum(each.answered is fate.Answered.NOT for each in drawn) / 4000 == pytest.approx(0.05, abs=0.02)
    assert all(each.failure is None or each.values == {"sent", "failed"} for each in drawn)


def test_a_fate_is_the_persons_and_the_contents_and_the_attempts() -> None:
    chosen = Scenario.model_validate({"shares": {"read": 0.5}})
    drawn = {(p, w, a): fate.decide(chosen, p, w, a) for p in ("+551", "+552") for w in ("a", "b") for a in (1, 2)}
    assert len({tuple(each.postings) for each in drawn.values()}) == len(drawn)


def test_a_person_hides_the_phone_always_or_never() -> None:
    chosen = Scenario.model_validate({"shares": {"user_id": 0.5}})
    hides = {p: {fate.decide(chosen, p, w, 1).hides_phone for w in "abcd"} for p in map(str, range(50))}
    assert {len(each) for each in hides.values()} == {1}
    assert {True, False} == {value for each in hides.values() for value in each}


def test_a_scenario_file_is_read_and_options_win_over_it(home: Path) -> None:
    path = home / "scenario.toml"
    path.write_text("seed = 7\n[latency_ms]\nmin = 5\nmax = 20\n[shares]\nread = 0.9\n")
    read = scenario.load(path, {"shares.read": 0.2, "limits.messages_per_second": 3})
    assert (read.seed, read.latency_ms.max, read.shares.read) == (7, 20, 0.2)
    assert read.limits.messages_per_second == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sead = 1", "unknown key 'sead'; did you mean 'seed'?"),
        ("[shares]\nreed = 1", "unknown key 'shares.reed'; did you mean 'read'?"),
        ("[shares]\nread = 2", "shares.read: Input should be less than or equal to 1"),
        ("shares = 1", "shares: Input should be"),
        ("seed = ", "Invalid value"),
    ],
)
def test_a_scenario_that_is_wrong_is_refused_with_its_key(home: Path, text: str, said: str) -> None:
    path = home / "scenario.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        scenario.load(path)


def test_every_key_of_a_scenario_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs/sandbox.md").read_text()
    keys = dict.fromkeys(Scenario.model_fields)
    for name, field in Scenario.model_fields.items():
        keys.update(dict.fromkeys(f"{name}.{key}" for key in getattr(field.annotation, "model_fields", ())))
    tables = {key.split(".")[0] for key in keys if "." in key}
    assert [key for key in keys if key not in tables and f"| `{key}` |" not in text] == []


def happening(value: str = "delivered") -> Happening:
    taken = Taken("+5511980000001", None, "template", "sale", callback_data="wb:1")
    return Happening("wamid.1", value, 1_800_000_000, taken.phone, None, taken, "marketing", text="STOP", reply_id="r")


def shop() -> Shop:
    return Shop(CHANNEL, {}, {"app_secret": SECRETS["WABENCH_META_APP_SECRET"]}, {}, "http://shop/")


def test_webhooks_are_signed_and_posted_again_until_they_are_taken() -> None:
    posted: list[Any] = []

    async def run() -> Counter[str]:
        counts: Counter[str] = Counter()

        async def receive(request: Request) -> Response:
            body = await request.body()
            assert get("meta").verify(body, request.headers, "", shop().secrets, datetime.now(UTC))
            posted.append(json.loads(body))
            return Response(status_code=200 if len(posted) > 2 else 503)

        transport = httpx.ASGITransport(Starlette(routes=[Route("/", receive, methods=["POST"])]))
        webhooks = Webhooks(lambda happenings: meta.posts(happenings, shop(), 0), counts, transport)
        webhooks.put(happening(), 0.0)
        task = asyncio.create_task(webhooks.run())
        async with asyncio.timeout(10):
            await webhooks.idle()
        task.cancel()
        return counts

    assert asyncio.run(run()) == {"webhook entries posted": 1, "webhook entries refused": 2}
    value = posted[-1]["entry"][0]["changes"][0]["value"]
    assert value["metadata"]["phone_number_id"] == CHANNEL
    assert value["statuses"][0]["biz_opaque_callback_data"] == "wb:1"


def test_an_opt_out_is_told_as_the_provider_tells_it() -> None:
    (post,) = meta.posts([happening("opt_out"), happening("reply")], shop(), 0)
    events = get("meta").parse(post.body)
    assert [(event.event_type, event.phone) for event in events] == [
        ("opt_out", "+5511980000001"),
        ("received", "+5511980000001"),
    ]


def test_a_provider_the_sandbox_does_not_know_is_refused_in_one_line() -> None:
    with pytest.raises(Refused, match="does not know telegram"):
        sandbox.check("telegram", httpx.Request("POST", "https://telegram.example"), shop())


def lacking(home: Path, **settings: str) -> Mapping[str, str]:
    return sandbox.shops(set_up(home, **settings), posts=True)[1]


def test_a_provider_without_its_secrets_is_not_served_and_said(home: Path) -> None:
    assert "meta" not in lacking(home)
    assert lacking(home, meta_app_secret="")["meta"] == "WABENCH_META_APP_SECRET"
