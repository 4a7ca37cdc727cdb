"""Accounts are asked politely, their secrets shown nowhere, and a check says what is wrong and what to do."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dialects
import httpx
import pytest
from dialects import Dialect
from processes import run, start
from stand_ins import BASE, Provider, happened, message

from ingest import history, loader
from wabench import account_checks, accounts, providers
from wabench.account_checks import Line
from wabench.campaigns import known_templates, ledger, submission
from wabench.errors import Refused, UsageError, WabenchError
from wabench.providers.base import Text
from wabench.settings import Settings, load

OFFER = "Hello {{1}}, we have kept your size: {{2}} waits for you here."
EXAMPLES = '{ 1 = "Ana", 2 = "the red one" }'
ALL = [replace(d, options={**d.options, "waba_id": "55"}) if d.provider == "meta" else d for d in dialects.ALL]
LISTING = [d for d in ALL if d.options.get("dialect", "v1") == "v1"]
SUBMITTING = [d for d in LISTING if d.provider != "messagebird"]


def names(chosen: list[Dialect]) -> list[str]:
    return [dialect.name for dialect in chosen]


def shop(home: Path, dialect: Dialect, base_url: str = "", **environ: str) -> Settings:
    toml = dialect.toml(base_url or f"{BASE}/{dialect.provider}")
    (home / "wabench.toml").write_text(f'{toml}\n[templates.offer]\nbody = "{OFFER}"\nexamples = {EXAMPLES}\n')
    return load({"WABENCH_HOME": str(home), **dialect.environ(), **environ})


def stand_in(settings: Settings, dialect: Dialect) -> Provider:
    return Provider(dialect, settings.templates)


def check(settings: Settings, dialect: Dialect, there: Provider) -> dict[str, Line]:
    waited: list[float] = []
    lines = account_checks.check(settings, dialect.provider, there.transport, waited.append)
    return {line.check: line for line in lines}


@pytest.mark.parametrize("dialect", LISTING, ids=names(LISTING))
def test_each_provider_that_lists_its_templates_is_synced(home: Path, dialect: Dialect) -> None:
    settings = shop(home, dialect)
    (synced,) = submission.sync(settings, dialect.provider, stand_in(settings, dialect).transport)
    assert (synced.templates, synced.error) == (2, None)
    with ledger.opened(settings) as opened, opened.reading() as connection:
        rows = {row.name: row for row in known_templates.rows(connection)}
    assert {name: row.status for name, row in rows.items()} == {"sale": "approved", "offer": "approved"}
    if dialect.provider != "messagebird":  # whose list has no text
        assert rows["offer"].body == OFFER


@pytest.mark.parametrize("dialect", SUBMITTING, ids=names(SUBMITTING))
def test_a_template_is_handed_in_and_waits_for_its_review(home: Path, dialect: Dialect) -> None:
    settings = shop(home, dialect)
    state = submission.submit(settings, "offer", dialect.provider, transport=stand_in(settings, dialect).transport)
    assert (state.name, state.language, state.body, state.status) == ("offer", "en", OFFER, "pending")
    (row, _) = submission.known(settings)
    assert (row["name"], row["status"], row["variables"]) == ("offer", "pending", "1, 2")
    with pytest.raises(Refused, match="already"):
        submission.submit(settings, "offer", dialect.provider, transport=stand_in(settings, dialect).transport)


META = ALL[0]
TWILIO = ALL[2]


def test_what_the_lint_finds_is_not_handed_in(home: Path) -> None:
    settings = shop(home, META)
    there = stand_in(settings, META)
    with pytest.raises(Refused, match="no example for 1, 2"):
        submission.submit(settings, "sale", "meta", transport=there.transport)
    assert there.asked == []


def test_nothing_is_handed_in_for_real_without_saying_so(home: Path) -> None:
    settings = shop(home, META, "https://graph.facebook.com/v26.0")
    there = stand_in(settings, META)
    with pytest.raises(Refused, match="--live"):
        submission.submit(settings, "offer", "meta", transport=there.transport)
    assert there.asked == []


def test_a_submission_is_asked_once_even_where_no_answer_comes(home: Path) -> None:
    settings = shop(home, META)
    for fault in (httpx.ReadTimeout("late"), httpx.Response(503)):
        there = stand_in(settings, META)
        there.faults = [fault]
        with pytest.raises(WabenchError):
            submission.submit(settings, "offer", "meta", transport=there.transport)
        assert len(there.asked) == 1


def test_a_refused_submission_says_why_and_is_not_kept(home: Path) -> None:
    settings = shop(home, META)
    there = stand_in(settings, META)
    there.faults = [httpx.Response(400, json={"error": {"code": 2388019, "message": "too many templates"}})]
    with pytest.raises(WabenchError, match="2388019"):
        submission.submit(settings, "offer", "meta", transport=there.transport)
    assert all(row["known from"] == "wabench.toml" for row in submission.known(settings))


def test_where_bird_takes_no_template_by_its_api_that_is_said(home: Path) -> None:
    bird = LISTING[3]
    settings = shop(home, bird)
    with pytest.raises(UsageError, match="dashboard"):
        submission.submit(settings, "offer", "messagebird", transport=stand_in(settings, bird).transport)


def test_a_sync_that_fails_leaves_what_was_known(home: Path) -> None:
    settings = shop(home, META)
    there = stand_in(settings, META)
    submission.sync(settings, "meta", there.transport)
    there.faults = [httpx.Response(401, json={"error": {"code": 190, "message": "expired"}})]
    (failed,) = submission.sync(settings, "meta", there.transport)
    assert "190" in str(failed.error)
    assert {row["status"] for row in submission.known(settings)} == {"approved"}


def test_throttling_waits_and_a_list_is_read_whole(home: Path) -> None:
    settings, waited = shop(home, TWILIO), list[float]()
    there = stand_in(settings, TWILIO)
    there.faults = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(500)]
    (synced,) = submission.sync(settings, "twilio", there.transport, waited.append)
    assert (synced.templates, waited) == (2, [7.0, 2.0])


@pytest.mark.parametrize("dialect", ALL, ids=names(ALL))
def test_a_revoked_token_fails_the_check_and_is_not_shown(home: Path, dialect: Dialect) -> None:
    settings = shop(home, dialect)
    wrong = load({"WABENCH_HOME": str(home), **dialect.environ(token="a-revoked-secret")})
    lines = check(wrong, dialect, stand_in(settings, dialect))
    assert "failed" in {line.status for line in lines.values()}
    assert all(line.do for line in lines.values() if line.status != "ok")
    assert "a-revoked-secret" not in str(lines)


@pytest.mark.parametrize("dialect", ALL, ids=names(ALL))
def test_a_provider_that_is_well_passes_the_check(home: Path, dialect: Dialect) -> None:
    settings = shop(home, dialect, WABENCH_PUBLIC_URL="https://hooks.shop.example")
    lines = check(settings, dialect, stand_in(settings, dialect))
    known = {"account"} if dialect.provider == "meta" else set()  # which the stand-in does not answer
    assert {name: line for name, line in lines.items() if line.status != "ok" and name not in known} == {}
    assert not any(secret in str(lines) for secret in dialect.secrets.values())


@pytest.mark.parametrize(
    ("quality", "status"), [("GREEN", "ok"), ("YELLOW", "warning"), ("RED", "failed"), ("UNKNOWN", "ok")]
)
def test_a_numbers_quality_is_judged(home: Path, quality: str, status: str) -> None:
    settings = shop(home, META)
    there = stand_in(settings, META)
    there.faults = [httpx.Response(200, json={"id": META.channel_id, "quality_rating": quality})]
    assert check(settings, META, there)["number: quality"].status == status


def test_what_receiving_needs_is_told(home: Path) -> None:
    shop(home, TWILIO)
    keyed = {"WABENCH_HOME": str(home), "WABENCH_TWILIO_ACCOUNT_SID": "AC1"}
    lines = check(load(keyed), TWILIO, stand_in(load(keyed), TWILIO))
    assert "WABENCH_TWILIO_" in lines["webhook secrets"].do
    assert "https://hooks.shop.example" in lines["public_url"].do
    assert "messages name no address for their statuses" in lines["public_url"].what
    assert (lines["settings"].status, "WABENCH_TWILIO_AUTH_TOKEN" in lines["settings"].what) == ("failed", True)


def test_an_option_that_is_missing_is_named(home: Path) -> None:
    plain = dialects.ALL[0]
    settings = shop(home, plain)
    assert "waba_id" in check(settings, plain, stand_in(settings, plain))["templates"].what


def test_a_wrong_option_is_a_line_and_not_a_trace(home: Path) -> None:
    wrong = replace(ALL[3], options={"dialect": "modern"})
    settings = shop(home, wrong)
    (line,) = [x for x in account_checks.check(settings, "messagebird") if x.check == "settings"]
    assert "dialect is v1, channels, classic, not 'modern'" in line.what


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dialct": "channels"}, "knows no 'dialct'; did you mean 'dialect'?"),
        ({"messages_per_second": "fast"}, "messages_per_second is a number above zero, not 'fast'"),
    ],
)
def test_a_misspelt_option_is_refused_with_the_nearest(home: Path, options: dict[str, str], said: str) -> None:
    settings = shop(home, replace(ALL[3], options=options))
    with pytest.raises(UsageError, match=r"\[providers.messagebird.options\]") as refused:
        accounts.channel(settings, "messagebird")
    assert said in str(refused.value)
    assert said in accounts.problem(settings, "messagebird")
    assert account_checks.facts(settings, "messagebird")["wrong"] == str(refused.value)


def test_the_webhook_secret_of_another_dialect_is_none(home: Path) -> None:
    channels = next(d for d in ALL if d.options.get("dialect") == "channels")
    secrets = {**channels.environ(), "WABENCH_MESSAGEBIRD_SIGNING_KEY": "", "WABENCH_MESSAGEBIRD_WEBHOOK_SECRET": "x"}
    shop(home, channels)
    settings = load({"WABENCH_HOME": str(home), **secrets})
    told = check(settings, channels, stand_in(settings, channels))["webhook secrets"]
    assert (told.status, "WABENCH_MESSAGEBIRD_SIGNING_KEY" in told.do) == ("warning", True)


def test_one_providers_wrong_option_does_not_stop_the_others(home: Path) -> None:
    good, bad = TWILIO, replace(ALL[3], options={"dialect": "chanels"})
    toml = good.toml(f"{BASE}/twilio") + bad.toml(f"{BASE}/messagebird").partition("\n")[2].partition("[templates")[0]
    (home / "wabench.toml").write_text(toml.replace(BASE, "https://twilio.example"))
    settings = load({"WABENCH_HOME": str(home), **good.environ(), **bad.environ()})
    there = stand_in(settings, good)
    synced = {each.provider: each for each in submission.sync(settings, None, there.transport)}
    assert (synced["twilio"].error, synced["twilio"].templates) == (None, 1)
    assert "dialect is" in str(synced["messagebird"].error)
    pulled = {each.source: each for each in history.pull(settings, transport=there.transport)}
    assert pulled["twilio"].error is None
    assert "dialect is" in str(pulled["messagebird"].error)
    assert "messagebird" in history.due(settings, datetime.now(UTC))
    with pytest.raises(UsageError, match="dialect is"):
        history.pull(settings, ["messagebird"], transport=there.transport)


@pytest.mark.parametrize("name", providers.names())
def test_secrets_are_listed_by_name_alone(home: Path, name: str) -> None:
    dialect = next(d for d in ALL if d.provider == name)
    facts = account_checks.facts(shop(home, dialect), name)
    assert facts["configured"] is True
    assert {f"WABENCH_{name}_{secret}".upper() for secret in dialect.secrets} <= set(facts["secrets set"])
    assert not any(secret in str(facts) for secret in dialect.secrets.values())


def test_a_secret_that_ends_in_a_line_break_is_not_shown_either(home: Path) -> None:
    settings = shop(home, META, WABENCH_META_TOKEN="a-secret\n")
    with accounts.opened(settings, "meta") as account:
        assert account.clean("Illegal header value b'Bearer a-secret\\n'") == "Illegal header value b'Bearer …\\n'"


def test_an_address_on_this_machine_is_a_rehearsal() -> None:
    here = ["http://127.0.0.1:8500/meta", "http://localhost:8500", "http://[::1]:8500"]
    assert [accounts.is_rehearsal(address) for address in here] == [True] * 3
    assert not accounts.is_rehearsal("https://127.0.0.1.example.com")


READABLE = [d for d in ALL if d.provider != "meta" and d.can.has_history and providers.get(d.provider).history]


@pytest.mark.parametrize("dialect", READABLE, ids=names(READABLE))
def test_the_history_of_each_that_has_one_is_read_into_the_warehouse(home: Path, dialect: Dialect) -> None:
    settings = shop(home, dialect)
    there = stand_in(settings, dialect)
    there.happened = happened(settings, dialect, message(Text("Oi")))
    (outcome,) = history.pull(settings, [dialect.provider], transport=there.transport)
    assert outcome.error is None
    loader.load(settings)
    connection = loader.connect(settings)
    try:
        rows = connection.execute("select message_id, event_type from raw.message_events").fetchall()
        assert connection.execute("select count(*) from raw.rejected").fetchall() == [(0,)]
    finally:
        connection.close()
    assert (there.happened[0].message_id, "delivered") in rows


def test_a_check_names_the_variable_to_set_whole_in_a_narrow_terminal(home: Path) -> None:
    (home / "wabench.toml").write_text('[providers.messagebird]\nchannel_id = "1"\n')
    for command in (["check", "messagebird"], ["check"]):
        printed = run_any(home, "provider", *command)
        assert "\nmessagebird webhook secrets: set WABENCH_MESSAGEBIRD_WEBHOOK_SECRET in .env" in printed
    assert "webhooks of messagebird: set WABENCH_MESSAGEBIRD_WEBHOOK_SECRET" in run_any(home, "doctor")


def test_a_misspelt_provider_is_a_line_of_the_check(home: Path) -> None:
    (home / "wabench.toml").write_text('[providers.twillio]\nchannel_id = "1"\n')
    printed = run_any(home, "provider", "check")
    assert "there is no such provider" in " ".join(printed.split())
    assert "see [providers.twillio] of wabench.toml; did you mean 'twilio'?" in printed


def run_any(home: Path, *words: str) -> str:
    """Give what a command prints, whatever its exit code."""
    return start(home, *words).communicate()[0].decode()


def test_the_commands_speak_json_and_their_exit_codes(home: Path) -> None:
    shop(home, META, "http://127.0.0.1:9/meta")
    listed = json.loads(run(home, "provider", "list", "--json"))
    assert [each["provider"] for each in listed] == providers.names()
    assert json.loads(run(home, "template", "list", "--json"))[0]["known from"] == "wabench.toml"
    assert run(home, "template", "lint", "offer").startswith(("template", "┏"))
    for words, code, told in (
        (("template", "lint"), 3, "sale would be refused"),
        (("template", "lint"), 3, "[templates.sale]"),
        (("template", "lint", "offr"), 2, "did you mean 'offer'"),
        (("template", "submit", "sale"), 3, "would be refused"),
        (("template", "sync", "nobody"), 2, "no provider 'nobody'"),
        (("provider", "check", "nobody"), 2, "no provider 'nobody'"),
    ):
        process = start(home, *words)
        printed = " ".join(process.communicate()[0].decode().split())
        assert (process.returncode, told in printed) == (code, True), printed
