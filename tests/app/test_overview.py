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
        (select count(*) from dim_customers) as customers,
        (select sum(net) from fct_orders where ordered_at >= $since and ordered_at < $until) as net,
        (select sum(net) from fct_orders
         where attributed_message_key is not null and ordered_at >= $since and ordered_at < $until) as attributed,
        (select count(*) from fct_messages
         where direction = 'out' and accepted_at >= $since and accepted_at < $until) as accepted,
        (select count(*) from fct_messages where delivered_at is not null and accepted_at >= $since) as delivered,
        (select count(*) from fct_messages where read_at is not null and accepted_at >= $since) as read,
        (select count(*) from fct_messages where is_replied and accepted_at >= $since) as replied
"""


def asked_of_sql(shop: Path, days: int) -> dict[str, Any]:
    version = published.current(load({"WABENCH_HOME": str(shop)}))
    return version.one(FIGURES, {"since": version.as_of - timedelta(days=days), "until": version.as_of})


def test_every_figure_is_what_sql_counts(address: str, shop: Path, visit: Any, shoot: Callable[..., None]) -> None:
    visitor = visit(address)
    for days in (30, 7):
        visitor.page.get_by_role("radio", name=f"{days}d", exact=True).click()
        expect(visitor.page.get_by_text(f"paid orders, last {days} days")).to_be_visible()
        expected = asked_of_sql(shop, days)
        assert visitor.metric("Customers") == f"{expected['customers']:,}"
        assert visitor.metric("Net revenue") == f"USD {expected['net']:,.0f}"
        assert visitor.metric("From messages") == f"USD {expected['attributed']:,.0f}"
        assert visitor.metric("Read rate") == f"{expected['read'] / expected['delivered']:.1%}"
        assert visitor.metric("Reply rate") == f"{expected['replied'] / expected['delivered']:.1%}"
        funnel = visitor.page.locator(".st-key-funnel")
        for part, whole in (("delivered", "accepted"), ("read", "delivered"), ("replied", "delivered")):
            expect(funnel).to_contain_text(f"{expected[part]:,} · {expected[part] / expected[whole]:.1%} of {whole}")
        assert ("window=7d" in visitor.page.url) == (days == 7)
        shoot(visitor, f"overview-{days}d")


def test_a_rate_says_what_it_is_a_share_of_and_a_figure_its_window_and_moment(address: str, visit: Any) -> None:
    visitor = visit(f"{address}/?window=90d")
    expect(visitor.page.get_by_text("90 days up to 22 Nov 2026, 15:00 UTC−3; amounts in USD")).to_be_visible()
    expect(visitor.page.get_by_text("delivered, last 90 days").first).to_be_visible()
    expect(visitor.page.get_by_text(re.compile(r"Data as of\s+22 Nov 2026, 15:00 UTC−3"))).to_be_visible()


def test_alerts_say_what_to_do_and_names_are_shown_as_written(address: str, visit: Any) -> None:
    visitor = visit(address)
    alerts = visitor.page.get_by_test_id("stAlert")
    expect(alerts.first).to_contain_text("Зимняя *акция*: 21.0% of 100 accepted failed, over 15%")
    expect(alerts.nth(1)).to_contain_text("магазин: 3 records of the last 7 days could not be read")


def test_campaigns_and_sources_are_listed(address: str, visit: Any) -> None:
    visitor = visit(address)
    campaigns = visitor.cells(0)
    for text in ("Осень: возвращение", "812 (96.7%)", "466 (57.4%)", "71 (8.7%)", "USD 50.40", "USD 3,120", "60.9"):
        assert text in campaigns
    assert {"магазин", "meta"} <= set(visitor.cells(1))
    expect(visitor.page.get_by_text("failed: nothing published: test not_null_x failed")).to_be_visible()


def test_a_refresh_that_published_nothing_is_told(address: str, shop: Path, visit: Any) -> None:
    lock = shop / "data" / "warehouse.lock"
    lock.write_text('{"pid": 999999999, "purpose": "refresh", "since": "2026-11-22T18:30:00+00:00"}')
    visitor = visit(address)
    expect(visitor.page.get_by_text("The refresh of 22 Nov 2026, 15:30 UTC−3 published nothing.")).to_be_visible()
    lock.unlink()


def test_a_click_on_a_chart_shows_the_customers_behind_it(address: str, shop: Path, visit: Any) -> None:
    version = published.current(load({"WABENCH_HOME": str(shop)}))
    since = version.as_of - timedelta(days=7)
    readers = """
        select count(distinct customer_id) as n from fct_messages
        where direction = 'out' and read_at is not null and accepted_at >= $since
    """
    visitor = visit(f"{address}/?window=7d")
    visitor.click_point("funnel", 2)
    box = visitor.page.locator(".st-key-behind_funnel")
    expect(box.get_by_text(f"{version.one(readers, {'since': since})['n']} customers behind Read")).to_be_visible()
    with visitor.page.expect_download() as started:
        box.get_by_role("button", name="All as CSV").click()
    text = started.value.path().read_text(encoding="utf-8")
    assert text.count("\n") - 1 == version.one(readers, {"since": since})["n"]
    assert "••••" in text
    assert "+5511" not in text


def test_the_page_speaks_russian_and_its_address_stays_the_same(address: str, visit: Any, shoot: Any) -> None:
    visitor = visit(f"{address}/?window=7d")
    visitor.page.get_by_role("radio", name="Русский").click()
    expect(visitor.page.get_by_role("heading", name="Обзор")).to_be_visible()
    expect(visitor.page.get_by_text("7 дней до 22 нояб. 2026, 15:00 UTC−3; суммы в USD")).to_be_visible()
    assert {"lang=ru", "window=7d"} <= set(visitor.page.url.partition("?")[2].split("&"))
    shoot(visitor, "overview-ru")
    again = visit(visitor.page.url)
    expect(again.page.get_by_role("heading", name="Обзор")).to_be_visible()
    again.page.get_by_role("link", name="Клиенты").click()
    expect(again.page.get_by_role("heading", name="Клиенты")).to_be_visible()
