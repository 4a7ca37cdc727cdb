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
from sqlalchemy import select
from visitor import CUSTOMERS, VERSION, Visitor

from wabench import segments
from wabench.campaigns import ledger
from wabench.campaigns.schema import audit
from wabench.segments.rules import AllOf, AnyOf, Leaf, Operator
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
    visitor.page.get_by_role("button", name="Export").click()
    content = download(visitor.page, "Download CSV")
    manifest = json.loads(download(visitor.page, "Manifest"))
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
    assert [row["customer_id"] for row in rows] == [person["customer_id"] for person in found]
    assert all(not row["phone"].startswith("+") for row in rows)
    assert (manifest["rows"], manifest["version"], manifest["complete"]) == (len(found), VERSION, True)
    assert manifest["sha256"] == sha256(content).hexdigest()


def test_a_nested_rule_is_built_saved_found_again_and_explained(
    address: str, shop: Path, visit: Any, shoot: Callable[..., None]
) -> None:
    settings = load({"WABENCH_HOME": str(shop)})
    visitor = visit(f"{address}/segments?by=rule")
    page = visitor.page
    expect_customers(visitor, 400)
    page.get_by_role("button", name="Condition").click()
    choose(page, "What", "Orders, ever")
    number(page, "Value", "3")
    expect_customers(visitor, len([p for p in CUSTOMERS if p["orders"] >= 3]))

    page.get_by_role("button", name="Group").click()
    choose(page, "What", "Engagement", 1)
    choose(page, "Values", "cold")
    cold = [p for p in CUSTOMERS if p["orders"] >= 3 and p["engagement_tag"] == "cold"]
    expect_customers(visitor, len(cold))
    page.get_by_role("button", name="Condition").nth(1).click()
    choose(page, "What", "Country", 2)
    choose(page, "Values", "BR", 1)
    page.get_by_text("or not known").nth(2).click()
    found = [
        p for p in CUSTOMERS if p["orders"] >= 3 and (p["engagement_tag"] == "cold" or p["country"] in ("BR", None))
    ]
    expect_customers(visitor, len(found))
    shoot(visitor, "segments-rule")

    save(page, "cold_or_brazil", "Частые покупатели")
    expect(page.get_by_text("Saved as segments/cold_or_brazil.yml")).to_be_visible()
    expect_customers(visitor, len(found))
    assert segments.load(settings, "cold_or_brazil") == segments.Segment(
        "cold_or_brazil",
        "Частые покупатели",
        AllOf((
            Leaf("orders", Operator.AT_LEAST, ("3",)),
            AnyOf((Leaf("engagement_tag", Operator.IS, ("cold",)), Leaf("country", Operator.IS, ("BR",), unset=True))),
        )),
    )  # fmt: skip
    with ledger.opened(settings) as opened, opened.reading() as connection:
        assert connection.execute(select(audit.c.action)).scalars().all()[-1] == "save segment"

    somebody = next(p for p in found if p["engagement_tag"] != "cold" and p["country"] == "BR")
    page.get_by_role("radio", name="Why somebody").click()
    page.get_by_label("Who", exact=True).fill(somebody["customer_id"])
    page.get_by_label("Who", exact=True).press("Enter")
    expect(page.get_by_text("is in it", exact=False).first).to_be_visible()
    expect(page.get_by_text("decides").first).to_be_visible()
    shoot(visitor, "segments-why")

    page.get_by_role("button", name="Go on as a rule").click()
    expect(page.get_by_text("Going on with cold_or_brazil")).to_be_visible()
    visitor.settle()
    again = visit(page.url)
    expect_customers(again, len(found))


def test_what_a_segment_shares_and_costs_is_looked_at(address: str, visit: Any, shoot: Callable[..., None]) -> None:
    visitor = visit(f"{address}/segments?by=saved&segment=frequent_buyers&look=overlap&with=cold_90d")
    both = matching(frequency_tag={"monthly"}, engagement_tag={"cold"})
    assert str(len(both)) in visitor.cells()
    visitor.page.get_by_role("radio", name="Cost", exact=True).click()
    visitor.settle()
    reached = [p for p in matching(frequency_tag={"monthly"}) if p["is_reachable"]]
    expect(visitor.page.get_by_text(f"of the {len(reached)} reachable")).to_be_visible()
    shoot(visitor, "segments-cost")
    expect(visitor.page.get_by_text("Three or more paid orders in the last 90 days").first).to_be_visible()


def test_wrong_input_is_answered_in_words(address: str, shop: Path, visit: Any) -> None:
    visitor = visit(f"{address}/segments")
    page = visitor.page
    for name, answer in (("Bad Name!", "can't name a segment"), ("cold_90d", "already saved")):
        save(page, name, "")
        expect(page.get_by_text(answer)).to_be_visible()
        page.keyboard.press("Escape")
    (shop / "segments" / "broken.yml").write_text("name: broken\nwhere: {field: ordrs, is: 1}\n", encoding="utf-8")
    broken = visit(f"{address}/segments?by=saved&segment=broken").page
    expect(broken.get_by_text("no field is called 'ordrs'; did you mean 'orders'?")).to_be_visible()
    (shop / "segments" / "broken.yml").unlink()
    torn = visit(f"{address}/segments?by=rule&rule=eNoAAAA").page
    expect(torn.get_by_text("the link holds no rule; it may have been cut short")).to_be_visible()


def test_a_filter_that_matches_nobody_says_so(address: str, visit: Any, shoot: Callable[..., None]) -> None:
    visitor = visit(f"{address}/segments?frequency=none&order_value=high")
    expect(visitor.page.get_by_text("Nobody matches. Take a condition away.")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Export")).to_be_disabled()
    shoot(visitor, "segments-nobody")


def save(page: Page, name: str, about: str) -> None:
    page.get_by_role("button", name="Save").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("What it is for").fill(about)
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Save").click()


def choose(page: Page, label: str, option: str, nth: int = 0) -> None:
    """Choose an option in the nth of the lists with this label."""
    page.get_by_role("combobox", name=re.compile(label)).nth(nth).click()
    page.keyboard.type(option)  # while a list is open, the others are hidden from roles
    page.get_by_role("option", name=option, exact=True).click()
    if label == "Values":
        page.keyboard.press("Escape")  # a list of several stays open


def number(page: Page, label: str, value: str, nth: int = 0) -> None:
    box = page.get_by_role("spinbutton", name=label).nth(nth)
    box.fill(value)
    box.press("Enter")


def download(page: Page, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(waiting.value.path()).read_bytes()
