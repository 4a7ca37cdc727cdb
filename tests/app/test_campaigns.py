"""Campaigns and Templates as one works with them: two texts planned, tested, taken back; a template looked at."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from visitor import Visitor, running_app

from wabench.campaigns import ledger
from wabench.campaigns.schema import CampaignState
from wabench.settings import load

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of its own, for campaigns are planned in it."""
    home = tmp_path_factory.mktemp("campaigns") / "shop"
    shutil.copytree(shop, home, symlinks=True)
    (home / "wabench.toml").write_text(
        "first_share_customers = 4\n"
        + (home / "wabench.toml").read_text()
        + '[templates.gift]\nbody = "Hi {{name}}, a gift of {{value}} waits for you."\n'
    )
    return home


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    with running_app(home) as url:
        yield url


def choose(visitor: Visitor, label: str, option: str) -> None:
    visitor.settle()
    page = visitor.page
    page.get_by_role("combobox", name=re.compile(re.escape(label))).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_two_texts_are_planned_tested_and_taken_back(
    home: Path, url: str, visit: Any, shoot: Callable[..., None]
) -> None:
    visitor = visit(f"{url}/campaigns?new=frequent_buyers")
    page = visitor.page
    page.get_by_text("Try two texts").click()
    choose(visitor, "Template of b", "gift")
    choose(visitor, "{{2}}", "a text, the same for all")
    page.get_by_label("Text for all").first.fill("20 %")
    page.keyboard.press("Tab")
    choose(visitor, "{{value}}", "Country")
    expect(page.get_by_text("our spring sale has begun: 20 % off until Sunday").first).to_be_visible()
    expect(page.get_by_text(re.compile("a gift of (RU|BR|NO) waits for you")).first).to_be_visible()
    page.get_by_text("To each at their own best hour").click()
    visitor.settle()
    page.get_by_label(re.compile("It pauses itself when it has cost")).fill("50")
    page.keyboard.press("Tab")
    visitor.settle()
    page.get_by_text("A canary first").click()
    visitor.settle()
    page.get_by_text("The rest gets the better text").click()
    visitor.settle()
    page.get_by_role("textbox", name="Name").fill("two texts")
    page.keyboard.press("Tab")
    shoot(visitor, "campaign_variants")
    visitor.settle()
    page.get_by_role("button", name="Plan and simulate").click()
    expect(page.get_by_role("heading", name="two texts", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("to each at their best hour · up to .*50"))).to_be_visible()
    expect(page.get_by_text("a · 50% · spring_sale · en")).to_be_visible()
    expect(page.get_by_role("heading", name="Stages")).to_be_visible()
    assert {"A canary", "Trying the texts", "the rest waits"} <= set(visitor.cells())
    shoot(visitor, "campaign_stages")
    with ledger.opened(load({"WABENCH_HOME": str(home)})) as opened:
        campaign = opened.campaign("two texts")
    assert {text.variant: text.template_body for text in campaign.variants} == {
        "a": "Hi {{1}}, our spring sale has begun: 20 % off until Sunday.",
        "b": "Hi {{name}}, a gift of {{value}} waits for you.",
    }
    visitor.click_point("outcomes", 0)
    expect(page.get_by_text(re.compile(r"\d+ customers? behind two texts: "))).to_be_visible()
    page.get_by_role("button", name="Test every message").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    visitor.settle()
    page.get_by_role("button", name="Cancel it").click()
    page.get_by_role("button", name="Cancel for good").click()
    expect(page.get_by_text("cancelled", exact=True).first).to_be_visible()
    with ledger.opened(load({"WABENCH_HOME": str(home)})) as opened:
        assert opened.campaign("two texts").status is CampaignState.CANCELLED
    page.get_by_role("button", name="All campaigns").click()
    expect(page.get_by_role("heading", name="All campaigns")).to_be_visible()
    assert {"two texts", "cancelled", "frequent_buyers"} <= set(visitor.cells())
    shoot(visitor, "campaigns")


def test_a_campaign_that_is_not_there_says_so_and_leads_back(url: str, visit: Any) -> None:
    visitor = visit(f"{url}/campaigns?campaign=tow+texts")
    expect(visitor.page.get_by_text("there is no campaign 'tow texts'")).to_be_visible()
    visitor.page.get_by_role("button", name="All campaigns").click()
    expect(visitor.page.get_by_role("button", name="New campaign")).to_be_visible()


def test_a_template_tells_its_state_its_text_and_what_stands_against_it(
    url: str, visit: Any, shoot: Callable[..., None]
) -> None:
    visitor = visit(f"{url}/templates")
    assert visitor.metric("Templates") == "4"
    assert visitor.metric("Not approved") == "1"
    visitor.choose_row(0)
    expect(visitor.page.get_by_role("heading", name="spring_sale")).to_be_visible()
    expect(visitor.page.get_by_text("our spring sale has begun")).to_be_visible()
    expect(visitor.page.get_by_text("no example for 1, 2")).to_be_visible()
    expect(visitor.page.get_by_text("No campaign used it yet.")).to_be_visible()
    shoot(visitor, "template")
