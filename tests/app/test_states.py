from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from published_shop import publish_shop
from visitor import CUSTOMERS

pytestmark = pytest.mark.browser

Serve = Callable[[Path], str]


def test_before_the_first_refresh_every_page_says_what_to_do(
    home: Path, serve: Serve, visit: Any, shoot: Callable[..., None]
) -> None:
    url = serve(home)
    for path in ("", "/segments"):
        visitor = visit(f"{url}{path}")
        expect(visitor.page.get_by_text("Nothing is published yet; run wabench refresh first.")).to_be_visible()
    shoot(visitor, "nothing-published")
    publish_shop(home, "20261122T180000Z", CUSTOMERS[:3])
    visitor.page.get_by_role("button", name="Look again").click()
    expect(visitor.page.get_by_role("heading", name="Segments")).to_be_visible()
    assert visitor.metric("Customers") == "3"


def test_a_shop_without_customers_says_what_to_do(
    home: Path, serve: Serve, visit: Any, shoot: Callable[..., None]
) -> None:
    publish_shop(home, "20261122T180000Z", [], is_empty=True)
    url = serve(home)
    visitor = visit(url)
    for text in ("No orders, last 30 days", "No messages, last 30 days", "No campaign yet", "No source has"):
        expect(visitor.page.get_by_text(text)).to_be_visible()
    shoot(visitor, "overview-empty")
    visitor = visit(f"{url}/segments")
    expect(visitor.page.get_by_text("There are no customers yet")).to_be_visible()
    visitor.page.get_by_text("saved", exact=True).click()
    expect(visitor.page.get_by_text("No segment is saved yet")).to_be_visible()


def test_a_wrong_setting_is_told_in_its_own_words(home: Path, serve: Serve, visit: Any) -> None:
    url = serve(home)
    (home / "wabench.toml").write_text('currency = "dollars"\n')
    visitor = visit(url)
    expect(visitor.page.get_by_text("Setting currency: ")).to_be_visible()


def test_two_apps_go_on_while_refreshes_publish_and_see_the_new_data(home: Path, serve: Serve, visit: Any) -> None:
    publish_shop(home, "20261122T180000Z", CUSTOMERS[:10])
    first, second = serve(home), serve(home)
    visitors = [visit(f"{url}/segments") for url in (first, second)]
    for number in range(1, 6):
        publish_shop(home, f"20261122T18000{number}Z", CUSTOMERS[: 10 + number])
        for visitor in visitors:
            visitor.page.reload()
            visitor.page.locator("h1").first.wait_for()
            assert visitor.metric("Customers") == str(10 + number)
    publish_shop(home, "20261122T180009Z", CUSTOMERS[:99])
    for visitor in visitors:
        customers = visitor.page.get_by_test_id("stMetric").filter(has_text="Customers")
        expect(customers.get_by_test_id("stMetricValue")).to_have_text("99", timeout=20_000)
