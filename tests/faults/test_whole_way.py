"""The whole way, killed on the way: orders in, a segment out through the sandbox, its statuses back in the funnel."""

import contextlib
import csv
import json
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import httpx
import processes
import pytest
from shared import ONLINE_RETAIL, needs

from wabench.settings import ROOT

FAULTS = ("--fail-share", "0.05", "--timeout-share", "0.002", "--duplicate-share", "0.1", "--reorder-share", "0.2")
FUNNEL = ("planned", "suppressed", "unknown", "accepted", "rejected", "failed", "delivered", "read", "replied")
TOML = """
currency = "GBP"
region = "GB"

[providers.meta]
channel_id = "106540352242922"
base_url = "http://127.0.0.1:{port}/meta"
pace_per_minute = 18000
timeout_seconds = 2

[templates.offer]
body = "Hello {{{{1}}}}, something for you."
"""


def invent_people(path: Path, refs: list[str]) -> None:
    """Write a CRM's people: each ref with a phone of its own and an opt-in, but for a few who refused or have none."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_ref", "phone", "name", "consent", "consent_at"])
        for number, ref in enumerate(refs):
            phone = "" if number % 97 == 0 else f"+4477{number:08d}"
            writer.writerow([ref, phone, f"Customer {number}", "no" if number % 89 == 1 else "yes", "2011-01-01"])


def shop(home: Path, orders: Path, refs: list[str], sandbox: int, *words: str) -> None:
    """Make a shop of an orders file and invented people, and refresh it."""
    (home / "wabench.toml").write_text(TOML.format(port=sandbox))
    shutil.copytree(ROOT / "segments", home / "segments")
    invent_people(home / "people.csv", refs)
    processes.run(home, "ingest", "--file", f"customers={home / 'people.csv'}")
    processes.run(home, "ingest", "--file", f"order_lines={orders}", *words)
    processes.run(home, "refresh", "--as-of", "2011-12-10")


def send_killed(home: Path, kills: int, log: Path) -> dict[str, Any]:
    """Plan, approve and run a campaign that is killed so many times; gives what the last run answered."""
    processes.run(
        home, "campaign", "plan", "offer", "--segment", "everyone_reachable", "--template", "offer", "--param", "1=name"
    )
    processes.run(home, "campaign", "test", "offer")
    processes.run(home, "campaign", "approve", "offer", "--approve-as", "somebody")
    chance = random.Random(3)
    for _ in range(kills):
        before = len(lines(log))
        process = processes.start(home, "campaign", "run", "offer", "--json")
        while process.poll() is None and len(lines(log)) == before:
            time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.5))
        processes.kill_group(process)
    answer: dict[str, Any] = json.loads(processes.run(home, "campaign", "run", "offer", "--json"))
    return answer


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def check(home: Path, orders: Path, refs: list[str], kills: int, *words: str) -> None:
    sandbox, receiver, log = processes.free_port(), processes.free_port(), home / "sandbox.ndjson"
    shop(home, orders, refs, sandbox, *words)
    post_to = f"http://127.0.0.1:{receiver}"
    servers = [processes.start(home, "receive", "--port", str(receiver))]
    servers.append(
        processes.start(home, "sandbox", "--port", str(sandbox), "--log", str(log), "--webhook", post_to, *FAULTS)
    )
    try:
        processes.await_http(f"http://127.0.0.1:{receiver}/healthz", servers[0])
        processes.await_http(f"http://127.0.0.1:{sandbox}", servers[1])
        assert send_killed(home, kills, log)["status"] == "finished"
        while httpx.get(f"http://127.0.0.1:{sandbox}").json()["webhook entries pending"]:
            time.sleep(0.05)
        sent = len(lines(log))
        processes.run(home, "refresh")
        again = json.loads(processes.run(home, "campaign", "run", "offer", "--json"))
        assert (again["calls"].get("accepted", 0), len(lines(log))) == (0, sent), "running it again sent"
    finally:
        for server in servers:
            processes.kill_group(server)
    compare(home, lines(log), len(refs))


def compare(home: Path, log: list[dict[str, Any]], customers: int) -> None:
    """Hold the funnel of `fct_campaigns` against the sandbox's own log, number by number."""
    by_person = Counter(line["callback_data"] for line in log)
    assert max(by_person.values()) == 1, "somebody was written to twice"
    assert len({line["to"] for line in log}) == len(log)
    with duckdb.connect(str(home / "data/published/current.duckdb"), read_only=True) as connection:
        found = connection.execute(f"select {', '.join(FUNNEL)} from fct_campaigns").fetchone()
    assert found is not None
    funnel = dict(zip(FUNNEL, found, strict=True))
    print(f"\n{funnel}")
    states = Counter(state for line in log for state in line["statuses"])
    assert funnel["accepted"] == len(log)
    assert {name: funnel[name] for name in ("failed", "delivered", "read")} == {
        name: states[name] for name in ("failed", "delivered", "read")
    }
    assert funnel["replied"] == sum(1 for line in log if line["reply"])
    assert funnel["rejected"] == 0
    assert funnel["planned"] == funnel["suppressed"] + funnel["unknown"] + funnel["accepted"], "somebody was lost"
    assert funnel["suppressed"] == sum(1 for n in range(customers) if n % 97 and n % 89 == 1)
    assert funnel["planned"] == sum(1 for n in range(customers) if n % 97)


@pytest.mark.slow
def test_a_simulated_shops_campaign_ends_in_the_funnel_as_the_sandbox_saw_it(home: Path) -> None:
    orders = home / "lines.csv"
    rows = [f"{n},{n % 300},2011-0{1 + n % 9}-10T10:00:00,1,{5 + n % 50}" for n in range(700)]
    orders.write_text("\n".join(["order_id,customer_ref,ordered_at,quantity,unit_price", *rows]))
    check(home, orders, [str(n) for n in range(300)], 3)


@pytest.mark.faults
@needs(ONLINE_RETAIL)
def test_online_retails_customers_are_each_written_to_once_through_ten_kills(home: Path) -> None:
    names = {"order_id": "InvoiceNo", "customer_ref": "CustomerID", "ordered_at": "InvoiceDate", "sku": "StockCode",
             "title": "Description", "quantity": "Quantity", "unit_price": "UnitPrice"}  # fmt: skip
    with duckdb.connect() as connection:
        refs = connection.execute(
            "select distinct CustomerID from read_parquet($path) where CustomerID is not null order by 1",
            {"path": str(ONLINE_RETAIL)},
        ).fetchall()
    maps = [word for ours, theirs in names.items() for word in ("--map", f"{ours}={theirs}")]
    check(home, ONLINE_RETAIL, [ref for (ref,) in refs], 10, *maps)
