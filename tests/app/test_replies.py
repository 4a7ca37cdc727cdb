"""Rules are tried, edited and saved; what is wrong with a row is told and can't be saved."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from visitor import Visitor

from wabench.replies import files
from wabench.settings import load

pytestmark = pytest.mark.browser


def rename_first_rule(visitor: Visitor, name: str) -> None:
    """Type into a cell of the editor, which is drawn on a canvas."""
    visitor.settle()
    grid = visitor.page.get_by_test_id("stDataFrame").first
    grid.evaluate("grid => grid.scrollIntoView({block: 'center'})")
    box = grid.bounding_box()
    assert box is not None
    visitor.page.mouse.dblclick(box["x"] + 90, box["y"] + 36 + 17)
    cell = visitor.page.locator("#portal").locator("textarea, input").first
    cell.fill(name)
    cell.press("Enter")


def test_a_text_is_tried_and_rules_are_changed_once_they_are_right(
    address: str, shop: Path, visit: Any, shoot: Any
) -> None:
    visitor = visit(f"{address}/replies?text=%D0%93%D0%B4%D0%B5+%D0%BC%D0%BE%D0%B9+%D0%97%D0%90%D0%9A%D0%90%D0%97")
    page = visitor.page
    verdict = page.locator(".st-key-verdict")
    expect(verdict).to_contain_text("order_ru answers: hand over to a person")
    expect(verdict).to_contain_text("Anna, смотрим, где ваш заказ")
    expect(verdict).to_contain_text("Also matches, and is silent: away_ru")
    rename_first_rule(visitor, "person_en")
    expect(page.get_by_text("row 2, rule: 'person_en' is row 1's name already")).to_be_visible()
    save = page.get_by_role("button", name="Save").first
    expect(save).to_be_disabled()
    rename_first_rule(visitor, "a_person")
    expect(page.get_by_text("Not saved yet; what is below goes by the table as it stands.")).to_be_visible()
    save.click()
    expect(page.get_by_text("Your own, in replies.csv.", exact=True)).to_be_visible()
    settings = load({"WABENCH_HOME": str(shop)})
    assert [rule.rule for rule in files.load_rules(settings)[0]][:3] == ["a_person", "person_en", "person_pt"]
    page.get_by_label("A customer writes").fill("стоп")
    page.get_by_label("A customer writes").press("Enter")
    expect(verdict).to_contain_text("It says STOP")
    assert int(visitor.metric("Messages")) > 0
    visitor.click_point("chart_rule_hits", 0)
    expect(page.locator(".st-key-behind_rule_hits")).to_contain_text("behind thanks")
    shoot(visitor, "replies")
    settings.paths.replies.unlink()
