import itertools
from pathlib import Path
from typing import Any

import pytest
from published_shop import customer, publish_shop

from wabench import published, views
from wabench.published import Published
from wabench.settings import Settings


@pytest.fixture
def version(home: Path, settings: Settings) -> Published:
    publish_shop(home, "20261122T180000Z", [customer(number) for number in range(60)])
    return published.current(settings)


def headline(version: Published, days: int) -> dict[str, Any]:
    return views.rows(version, "headline", views.headline_window(version, days))[0]


def revenue(version: Published, days: int, zone: str) -> list[dict[str, Any]]:
    return views.windowed(version, "revenue", days, grain=views.grain(days), zone=zone)


@pytest.mark.parametrize("window", views.WINDOWS)
def test_revenue_over_time_adds_up_to_the_headline(window: str, version: Published) -> None:
    days = views.WINDOWS[window]
    total = headline(version, days)
    periods = revenue(version, days, "America/Sao_Paulo")
    assert sum(row["net_revenue"] for row in periods) == total["net_revenue"]
    assert sum(row["attributed"] for row in periods) == total["attributed_net_revenue"]


def test_a_window_is_half_open_and_the_one_before_it_ends_where_it_begins(version: Published) -> None:
    month, two = headline(version, 30), headline(version, 60)
    assert month["net_revenue"] + month["net_revenue_before"] == two["net_revenue"]
    assert month["orders"] + month["orders_before"] == two["orders"]


@pytest.mark.parametrize("window", ["365d", "all"])
def test_a_window_is_not_compared_with_one_the_orders_do_not_reach(window: str, version: Published) -> None:
    assert headline(version, views.WINDOWS[window])["net_revenue_before"] is None


def test_periods_have_no_gaps_and_are_the_shops_own_days(version: Published) -> None:
    days = [row["period"] for row in revenue(version, 7, "Pacific/Auckland")]
    assert [(after - before).days for before, after in itertools.pairwise(days)] == [1] * (len(days) - 1)
    assert days[-1].isoformat() == "2026-11-22T00:00:00"


def test_the_funnel_narrows(version: Published) -> None:
    for days in views.WINDOWS.values():
        [funnel] = views.windowed(version, "funnel", days)
        assert funnel["accepted"] >= funnel["delivered"] >= funnel["read"] >= funnel["replied"]


def test_each_facet_counts_every_customer_once(version: Published) -> None:
    facets = views.rows(version, "facets")
    for field in ("frequency_tag", "order_value_tag", "engagement_tag", "consent", "country"):
        assert sum(row["customers"] for row in facets if row["field"] == field) == 60


def test_every_view_answers_for_a_shop_without_anything(home: Path, settings: Settings) -> None:
    publish_shop(home, "20261122T190000Z", [], is_empty=True)
    version = published.current(settings)
    assert headline(version, 30)["net_revenue"] is None
    assert revenue(version, 30, "UTC") == []
    assert views.windowed(version, "funnel", 30)[0]["accepted"] == 0
    for view in ("alerts", "campaigns", "facets", "refreshes", "sources"):
        assert views.rows(version, view) == []
