"""Who may come in, and where the app may listen."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from wabench import login
from wabench.cli import app
from wabench.errors import Refused, UsageError
from wabench.login import Stranger, Why
from wabench.roles import Actor, Role
from wabench.settings import LoginSettings, Settings, load

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
TOML = """
[login]
client_id = "wabench"
server_metadata_url = "https://accounts.example.com/.well-known/openid-configuration"
app_url = "https://shop.example.com/"
[roles]
"Maria@shop.example" = "admin"
"joão@shop.example" = "approver"
"*@shop.example" = "analyst"
"""
SECRETS = {"WABENCH_LOGIN_CLIENT_SECRET": "s3cret", "WABENCH_LOGIN_COOKIE_SECRET": "x" * 32}
CLAIMS = {"email": "maria@shop.example", "email_verified": True, "iat": NOW.timestamp() - 60}


def settings_of(home: Path, toml: str = TOML, secrets: Mapping[str, str] = SECRETS) -> Settings:
    (home / "wabench.toml").write_text(toml, encoding="utf-8")
    return load({"WABENCH_HOME": str(home), **secrets})


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, Actor("maria@shop.example", Role.ADMIN)),
        ({"email": " MARIA@SHOP.example "}, Actor("maria@shop.example", Role.ADMIN)),
        ({"email": "JOÃO@shop.example"}, Actor("joão@shop.example", Role.APPROVER)),
        ({"email": "ana@shop.example"}, Actor("ana@shop.example", Role.ANALYST)),
        ({"email_verified": "true"}, Actor("maria@shop.example", Role.ADMIN)),
        ({"email_verified": False}, Stranger("maria@shop.example", Why.UNVERIFIED)),
        ({"email_verified": "false"}, Stranger("maria@shop.example", Why.UNVERIFIED)),
        ({"email_verified": None}, Stranger("maria@shop.example", Why.UNVERIFIED)),
        ({"email": None}, Stranger("", Why.NO_EMAIL)),
        ({"email": "maria@other.shop.example"}, Stranger("maria@other.shop.example", Why.NO_ROLE)),
        ({"email": "maria@notshop.example"}, Stranger("maria@notshop.example", Why.NO_ROLE)),
        ({"email": "eve@evil.example@shop.example"}, Stranger("eve@evil.example@shop.example", Why.NO_ROLE)),
        ({"email": "@shop.example"}, Stranger("@shop.example", Why.NO_ROLE)),
        ({"email": "*@shop.example"}, Actor("*@shop.example", Role.ANALYST)),
        ({"iat": NOW.timestamp() - 12 * 3600 + 1}, Actor("maria@shop.example", Role.ADMIN)),
        ({"iat": NOW.timestamp() - 12 * 3600}, Stranger("maria@shop.example", Why.LONG_AGO)),
        ({"iat": NOW.timestamp() + 240}, Actor("maria@shop.example", Role.ADMIN)),
        ({"iat": NOW.timestamp() + 3600}, Stranger("maria@shop.example", Why.LONG_AGO)),
        ({"iat": None}, Stranger("maria@shop.example", Why.LONG_AGO)),
        ({"iat": True}, Stranger("maria@shop.example", Why.LONG_AGO)),
    ],
)
def test_a_person_is_who_the_provider_vouches_for(claims: dict[str, Any], expected: object, tmp_path: Path) -> None:
    assert login.admit(settings_of(tmp_path), CLAIMS | claims, NOW) == expected


@given(
    st.dictionaries(st.sampled_from(["email", "email_verified", "iat", "sub"]), st.text() | st.integers() | st.none())
)
def test_no_claims_but_those_of_a_line_let_anybody_in(claims: dict[str, Any]) -> None:
    settings = Settings(roles={"maria@shop.example": Role.ADMIN})
    found = login.admit(settings, claims, NOW)
    assert isinstance(found, Stranger) or str(claims["email"]).strip().lower() == "maria@shop.example"


def test_a_provider_with_a_claim_of_its_own_for_verified_e_mails_is_asked_for_that(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, TOML.replace("[roles]", 'verified_claim = "xms_edov"\n[roles]'))
    assert login.admit(settings, CLAIMS, NOW) == Stranger("maria@shop.example", Why.UNVERIFIED)
    assert isinstance(login.admit(settings, CLAIMS | {"email_verified": None, "xms_edov": 1}, NOW), Actor)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_this_machines_own_addresses_need_no_login(host: str, settings: Settings) -> None:
    login.check(settings, host)
    assert login.secrets(settings) == {}
    assert login.local().role is Role.ADMIN
    assert not login.local().is_signed_in


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "shop.example.com", "localhost.example.com", ""])
def test_any_other_address_names_every_setting_it_wants(host: str, settings: Settings) -> None:
    with pytest.raises(Refused) as refused:
        login.check(settings, host)
    for name in ("client_id", "server_metadata_url", "app_url", "roles", "CLIENT_SECRET", "COOKIE_SECRET"):
        assert name in str(refused.value)


def test_a_login_that_is_half_set_up_is_refused_on_this_machine_too(tmp_path: Path) -> None:
    half = TOML.partition("[roles]")[0]
    with pytest.raises(Refused, match="half set up; set roles, WABENCH_LOGIN_COOKIE_SECRET "):
        login.check(settings_of(tmp_path, half, {"WABENCH_LOGIN_CLIENT_SECRET": "s"}), "127.0.0.1")
    with pytest.raises(Refused, match="can be guessed"):
        login.check(settings_of(tmp_path, TOML, SECRETS | {"WABENCH_LOGIN_COOKIE_SECRET": "short"}), "0.0.0.0")


def test_a_login_that_is_set_up_is_handed_to_the_server_whole(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    login.check(settings, "0.0.0.0")
    assert login.secrets(settings)["auth"] == {
        "client_id": "wabench",
        "client_secret": "s3cret",
        "cookie_secret": "x" * 32,
        "redirect_uri": "https://shop.example.com/oauth2callback",
        "server_metadata_url": "https://accounts.example.com/.well-known/openid-configuration",
    }
    assert "shop.example.com" in login.hosts(settings)
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("https://shop.example.com/", "http://shop.example.com", "login.app_url: .*is not https"),
        ("https://shop.example.com/", "https://example.com/shop", "login.app_url: .*has a path"),
        ("https://accounts", "ftp://accounts", "login.server_metadata_url: .*no web address"),
        ('"analyst"', '"boss"', "roles.*: .*'analyst', 'marketer', 'approver' or 'admin'"),
        ("*@shop", "shop", "roles: .*is no e-mail address"),
        ("*@shop", "*@*.shop", "roles: .*is no e-mail address"),
        ("*@shop", "MARIA@shop", "roles: .*two lines"),
        ("client_id", "clientid", "login.clientid"),
        ("[roles]", "hours = 0\n[roles]", "login.hours"),
    ],
)
def test_a_wrong_line_is_named(old: str, new: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        settings_of(tmp_path, TOML.replace(old, new))


def test_the_app_refuses_an_open_address_with_one_line(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["app", "--host", "0.0.0.0", "--no-open"], env={"WABENCH_HOME": str(tmp_path)})
    assert isinstance(told.exception, Refused)
    assert told.exception.exit_code == 3


def test_the_defaults_are_those_of_the_docs() -> None:
    text = (Path(__file__).parent.parent / "docs/settings.md").read_text(encoding="utf-8")
    section = text.partition("## `[login]`")[2].partition("\n## ")[0]
    for name, field in LoginSettings.model_fields.items():
        default = f"`{field.default:g}`" if isinstance(field.default, float | int) else f"`{field.default}`"
        assert f"| `{name}` | {default if field.default else ''}" in section
    assert timedelta(hours=LoginSettings().hours) == timedelta(hours=12)
