import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect
from visitor import CUSTOMERS

pytestmark = pytest.mark.browser


def test_somebody_is_found_and_everything_about_them_is_told(
    address: str, visit: Any, shoot: Callable[..., None]
) -> None:
    visitor = visit(f"{address}/customers")
    page = visitor.page
    expect(page.get_by_text("Who was last in touch, of 400")).to_be_visible()
    page.get_by_placeholder("A name, a phone").fill("0018")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 customer found, of 400")).to_be_visible()
    assert "q=0018" in page.url
    assert CUSTOMERS[18]["name"] in visitor.cells()
    visitor.choose_row(0)
    expect(page.get_by_role("heading", name=CUSTOMERS[18]["name"])).to_be_visible()
    assert "customer=c0018" in page.url
    assert visitor.metric("Net revenue") == f"USD {CUSTOMERS[18]['net_revenue']:,.2f}"
    expect(page.get_by_text("3 paid orders, ever")).to_be_visible()
    assert "Здравствуйте! Мой номер" in " ".join(visitor.cells())
    page.get_by_role("button", name="Orders", exact=True).click()
    expect(page).to_have_url(re.compile("kind=order"))
    expect(page.get_by_test_id("stDataFrame").first.locator("[role=gridcell]").nth(1)).to_have_text("Order")
    assert set(visitor.cells()[1::5]) == {"Order"}
    shoot(visitor, "customer")
    page.get_by_role("button", name="All customers").click()
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()


def test_a_name_is_shown_as_it_is_written_and_an_unknown_id_says_what_to_do(address: str, visit: Any) -> None:
    visitor = visit(f"{address}/customers?customer=c0003")
    expect(visitor.page.get_by_role("heading", name="=cmd|'/c calc'!A0")).to_be_visible()
    visitor = visit(f"{address}/customers?customer=nobody&lang=ru")
    expect(visitor.page.get_by_text("Клиента с номером nobody нет")).to_be_visible()
