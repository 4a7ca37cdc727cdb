"""Who waits is read and answered, once, through a sandbox; the figures are what SQL counts."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from campaign_shop import CHANNEL, TOML, sandbox_log, serving
from playwright.sync_api import expect
from processes import SECRETS, free_port
from published_shop import customer, publish_shop
from visitor import VERSION

pytestmark = pytest.mark.browser

WROTE_NOW = """
    update fct_dialogs set last_inbound_at = now()::timestamp - interval 5 minute where customer_id = 'c0001';
    update fct_messages
    set received_at = now()::timestamp - interval 5 minute, direction = 'in', body_text = 'Есть размер *M*?',
        provider = 'meta', template_name = null, accepted_at = null, delivered_at = null, read_at = null
    where message_key = 'm1'
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop where one of those who wait has written just now."""
    path = publish_shop(tmp_path, VERSION, [customer(number) for number in range(120)])
    with duckdb.connect(path) as connection:
        connection.execute(WROTE_NOW)
    return tmp_path


@pytest.fixture
def log(shop: Path) -> Iterator[Path]:
    """What the sandbox accepted; the shop's provider is there."""
    port, log = free_port(), shop / "sandbox.ndjson"
    url = f"http://127.0.0.1:{port}"
    (shop / "wabench.toml").write_text(TOML.format(channel=CHANNEL, base_url=f"{url}/meta"), encoding="utf-8")
    environ = {**os.environ, "WABENCH_HOME": str(shop), **SECRETS}
    with serving(["sandbox", "--port", str(port), "--log", str(log)], environ, url):
        yield log


def test_who_waits_is_answered_once_and_the_figures_lead_to_their_customers(
    shop: Path, log: Path, serve: Any, visit: Any, shoot: Any
) -> None:
    address = serve(shop)
    visitor = visit(f"{address}/support")
    page = visitor.page
    assert (visitor.metric("Waiting"), visitor.metric("Over 2 hours")) == ("9", "7")
    expect(page.get_by_text("in red; what is answered here shows at once")).to_be_visible()

    page.get_by_text("Only in the open window").click()
    expect(page.get_by_text("1 of 9 who wait")).to_be_visible()
    visitor.choose_row(0)
    dialog = page.locator(".st-key-dialog")
    expect(dialog.get_by_text("Есть размер *M*?")).to_be_visible()
    expect(dialog.get_by_text("A rehearsal: it goes to the sandbox of meta")).to_be_visible()
    assert "dialog=c0001" in page.url
    assert "open=true" in page.url

    page.get_by_label("Canned reply").fill("in stock · ru")
    page.keyboard.press("Enter")
    answer = page.get_by_label("Your answer")
    expect(answer).to_have_value("José, да, есть в наличии. Отложить для вас?")
    answer.fill("José, да, размер M есть.")
    answer.press("Tab")
    expect(page.get_by_role("button", name="Send", exact=False)).to_be_enabled()
    page.get_by_role("button", name="Send").dblclick()
    expect(dialog.get_by_text("Sent: the provider took it.")).to_be_visible()
    expect(answer).to_have_value("")
    expect(dialog.get_by_role("paragraph").filter(has_text="José, да, размер M есть.")).to_be_visible()
    cells = page.get_by_test_id("stDataFrame").first.locator("canvas [role=gridcell]")
    expect(cells.filter(has_text="answered").first).to_be_attached()
    assert [(line["to"], line["text"]) for line in sandbox_log(log)] == [("+5511900000001", "José, да, размер M есть.")]
    shoot(visitor, "support")

    visitor.click_point("chart_waits", 0)
    expect(page.locator(".st-key-behind_waits")).to_contain_text("customers behind")
    visitor.page.goto(f"{address}/support?dialog=c0018")
    expect(page.get_by_text("The window closed")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_have_count(0)
