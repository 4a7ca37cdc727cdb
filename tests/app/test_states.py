"""Whatever state a shop is in, every page says what is the matter and what to do."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from playwright.sync_api import Browser, expect
from published_shop import publish_shop
from visitor import CUSTOMERS, WATCH, Visitor, running_app

pytestmark = pytest.mark.browser

WITHOUT_DATA = {"/replies", "/templates"}
"""Pages that have something to show before there are customers: what a shop writes and answers."""
BROKEN = re.compile(r"\b(None|nan|NaN|inf|NaT|undefined)\b")
STALE = """
    create or replace table fct_alerts as
    select 'stale_source:bird' as alert_id, 'stale_source' as alert, 'warning' as severity, 'bird' as subject,
        'bird' as subject_name, 31.0 as value, 26.0 as threshold, 1 as denominator, timestamp '2026-11-22' as raised_at
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose state the tests below change, in their order."""
    return tmp_path_factory.mktemp("states")


@pytest.fixture(scope="module")
def visitor(home: Path, browser: Browser) -> Iterator[Visitor]:
    """Somebody who stays on the same app through all of them."""
    with running_app(home) as url:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        one = Visitor(page)
        page.add_init_script(WATCH)
        page.on("console", one.heard)
        page.goto(url)
        yield one
        page.close()


@pytest.fixture
def walk(visitor: Visitor) -> Iterator[Callable[[], Iterator[str]]]:
    """Go through all pages, from a page drawn anew; none may break on the way."""
    broken = []

    def through() -> Iterator[str]:
        visitor.page.reload()
        for path in visitor.paths():
            visitor.follow(path)
            expect(visitor.page.locator("h1").first).to_be_visible()
            if visitor.page.get_by_test_id("stException").count():
                broken.append(path)
            else:
                yield path

    yield through
    complaints, visitor.complaints = visitor.complaints, []
    assert (broken, complaints) == ([], [])


def test_nothing_published(visitor: Visitor, walk: Any, shoot: Callable[..., None]) -> None:
    for _ in walk():
        expect(visitor.page.get_by_text("Nothing is published yet; run wabench refresh first.")).to_be_visible()
        expect(visitor.page.get_by_role("button", name="Look again")).to_be_visible()
    shoot(visitor, "nothing-published")


def test_no_customers(visitor: Visitor, walk: Any, home: Path, shoot: Callable[..., None]) -> None:
    publish_shop(home, "20261122T180001Z", [], is_empty=True)
    visitor.page.get_by_role("button", name="Look again").click()
    expect(visitor.page.get_by_test_id("stAlert").first).to_be_visible()
    silent = []
    for path in walk():
        shoot(visitor, f"empty-{path.strip('/') or 'overview'}")
        if not visitor.page.get_by_test_id("stMain").get_by_test_id("stAlert").count():
            silent.append(path)
        assert not BROKEN.search(visitor.page.get_by_test_id("stMain").inner_text())
    assert set(silent) <= WITHOUT_DATA


def test_one_customer(visitor: Visitor, walk: Any, home: Path) -> None:
    visitor.follow("/")
    publish_shop(home, "20261122T180002Z", CUSTOMERS[:1], is_empty=True)
    assert "20261122T180002Z" in processes.run(home, "doctor")  # another reader, while the app has the one before open
    customers = visitor.page.get_by_test_id("stMetric").filter(has_text="Customers").first
    by_itself = 20_000  # the sidebar looks every 10 seconds
    expect(customers.get_by_test_id("stMetricValue")).to_have_text("1", timeout=by_itself)
    broken = {
        path: found[0]
        for path in walk()
        if (found := BROKEN.search(visitor.page.get_by_test_id("stMain").inner_text()))
    }
    assert broken == {}


def test_a_stale_source_and_a_failed_refresh(visitor: Visitor, walk: Any, home: Path) -> None:
    publish_shop(home, "20261122T180003Z", CUSTOMERS[:20], also=[STALE])
    lock = home / "data" / "warehouse.lock"
    lock.write_text('{"pid": 999999999, "purpose": "refresh", "since": "2026-11-22T18:30:00+00:00"}')
    sidebar = visitor.page.get_by_test_id("stSidebar")
    for _ in walk():
        expect(sidebar.get_by_text("bird is 31 hours behind. Check the source, then wabench ingest.")).to_be_visible()
        expect(sidebar.get_by_text("The refresh of 22 Nov 2026, 18:30 UTC published nothing.")).to_be_visible()
    lock.unlink()


def test_a_published_file_that_vanishes(visitor: Visitor, walk: Any, home: Path) -> None:
    visitor.page.reload()
    expect(visitor.page.get_by_test_id("stSidebar").get_by_text("Data as of")).to_be_visible()
    shutil.rmtree(home / "data" / "published")
    gone = visitor.page.get_by_text("Nothing is published yet; run wabench refresh first.")
    expect(gone).to_be_visible(timeout=20_000)
    for _ in walk():
        expect(gone).to_be_visible()


def test_a_wrong_setting_is_told_in_its_own_words(visitor: Visitor, walk: Any, home: Path) -> None:
    (home / "wabench.toml").write_text('currency = "dollars"\n')
    for _ in walk():
        expect(visitor.page.get_by_text("Setting currency: ")).to_be_visible()
