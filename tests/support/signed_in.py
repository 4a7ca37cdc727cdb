"""People who come in through a login: the shop's settings of it, and a browser that signs in as one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import oidc
from playwright.sync_api import Browser, expect
from processes import free_port
from visitor import WATCH, Visitor, running_app

PEOPLE = {
    "Ana": {"email": "ana@shop.example", "email_verified": True},
    "Maria": {"email": "Maria@Shop.example", "email_verified": True},
    "Ivo": {"email": "ivo@elsewhere.example", "email_verified": True},
    "Mallory": {"email": "maria@shop.example", "email_verified": False},
}
ROLES = """
[roles]
"maria@shop.example" = "admin"
"*@shop.example" = "analyst"
"""
COOKIE_SECRET = "a-cookie-secret-of-many-characters-and-no-meaning"


def set_up(home: Path, provider: oidc.Provider, port: int) -> None:
    """Write the login into a shop's settings; the app must run on this port."""
    login = f"""
[login]
client_id = "{oidc.CLIENT}"
server_metadata_url = "{provider.url}/.well-known/openid-configuration"
app_url = "http://127.0.0.1:{port}"
"""
    with (home / "wabench.toml").open("a", encoding="utf-8") as file:
        file.write(login + ROLES)
    secrets = {"CLIENT_SECRET": oidc.SECRET, "COOKIE_SECRET": COOKIE_SECRET}
    (home / ".env").write_text("".join(f"WABENCH_LOGIN_{name}={value}\n" for name, value in secrets.items()))


@contextmanager
def running(home: Path, log: Path) -> Iterator[tuple[str, oidc.Provider]]:
    """Run the app of a home behind a login; gives its address and the provider."""
    port = free_port()
    with oidc.running(PEOPLE) as provider:
        set_up(home, provider, port)
        with running_app(home, port, log) as address:
            yield address, provider


def sign_in(browser: Browser, address: str, name: str) -> Visitor:
    """Come in as one of the people, with a browser nobody has used before."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    visitor = Visitor(page)
    page.add_init_script(WATCH)
    page.on("console", visitor.heard)
    page.on("websocket", visitor.listened)
    page.goto(address)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name).click()
    page.wait_for_url(f"{address}/")
    page.locator("h1").first.wait_for()
    visitor.settle()
    return visitor
