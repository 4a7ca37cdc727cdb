import csv
import io
import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from visitor import CUSTOMERS, VERSION, Visitor

from wabench import segments
from wabench.campaigns import ledger
from wabench.segments.rules import AllOf, Leaf, Operator
from wabench.settings import load

pytestmark = pytest.mark.browser


def pick(page: Page, label: str, option: str) -> None:
    page.get_by_test_id("stButtonGroup").filter(has_text=label).get_by_role("button", name=option, exact=True).click()


def expect_customers(visitor: Visitor, count: int) -> None:
    value = visitor.page.get_by_test_id("stMetric").filter(has_text="Customers").get_by_test_id("stMetricValue")
    expect(value).to_have_text(f"{count:,}")


def matching(**chosen: set[str]) -> list[dict[str, Any]]:
    return [person for person in CUSTOMERS if all(person[field] in values for field, values in chosen.items())]


def test_filters_select_whom_they_name_and_live_in_the_address(
    address: str, visit: Any, shoot: Callable[..., None]
) -> None:
    visitor = visit(f"{address}/segments")
    expect_customers(visitor, 400)
    pick(visitor.page, "Frequency", "monthly")
    expect_customers(visitor, len(matching(frequency_tag={"monthly"})))
    pick(visitor.page, "Frequency", "rare")
    pick(visitor.page, "Order value", "high")
    found = matching(frequency_tag={"monthly", "rare"}, order_value_tag={"high"})
    expect_customers(visitor, len(found))
    assert visitor.metric("Reachable") == str(sum(person["is_reachable"] for person in found))
    assert visitor.metric("May get promotions") == str(
        sum(person["is_reachable"] and person["consent"] == "opted_in" for person in found)
    )
    shoot(visitor, "segments-filters")
    again = visit(visitor.page.url)
    expect_customers(again, len(found))
    again.page.get_by_text("Only who can be reached").click()
    expect_customers(again, sum(person["is_reachable"] for person in found))


def test_a_customer_without_a_country_is_found_as_not_known(address: str, visit: Any) -> None:
    visitor = visit(f"{address}/segments?country=BR&country=not+known")
    expect_customers(visitor, sum(person["country"] in ("BR", None) for person in CUSTOMERS))
    assert visitor.metric("Decided by unset values") == str(sum(person["country"] is None for person in CUSTOMERS))


def test_no_phone_is_ever_whole_on_the_page(address: str, visit: Any) -> None:
    visitor = visit(f"{address}/segments?frequency=monthly")
    cells = visitor.cells()
    assert any(re.fullmatch(r"•••• \d{4}", cell) for cell in cells)
    assert "Анна Петрова" in cells
    assert not re.search(r"\d{9}", " ".join(cells))
    assert "+5511" not in visitor.page.content()


def test_an_export_downloads_the_rows_on_the_screen_and_its_manifest(address: str, visit: Any) -> None:
    visitor = visit(f"{address}/segments?frequency=monthly&order_value=high")
    found = matching(frequency_tag={"monthly"}, order_value_tag={"high"})
    expect_customers(visitor, len(found))
    content = download(visitor.page, "Download CSV")
    manifest = json.loads(download(visitor.page, "Manifest"))
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
    assert [row["customer_id"] for row in rows] == [person["customer_id"] for person in found]
    assert all(not row["phone"].startswith("+") for row in rows)
    assert (manifest["rows"], manifest["version"], manifest["complete"]) == (len(found), VERSION, True)
    assert manifest["sha256"] == sha256(content).hexdigest()


def test_a_segment_is_saved_and_a_campaign_planned_for_it(
    address: str, shop: Path, visit: Any, shoot: Callable[..., None]
) -> None:
    settings = load({"WABENCH_HOME": str(shop)})
    visitor = visit(f"{address}/segments?frequency=monthly&consent=opted_in")
    page = visitor.page
    page.get_by_role("tab", name="Plan a campaign").click()
    expect(page.get_by_text("save these filters first")).to_be_visible()
    page.get_by_role("tab", name="Save as a segment").click()
    page.get_by_label("Name", exact=True).fill("loyal_and_willing")
    page.get_by_label("What it is for").fill("Частые покупатели")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as segments/loyal_and_willing.yml")).to_be_visible()
    assert segments.load(settings, "loyal_and_willing").where == AllOf(
        (Leaf("frequency_tag", Operator.IS, ("monthly",)), Leaf("consent", Operator.IS, ("opted_in",)))
    )
    audience = matching(frequency_tag={"monthly"}, consent={"opted_in"})
    expect_customers(visitor, len(audience))

    page.get_by_role("tab", name="Plan a campaign").click()
    choose(page, "{{2}} is", "a fixed text")
    page.get_by_label("Text", exact=True).fill("20 %")
    page.get_by_label("Campaign", exact=True).fill("spring")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.get_by_text("wabench campaign test spring")).to_be_visible()
    shoot(visitor, "segments-plan")
    with ledger.opened(settings) as opened:
        campaign = opened.campaign("spring")
        tally = {(each.state, each.reason): each.sends for each in opened.tally(campaign.campaign_id)}
    assert campaign.segment == "loyal_and_willing"
    assert sum(tally.values()) == len(audience)
    ready = sum(sends for (state, _), sends in tally.items() if state == "planned")
    expect(page.get_by_text(f"Planned: {ready:,} will be written to")).to_be_visible()


def test_wrong_input_is_answered_in_words(address: str, shop: Path, visit: Any) -> None:
    visitor = visit(f"{address}/segments")
    page = visitor.page
    for name, answer in (("Bad Name!", "can't name a segment"), ("cold_90d", "already saved")):
        page.get_by_role("tab", name="Save as a segment").click()
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text(answer)).to_be_visible()
    planning = visit(f"{address}/segments?by=saved&segment=cold_90d").page
    planning.get_by_role("tab", name="Plan a campaign").click()
    planning.get_by_role("button", name="Plan", exact=True).click()
    expect(planning.get_by_text("give the campaign a name")).to_be_visible()
    choose(planning, "Template", "old_sale")
    expect(planning.get_by_text("marketing, en, paused")).to_be_visible()
    planning.get_by_label("Campaign", exact=True).fill("late")
    planning.get_by_role("button", name="Plan", exact=True).click()
    expect(planning.get_by_text("is paused; only an approved one can be sent")).to_be_visible()
    (shop / "segments" / "broken.yml").write_text("name: broken\nwhere: {field: ordrs, is: 1}\n", encoding="utf-8")
    broken = visit(f"{address}/segments?by=saved&segment=broken").page
    expect(broken.get_by_text("no field is called 'ordrs'; did you mean 'orders'?")).to_be_visible()
    (shop / "segments" / "broken.yml").unlink()


def test_a_filter_that_matches_nobody_says_so(address: str, visit: Any, shoot: Callable[..., None]) -> None:
    visitor = visit(f"{address}/segments?frequency=none&order_value=high")
    expect(visitor.page.get_by_text("Nobody matches. Take a filter away.")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Download CSV")).to_be_disabled()
    shoot(visitor, "segments-nobody")


def test_a_saved_segment_is_shown_with_its_rule(address: str, visit: Any, shoot: Callable[..., None]) -> None:
    visitor = visit(f"{address}/segments?by=saved&segment=frequent_buyers")
    expect_customers(visitor, len(matching(frequency_tag={"monthly"})))
    expect(visitor.page.get_by_text("Three or more paid orders in the last 90 days").first).to_be_visible()
    shoot(visitor, "segments-saved")


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_test_id("stSelectbox").filter(has_text=label).locator("input").fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def download(page: Page, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(waiting.value.path()).read_bytes()
