"""A campaign from the app alone, on a demo's shop: planned, simulated, tested, approved, sent, and its ROI seen."""

import csv
import json
import re
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx
import processes
from playwright.sync_api import Page, expect
from visitor import Visitor

NAME = "walk"
BUYERS = 12


def prepare(home: Path) -> None:
    """Let the demo's customers be written to again at once, though its own campaign was minutes ago."""
    with (home / ".env").open("a") as file:
        file.write("WABENCH_PROMO_CAP_HOURS=0.00001\n")


@contextmanager
def rehearsal(home: Path) -> Iterator[str]:
    """Keep the demo's sandbox and a receiver up for a `with` block; gives the sandbox's address."""
    url = urlsplit(tomllib.loads((home / "wabench.toml").read_text())["providers"]["meta"]["base_url"])
    sandbox, receiver = f"http://{url.netloc}", processes.free_port()
    log = home / "data" / f"{NAME}.ndjson"
    started = [
        processes.start(home, "receive", "--port", str(receiver)),
        processes.start(home, "sandbox", "--port", str(url.port), "--webhook", f"http://127.0.0.1:{receiver}",
                        "--log", str(log), "--latency-ms", "20", "--fail-share", "0.04"),
    ]  # fmt: skip
    try:
        processes.await_http(f"http://127.0.0.1:{receiver}/healthz", started[0])
        processes.await_http(sandbox, started[1])
        yield sandbox
    finally:
        for process in started:
            processes.kill_group(process)


def walk(home: Path, url: str, visit: Callable[[str], Visitor], shoot: Callable[..., None]) -> None:
    """Do it all, and hold what the page says against the sandbox's own log and the published file."""
    visitor = visit(f"{url}/campaigns")
    with rehearsal(home) as sandbox:
        plan(visitor, shoot)
        approve_and_send(visitor, shoot)
        await_webhooks(sandbox)
    sent = [json.loads(line)["to"] for line in (home / "data" / f"{NAME}.ndjson").read_text().splitlines()]
    assert len(sent) == len(set(sent)) > 100
    buy(home, sent[:BUYERS])
    processes.run(home, "refresh")
    see_what_came(home, visitor, len(sent), shoot)


def plan(visitor: Visitor, shoot: Callable[..., None]) -> None:
    page = visitor.page
    page.get_by_role("button", name="New campaign").click()
    expect(page.get_by_role("heading", name="New campaign")).to_be_visible()
    page.get_by_role("combobox", name=re.compile("Segment")).click()
    page.get_by_role("option", name="reachable_opted_in", exact=True).click()
    expect(page.get_by_text(re.compile("ten per cent off everything until Sunday")).first).to_be_visible()
    expect(page.get_by_text("are held out")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill(NAME)
    page.keyboard.press("Tab")
    shoot(visitor, "campaign_new")
    visitor.settle()
    page.get_by_role("button", name="Plan and simulate").click()
    expect(page.get_by_role("heading", name=NAME, exact=True)).to_be_visible()
    assert int(visitor.metric("Reached").replace(",", "")) > 100
    expect(page.get_by_text(re.compile("Stands on 1 earlier campaign"))).to_be_visible()
    shoot(visitor, "campaign_planned")


def approve_and_send(visitor: Visitor, shoot: Callable[..., None]) -> None:
    page = visitor.page
    page.get_by_role("button", name="Test every message").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Start sending").click()
    expect(badge(page, "finished")).to_be_visible(timeout=60_000)  # nobody reloads it
    expect(page.get_by_text("What came of it")).to_be_visible()


def badge(page: Page, status: str) -> Any:
    return page.get_by_test_id("stMain").get_by_text(status, exact=True).first


def await_webhooks(sandbox: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while httpx.get(sandbox, trust_env=False).json()["webhook entries pending"]:
        assert time.monotonic() < deadline, "the sandbox still has webhooks to post"
        time.sleep(0.1)


def buy(home: Path, phones: list[str]) -> None:
    """Let some of them order now."""
    now = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}+00:00"
    path = home / "crm" / f"{NAME}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("order_id", "ordered_at", "updated_at", "status", "total", "currency", "phone"))
        writer.writerows((f"{NAME}-{n}", now, now, "completed", "150.00", "BRL", to) for n, to in enumerate(phones))
    processes.run(home, "ingest", "--source", "crm", "--file", f"orders={path}")


def see_what_came(home: Path, visitor: Visitor, sent: int, shoot: Callable[..., None]) -> None:
    """See that the page draws itself anew after the refresh, with what the published file has."""
    page = visitor.page
    expect(page.get_by_text("Forecast against what came")).to_be_visible(timeout=30_000)
    with duckdb.connect(str(home / "data/published/current.duckdb"), read_only=True) as connection:
        sql = """
            select accepted, delivered, attributed_orders, roi from fct_campaigns
            join dim_campaigns using (campaign_id) where name = ?
        """
        [(accepted, delivered, orders, roi)] = connection.execute(sql, [NAME]).fetchall()
    assert (accepted, orders) == (sent, BUYERS)
    assert visitor.metric("ROI") == f"{roi:,.1f}"
    assert visitor.metric("Delivered") == f"{delivered / accepted:.1%}"
    shoot(visitor, "campaign")
    visitor.click_point("campaign_funnel", 1)
    expect(page.get_by_text(re.compile(rf"{delivered:,} customers? behind {NAME} · Delivered"))).to_be_visible()
