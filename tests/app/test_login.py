"""The login with a provider of logins on loopback: who comes in as what, and who does not."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import seen
import signed_in
from oidc import SECRET, Provider
from playwright.sync_api import Browser, expect
from visitor import CUSTOMERS

from wabench.campaigns import plan
from wabench.settings import load

pytestmark = pytest.mark.browser

DEEPER = (
    "/customers?customer=c0018",
    "/customers?q=0018",
    "/segments?whom=0018",
    "/campaigns?campaign=spring",
    "/campaigns?new=frequent_buyers",
    "/support?dialog=c0001",
    "/templates?template=meta:spring_sale:en",
)
"""Places within pages that their links alone don't lead to."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "app.log"


@pytest.fixture(scope="module")
def home(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of its own, for a login is written into it."""
    home = tmp_path_factory.mktemp("login") / "shop"
    shutil.copytree(shop, home, symlinks=True)
    plan.plan(
        load({"WABENCH_HOME": str(home)}), "spring", "frequent_buyers", "spring_sale", ["1=name", "2=literal:10 %"]
    )
    return home


@pytest.fixture(scope="module")
def behind_login(home: Path, log: Path) -> Iterator[tuple[str, Provider]]:
    with signed_in.running(home, log) as found:
        yield found


def test_an_admin_comes_in_and_out_again(behind_login: tuple[str, Provider], browser: Browser, log: Path) -> None:
    address, provider = behind_login
    visitor = signed_in.sign_in(browser, address, "Maria")
    expect(visitor.page.get_by_text("maria@shop.example · admin")).to_be_visible()
    assert visitor.metric("Customers") == "400"
    cookies = {cookie["name"]: cookie for cookie in visitor.page.context.cookies()}
    assert cookies["_streamlit_user"]["httpOnly"]
    assert cookies["_streamlit_user"]["sameSite"] == "Lax"
    visitor.page.get_by_role("button", name="Log out").click()
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert provider.logged_out
    visitor.page.goto(f"{address}/segments")
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()
    said = log.read_text()
    assert SECRET not in said
    assert signed_in.COOKIE_SECRET not in said
    visitor.page.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Ivo", "ivo@elsewhere.example has no role in this shop."),
        ("Mallory", "maria@shop.example is not verified there"),
    ],
)
def test_who_is_not_of_the_shop_sees_nothing_of_it(
    name: str, told: str, behind_login: tuple[str, Provider], browser: Browser
) -> None:
    visitor = signed_in.sign_in(browser, behind_login[0], name)
    expect(visitor.page.get_by_text(told)).to_be_visible()
    visitor.page.goto(f"{behind_login[0]}/segments")
    expect(visitor.page.get_by_text(told)).to_be_visible()
    expect(visitor.page.get_by_test_id("stMetric")).to_have_count(0)
    visitor.page.get_by_role("button", name="Log out").click()
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()
    visitor.page.close()


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", b"101"), ("shop.evil.example", b"403")])
def test_a_browser_that_was_led_here_under_another_name_gets_nothing(host: str, status: bytes, address: str) -> None:
    port = int(address.rpartition(":")[2])
    asked = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(asked.encode())
        assert connection.recv(64).split(b" ")[1] == status
    assert httpx.get(address).headers["X-Frame-Options"] == "DENY"


def test_an_analyst_who_presses_everything_is_given_no_whole_phone_or_e_mail_and_changes_nothing(
    behind_login: tuple[str, Provider], home: Path, browser: Browser, log: Path
) -> None:
    address, _ = behind_login
    secrets, before = seen.secrets(home), seen.state(home)
    assert len(secrets) > 400
    visitor = signed_in.sign_in(browser, address, "Ana")
    given: dict[str, list[bytes]] = {}
    for path in (*visitor.paths(), *DEEPER):
        visitor.page.goto(f"{address}{path}")
        visitor.page.locator("h1").first.wait_for()
        visitor.still()
        given[path] = seen.everything(visitor)
        visitor.frames.clear()
    assert {path: found for path, each in given.items() if (found := seen.leaks(each, secrets))} == {}
    assert seen.leaks([log.read_bytes()], secrets) == set()
    assert seen.state(home) == before
    assert any(CUSTOMERS[18]["name"].encode() in part for part in given["/customers?customer=c0018"])
    visitor.page.close()


def test_the_search_for_whole_phones_would_find_them(
    behind_login: tuple[str, Provider], shop: Path, browser: Browser
) -> None:
    visitor = signed_in.sign_in(browser, behind_login[0], "Maria")
    visitor.page.goto(f"{behind_login[0]}/customers?customer=c0018")
    visitor.page.locator("h1").first.wait_for()
    visitor.settle()
    assert seen.leaks(visitor.frames, seen.secrets(shop)) >= {CUSTOMERS[18]["phone"][-9:]}
    visitor.page.close()
