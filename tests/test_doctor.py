"""The doctor finds what is broken, says what to do, and changes nothing; an empty shop is fine."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import published_shop
import pytest
from campaign_shop import approved, audience, customer, set_up
from processes import run, start

from ingest.landing import LandingLog
from wabench import doctor, locks
from wabench.campaigns import known_templates, ledger
from wabench.campaigns.schema import replies
from wabench.doctor import Line
from wabench.schedule import state
from wabench.schedule.jobs import Outcome, Past
from wabench.schedule.state import Run, State
from wabench.settings import Settings, load

NOW = datetime.now(UTC)
UP = httpx.MockTransport(lambda request: httpx.Response(200, text="ok"))


def lines(settings: Settings, at: datetime = NOW, transport: httpx.BaseTransport = UP) -> dict[str, Line]:
    return {line.about: line for line in doctor.examine(settings, at, transport)}


def down(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def land(settings: Settings, source: str = "meta", stream: str = "webhooks") -> Path:
    with closing(LandingLog(settings.paths.landing / source / stream)) as log:
        log.append(b"{}")
        log.commit()
    path = next((settings.paths.landing / source / stream).rglob("*.ndjson"))
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))  # however late in a long run of tests this is
    return path


def everything(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_an_empty_shop_is_fine_and_stays_empty(home: Path) -> None:
    shown = json.loads(run(home, "doctor", "--json"))
    assert {line["status"] for line in shown} <= {"ok", "warning"}
    assert everything(home) == {}


def test_it_changes_nothing(home: Path) -> None:
    shop = set_up(home)
    approved(shop, "spring", audience(home, [customer(1)]))
    land(shop)
    published_shop.publish_shop(home, "v1", [published_shop.customer(1)])
    before = everything(home)
    assert lines(shop)["ledger"].status == "ok"
    assert everything(home) == before


def test_settings_that_can_not_be_read_are_a_line_and_exit_code_1(home: Path) -> None:
    (home / "wabench.toml").write_text("pace = 1")
    process = start(home, "doctor")
    printed = process.communicate()[0].decode()
    assert process.returncode == 1
    assert "unknown key 'pace'" in " ".join(printed.split())


def test_a_file_of_secrets_that_others_can_read_is_told(home: Path) -> None:
    (home / ".env").write_text("WABENCH_META_TOKEN=x\n")
    (home / ".env").chmod(0o644)
    told = lines(load({"WABENCH_HOME": str(home)}))["settings"]
    assert (told.status, told.do) == ("warning", f"chmod 600 {home / '.env'}")


def test_a_damaged_ledger_is_broken(home: Path) -> None:
    shop = set_up(home)
    approved(shop, "spring", audience(home, [customer(n) for n in range(400)]))
    with closing(sqlite3.connect(shop.paths.ledger)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    damaged = bytearray(shop.paths.ledger.read_bytes())
    damaged[8192 : 8192 + 4096] = b"\xff" * 4096
    shop.paths.ledger.write_bytes(damaged)
    assert lines(shop)["ledger"].status == "failed"


def test_unknown_sends_are_counted(home: Path) -> None:
    shop = set_up(home)
    approved(shop, "spring", audience(home, [customer(1)]))
    with closing(sqlite3.connect(shop.paths.ledger)) as connection:
        connection.execute("update sends set state = 'unknown'")
        connection.commit()
    told = lines(shop)["ledger"]
    assert (told.status, told.what[:19]) == ("warning", "1 sends are unknown")


def test_unknown_replies_are_counted_and_an_older_ledger_has_none(home: Path) -> None:
    shop = set_up(home)
    with ledger.opened(shop) as opened, opened.writing() as connection:
        row = dict.fromkeys(("reply_id", "customer_id", "provider", "channel_id", "written_by", "author", "text"), "x")
        state = {"state": "unknown", "attempts": 1, "spent_keys": 0, "asked_at": datetime.now(UTC)}
        connection.execute(replies.insert().values(row | state))
    assert lines(shop)["ledger"].what == "1 replies are unknown: they may have been delivered"
    with closing(sqlite3.connect(shop.paths.ledger)) as old:
        old.execute("drop table replies")
        old.commit()
    assert lines(shop)["ledger"].status == "ok"


def test_a_ledger_of_an_older_version_without_templates_is_no_failure(home: Path) -> None:
    shop = set_up(home)
    with ledger.opened(shop):
        pass
    with closing(sqlite3.connect(shop.paths.ledger)) as old:
        old.execute("drop table templates")
        old.commit()
    assert lines(shop)["ledger"].status == "ok"


def test_who_holds_the_warehouse_is_named(home: Path, settings: Settings) -> None:
    settings.paths.data.mkdir()
    settings.paths.warehouse.touch()
    with locks.held(settings.paths.warehouse_lock, "refresh"):
        assert lines(settings)["warehouse"].what.startswith("held by refresh")
        assert lines(settings, NOW + timedelta(hours=7))["warehouse"].status == "warning"


def test_the_age_of_what_is_published_is_told(settings: Settings, home: Path) -> None:
    published_shop.publish_shop(home, "v1", [published_shop.customer(1)])
    assert lines(settings)["published"].status == "ok"
    assert lines(settings, NOW + timedelta(days=3))["published"].do == "run `wabench refresh`, or schedule it"


def test_a_stream_that_went_quiet_is_told_and_one_from_the_future_too(home: Path) -> None:
    shop = set_up(home)
    path = land(shop)
    assert lines(shop)["meta webhooks"].status == "ok"
    assert lines(shop, NOW + timedelta(days=2))["meta webhooks"].what == "last came 2 days ago"
    later = (NOW + timedelta(days=1)).timestamp()
    os.utime(path, (later, later))
    assert "NTP" in lines(shop)["meta webhooks"].do


def test_torn_lines_are_counted(settings: Settings) -> None:
    land(settings).with_suffix(".ndjson.torn").write_bytes(b"{")
    assert lines(settings)["landing"].what.startswith("1 torn lines were set aside")


@pytest.mark.parametrize(("transport", "status"), [(UP, "ok"), (httpx.MockTransport(down), "warning")])
def test_whether_the_receiver_answers_is_told(settings: Settings, transport: httpx.BaseTransport, status: str) -> None:
    assert lines(settings, transport=transport)["receiver"].status == status


@pytest.mark.parametrize(("name", "says"), [("meta", "can't be read back"), ("zenvia", "about 15 minutes")])
def test_what_can_not_be_read_back_is_said_with_what_it_asks_for(
    home: Path, name: str, says: str, settings_with: Callable[..., Settings]
) -> None:
    (home / "wabench.toml").write_text(f'[providers.{name}]\nchannel_id = "1"\n')
    told = lines(settings_with())[f"history of {name}"].what
    assert says in told
    assert told.endswith("so keep `wabench receive` running")


def test_a_history_that_can_be_read_says_when_it_was(home: Path, settings_with: Callable[..., Settings]) -> None:
    (home / "wabench.toml").write_text('[providers.twilio]\nchannel_id = "+5511"\n')
    shop = settings_with()
    assert lines(shop)["history of twilio"].what.endswith("never read yet; `wabench refresh` does")
    land(shop, "twilio", "history")
    assert lines(shop)["history of twilio"].what.endswith("read 0 min ago")


def test_missing_secrets_and_unknown_providers_are_named(home: Path) -> None:
    (home / "wabench.toml").write_text('[providers.twilio]\nchannel_id = "+5511"\n[providers.twillio]\n')
    found = lines(load({"WABENCH_HOME": str(home)}))
    assert "WABENCH_TWILIO_ACCOUNT_SID" in found["provider twilio"].do
    assert found["provider twillio"].status == "failed"


def test_a_wrong_option_is_that_providers_line_and_hides_no_other(home: Path) -> None:
    (home / "wabench.toml").write_text(
        '[providers.messagebird.options]\ndialect = "chanels"\n[providers.twilio]\nchannel_id = "+5511"\n'
    )
    found = lines(load({"WABENCH_HOME": str(home)}))
    wrong = found["provider messagebird"]
    assert (wrong.status, "dialect is" in wrong.what) == ("failed", True)
    assert found["provider twilio"].status == "warning"


def test_webhooks_that_the_set_secrets_can_not_check_are_told(home: Path) -> None:
    (home / "wabench.toml").write_text('[providers.messagebird.options]\ndialect = "classic"\n')
    found = lines(load({"WABENCH_HOME": str(home), "WABENCH_MESSAGEBIRD_WEBHOOK_SECRET": "x"}))
    assert "WABENCH_MESSAGEBIRD_SIGNING_KEY" in found["webhooks of messagebird"].do
    assert "receiver" not in found


def test_templates_that_were_not_read_for_long_are_told(home: Path) -> None:
    (home / "wabench.toml").write_text('[providers.twilio]\nchannel_id = "+5511"\n')
    secrets = {"WABENCH_TWILIO_ACCOUNT_SID": "AC1", "WABENCH_TWILIO_AUTH_TOKEN": "x"}
    shop = load({"WABENCH_HOME": str(home), **secrets})
    assert lines(shop)["templates of twilio"].what == "never read"
    state = known_templates.TemplateState("sale", "en", "marketing", "approved", "Hi")
    with ledger.opened(shop) as opened, opened.writing() as connection:
        known_templates.replace(connection, "twilio", [state], "tester", NOW)
    assert lines(shop)["templates of twilio"].status == "ok"
    assert lines(shop, NOW + timedelta(days=8))["templates of twilio"].do == "run `wabench template sync twilio`"


LOGIN = """
[login]
client_id = "wabench"
server_metadata_url = "https://accounts.example.com/.well-known/openid-configuration"
app_url = "https://wabench.example.com"
[roles]
"*@shop.example" = "analyst"
"""
ENDS = {"authorization_endpoint": "https://a", "token_endpoint": "https://b", "jwks_uri": "https://c"}


def login_line(home: Path, toml: str, answer: httpx.Response, **secrets: str) -> Line:
    (home / "wabench.toml").write_text(toml, encoding="utf-8")
    given = {"CLIENT_SECRET": "s", "COOKIE_SECRET": "x" * 32} | secrets
    settings = load({"WABENCH_HOME": str(home)} | {f"WABENCH_LOGIN_{name}": value for name, value in given.items()})
    return lines(settings, transport=httpx.MockTransport(lambda request: answer))["login"]


def test_a_login_is_looked_at_as_far_as_the_provider_answers(home: Path) -> None:
    with_admin = f'{LOGIN}"maria@shop.example" = "admin"\n'
    answer = httpx.Response(200, json=ENDS)
    assert login_line(home, with_admin, answer) == Line(
        "login", "ok", "the provider answers; lines of [roles]: 1 analyst, 1 admin"
    )
    assert login_line(home, LOGIN, answer).status == "warning"
    assert "no jwks_uri" in login_line(home, LOGIN, httpx.Response(200, json=ENDS | {"jwks_uri": None})).what
    for wrong in (httpx.Response(404), httpx.Response(200, text="<html>"), httpx.Response(200, json=[])):
        assert login_line(home, LOGIN, wrong).do == "see login.server_metadata_url"


def test_a_login_that_is_half_set_up_is_told(home: Path) -> None:
    line = login_line(home, LOGIN.partition("[roles]")[0], httpx.Response(200), COOKIE_SECRET="")
    assert (line.status, line.what) == (
        "failed",
        "the login is half set up; set roles, WABENCH_LOGIN_COOKIE_SECRET (docs/runbooks/login.md)",
    )


def test_a_schedule_that_fails_or_that_nobody_runs_is_told(home: Path) -> None:
    shop = load({"WABENCH_HOME": str(home)})
    assert lines(shop)["schedule"].status == "ok"
    run = Run("refresh", NOW, NOW, 1, NOW, Outcome.FAILED, "no disk")
    state.save(shop, State(pasts={"refresh": Past(NOW, 3)}, runs=(run,)))
    told = lines(shop)["schedule"]
    assert (told.status, told.what) == ("warning", "refresh failed 3 times in a row: no disk")
    state.save(shop, State(pasts={"refresh": Past(NOW)}))
    assert lines(shop)["schedule"].status == "ok"
    assert lines(shop, NOW + timedelta(minutes=41))["schedule"].do == "see that `wabench schedule` runs"
