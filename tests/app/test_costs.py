import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from wabench import published
from wabench.settings import load

pytestmark = pytest.mark.browser

FIGURES = """
    select
        sum(cost)::double as cost,
        count(delivered_at) as delivered,
        count(*) as messages,
        count(*) filter (where cost is null) as unknown,
        count(distinct customer_id) filter (where cost is null) as customers,
        count(distinct customer_id) filter (where provider = 'meta') as through_meta
    from fct_messages
    where direction = 'out' and accepted_at >= $since and accepted_at < $until
"""


def test_the_page_is_walked_from_its_figures_to_the_customers_behind_them(
    address: str, shop: Path, visit: Any, shoot: Callable[..., None]
) -> None:
    version = published.current(load({"WABENCH_HOME": str(shop)}))
    expected = version.one(FIGURES, {"since": version.as_of - timedelta(days=90), "until": version.as_of})
    visitor = visit(f"{address}/costs?window=90d")
    page = visitor.page
    assert visitor.metric("Cost") == f"USD {expected['cost']:,.2f}"
    assert visitor.metric("Per delivered") == f"USD {expected['cost'] / expected['delivered']:.4f}"
    expect(page.get_by_text(f"{expected['unknown']} of {expected['messages']:,} messages have no cost")).to_be_visible()
    page.get_by_text("Show the customers behind them").click()
    unknown = page.locator(".st-key-behind_unknown_cost")
    expect(unknown.get_by_text(f"{expected['customers']} customers behind messages without a cost")).to_be_visible()

    page.get_by_role("radio", name="Provider", exact=True).click()
    expect(page).to_have_url(re.compile("by=provider"))
    visitor.click_point("cost_by", 0)
    behind = page.locator(".st-key-behind_cost_by")
    expect(behind.get_by_text(f"{expected['through_meta']} customers behind meta")).to_be_visible()

    expect(page.get_by_text("640 messages in Oct 2026; charged USD 38.40")).to_be_visible()
    expect(page.get_by_text("Cheapest: meta direct at USD 38.40")).to_be_visible()
    expect(page.get_by_text("zenvia · monthly · free messages, Nov 2026: 450 / 500 (90.0%)")).to_be_visible()
    visitor.choose("Month", "Nov 2026")
    expect(page).to_have_url(re.compile("month=2026-11"))
    expect(page.get_by_text("The month is not over")).to_be_visible()
    visitor.settle()
    with page.expect_download() as started:
        page.locator(".st-key-chart_plan_costs").get_by_role("button", name="CSV").click()
    assert "zenvia monthly" in started.value.path().read_text(encoding="utf-8")
    shoot(visitor, "costs")
