"""Campaigns and Templates as one works with them: two texts planned, tested, taken back; a template looked at."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update
from visitor import Visitor, running_app

from wabench.campaigns import ledger
from wabench.campaigns import plan as planning
from wabench.campaigns.schema import CampaignState, SendState, campaigns, sends
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


def test_what_failed_for_a_passing_reason_is_planned_again_from_the_page_of_its_campaign(
    home: Path, url: str, visit: Any, shoot: Callable[..., None]
) -> None:
    settings = load({"WABENCH_HOME": str(home)})
    old = planning.plan(settings, "spring", "frequent_buyers", "gift", ["name=name", "value=literal:cup"]).campaign
    with ledger.opened(settings) as opened, opened.writing() as connection:
        ids = connection.scalars(select(sends.c.send_id).where(sends.c.campaign_id == old.campaign_id)).all()
        failed_at = datetime.now(UTC) - timedelta(hours=2)
        for number, send_id in enumerate(ids):
            failed = {"failed_at": failed_at, "failed_code": "131050" if number == 0 else "131000"}
            sent = {"state": SendState.ACCEPTED, "reason": None, "claimed_at": failed_at}
            connection.execute(update(sends).where(sends.c.send_id == send_id).values(**failed, **sent))
        connection.execute(update(campaigns).values(status=CampaignState.FINISHED))
    passing = len(ids) - 1
    assert passing > 1
    visitor = visit(f"{url}/campaigns?campaign={old.name}")
    page = visitor.page
    expect(page.get_by_text("What may be tried again")).to_be_visible()
    shoot(visitor, "campaign_failures")
    visitor.settle()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(re.compile(f"{passing} customers, with the text"))).to_be_visible()
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("heading", name=f"{old.name}_again", exact=True)).to_be_visible()
    with ledger.opened(settings) as opened:
        again = opened.campaign(f"{old.name}_again")
        assert sum(each.sends for each in opened.tally(again.campaign_id)) == passing
    assert (again.retry_of, again.status) == (old.campaign_id, CampaignState.PLANNED)
