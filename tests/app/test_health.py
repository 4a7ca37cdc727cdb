import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from wabench.campaigns import ledger
from wabench.settings import load

pytestmark = pytest.mark.browser


def test_the_page_is_walked_from_its_figures_to_the_audit(
    address: str, shop: Path, visit: Any, shoot: Callable[..., None]
) -> None:
    settings = load({"WABENCH_HOME": str(shop)})
    with ledger.opened(settings) as opened:
        opened.record("ольга", "approve", datetime(2026, 11, 22, 12, tzinfo=UTC), detail="spring")
        opened.record("webhook meta:1", "opted_out", datetime(2026, 11, 22, 12, tzinfo=UTC))
    visitor = visit(f"{address}/health")
    page = visitor.page
    assert visitor.metric("Tests passed") == "2 / 3"
    assert visitor.metric("Silent sources") == "0 / 2"
    assert visitor.metric("Rejected") == "3"
    assert visitor.metric("Failed refreshes") == "1"
    expect(page.get_by_text("A statement about the data does not hold.")).to_be_visible()
    expect(page.get_by_text("магазин: 3 records of the last 7 days could not be read")).to_be_visible()
    expect(page.get_by_text("from raw.rejected")).to_be_visible()
    visitor.settle()
    with page.expect_download() as started:
        page.locator(".st-key-chart_freshness").get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(started.value.path().read_text(encoding="utf-8"))))
    assert [(row["source"], row["rejected"]) for row in rows] == [("магазин", "3"), ("meta", "0")]

    visitor.choose("Who", "ольга", "stMultiSelect")
    expect(page).to_have_url(re.compile("who="))
    page.keyboard.press("Escape")
    visitor.settle()
    with page.expect_download() as started:
        page.get_by_role("button", name="All as CSV").click()
    text = started.value.path().read_text(encoding="utf-8")
    assert "2026-11-22T12:00:00+00:00,ольга,approve,,spring," in text.replace('"', "")
    assert "webhook" not in text
    shoot(visitor, "health")
