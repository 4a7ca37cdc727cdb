import csv
import io
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
        count(*) filter (where direction = 'out') as accepted,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(failed_at) as failed,
        count(distinct customer_id) filter (where failed_at is not null and provider = 'meta' and error_code = '131026')
            as unreached,
        count(*) filter (where direction = 'in') as inbound
    from fct_messages
    where coalesce(accepted_at, received_at) >= $since and coalesce(accepted_at, received_at) < $until
"""


def test_the_page_is_walked_from_its_figures_to_the_customers_behind_them(
    address: str, shop: Path, visit: Any, shoot: Callable[..., None]
) -> None:
    version = published.current(load({"WABENCH_HOME": str(shop)}))
    expected = version.one(FIGURES, {"since": version.as_of - timedelta(days=90), "until": version.as_of})
    visitor = visit(f"{address}/messages?window=90d")
    page = visitor.page
    assert visitor.metric("Accepted") == f"{expected['accepted']:,}"
    assert visitor.metric("Delivery rate") == f"{expected['delivered'] / expected['accepted']:.1%}"
    assert visitor.metric("Read rate") == f"{expected['read'] / expected['delivered']:.1%}"
    assert visitor.metric("Inbound") == f"{expected['inbound']:,}"
    expect(page.get_by_text(f"{expected['failed']:,} of {expected['accepted']:,} accepted")).to_be_visible()
    expect(page.get_by_text("No WhatsApp at this number").first).to_be_visible()

    page.get_by_role("radio", name="Reply", exact=True).click()
    expect(page).to_have_url(re.compile("hours=reply"))
    page.get_by_role("radio", name="Length", exact=True).click()
    expect(page).to_have_url(re.compile("by=length_band"))
    expect(page.get_by_text("is best").first).to_be_visible()
    shoot(visitor, "messages")

    visitor.settle()
    with page.expect_download() as started:
        page.locator(".st-key-chart_failures").get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(started.value.path().read_text(encoding="utf-8"))))
    assert sum(int(row["failed"]) for row in rows) == expected["failed"]
    place = next(i for i, row in enumerate(rows) if (row["provider"], row["error_code"]) == ("meta", "131026"))
    visitor.click_point("failures", place)
    behind = page.locator(".st-key-behind_failures")
    expect(behind.get_by_text(f"{expected['unreached']} customers behind meta 131026")).to_be_visible()
    visitor.click_point("heat", 0)
    expect(page.locator(".st-key-behind_heat").get_by_text("behind Mon 0:00")).to_be_visible()
