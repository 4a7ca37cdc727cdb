"""The app in its own process, and a browser that notices what a user would not forgive."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright
from published_shop import publish_shop
from visitor import CUSTOMERS, VERSION, WATCH, Visitor, running_app

Serve = Callable[[Path], str]

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = """
timezone = "America/Sao_Paulo"
[providers.meta]
channel_id = "106540352242922"
[templates.spring_sale]
language = "en"
body = "Hi {{1}}, our spring sale has begun: {{2}} off until Sunday."
[templates.welcome]
category = "utility"
body = "Добро пожаловать, {{name}}!"
[templates.old_sale]
status = "paused"
body = "Sale!"
"""


@pytest.fixture(scope="module")  # not longer: while it runs, no other test of the process can start an event loop
def browser() -> Iterator[Browser]:
    executable = next((found for name in NAMES if (found := shutil.which(name))), None)
    if executable is None:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say(f"no browser on the PATH ({', '.join(NAMES)}): install chromium, e.g. `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start the app for a home; it runs until the pages that were opened on it are closed."""
    with ExitStack() as running:
        yield lambda home: running.enter_context(running_app(home))


@pytest.fixture
def visit(browser: Browser, serve: Serve) -> Iterator[Callable[[str], Visitor]]:
    """Open pages; at the end none may have shown an exception, logged an error or called anybody but its server."""
    visitors: list[Visitor] = []

    def open_page(url: str, scheme: Literal["light", "dark"] = "light") -> Visitor:
        size: ViewportSize = {"width": 1440, "height": 1000}
        page = browser.new_page(viewport=size, accept_downloads=True, color_scheme=scheme)
        visitor = Visitor(page)
        page.add_init_script(WATCH)
        page.on("console", visitor.heard)
        page.on("pageerror", lambda error: visitor.complaints.append(f"script: {error}"))
        page.on("request", lambda request: visitor.called(request.url))
        page.goto(url)
        page.locator("h1").first.wait_for()
        visitors.append(visitor)
        return visitor

    yield open_page
    for visitor in visitors:
        visitor.settle()
        assert not visitor.complaints
        expect(visitor.page.get_by_test_id("stException")).to_have_count(0)
        visitor.page.close()


@pytest.fixture
def shoot(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Visitor, str], None]:
    """Take a picture of a page for people to look at, in the folder `WABENCH_SCREENSHOTS`."""
    folder = Path(os.environ.get("WABENCH_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def take(visitor: Visitor, name: str) -> None:
        visitor.settle()
        height = visitor.page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
        visitor.page.set_viewport_size({"width": 1440, "height": max(900, height)})
        visitor.page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with 400 customers, the ready segments and three templates."""
    home = tmp_path_factory.mktemp("shop")
    publish_shop(home, VERSION, CUSTOMERS)
    (home / "wabench.toml").write_text(SETTINGS, encoding="utf-8")
    shutil.copytree(Path(__file__).parents[2] / "segments", home / "segments")
    return home


@pytest.fixture(scope="session")
def address(shop: Path) -> Iterator[str]:
    """The app of that shop, running."""
    with running_app(shop) as url:
        yield url
