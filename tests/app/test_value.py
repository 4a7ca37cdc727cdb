import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from visitor import CUSTOMERS

from wabench.ltv_tables import range_of_sum

pytestmark = pytest.mark.browser


def test_the_page_is_walked_from_its_figures_to_the_customers_behind_them(
    address: str, shop: Path, visit: Any, shoot: Callable[..., None]
) -> None:
    valued = [person for person in CUSTOMERS if person.get("ltv_expected_12m") is not None]
    expected = sum(person["ltv_expected_12m"] for person in valued)
    variance = sum(person["ltv_expected_12m_variance"] for person in valued)
    low, high = range_of_sum(float(expected), variance, 0.1)
    visitor = visit(f"{address}/value")
    page = visitor.page
    assert visitor.metric("Expected in 12 months") == f"USD {expected:,.0f}"
    expect(page.get_by_text(f"80 % range USD {low:,.0f} to USD {high:,.0f}")).to_be_visible()
    assert visitor.metric("Expected of one") == f"USD {expected / len(valued):,.2f}"
    expect(page.get_by_text("nearer in 1 of 2 quarters")).to_be_visible()
    expect(page.get_by_text("held what came in 1 of 2 quarters; it was off by -35.0% to +10.0%")).to_be_visible()

    page.get_by_role("radio", name="Order value", exact=True).click()
    expect(page).to_have_url(re.compile("method=order_value"))
    visitor.click_point("tags", 0)
    low_spenders = sum(person["order_value_tag"] == "low" for person in CUSTOMERS)
    expect(page.locator(".st-key-behind_tags").get_by_text(f"{low_spenders} customers behind low")).to_be_visible()

    visitor.click_point("rfm", 0)
    behind = page.locator(".st-key-behind_rfm")
    expect(behind.get_by_text("behind recency 5, frequency")).to_be_visible()
    visitor.settle()
    with page.expect_download() as started:
        behind.get_by_role("button", name="All as CSV").click()
    assert "•••• " in started.value.path().read_text(encoding="utf-8")

    page.get_by_role("radio", name="Net revenue per customer", exact=True).click()
    expect(page).to_have_url(re.compile("cohorts=revenue"))
    visitor.settle()
    with page.expect_download() as started:
        page.locator(".st-key-chart_deciles").get_by_role("button", name="CSV").click()
    assert started.value.path().read_text(encoding="utf-8").count("\n") == 11
    shoot(visitor, "value")
