"""SIGKILL at random moments of an erasure: whoever runs it again ends it, and what is left is as if it never was cut.

The twin is a shop to which the person never was more than a guest who ordered: its marts are what must be left.
"""

import contextlib
import random
import subprocess
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx
import known_shop as shop
import processes
import pytest
import webhooks
from known_traces import copied, customers, marts, raw, traces_in

from ingest import loader
from wabench import locks
from wabench.erasure import forgetting
from wabench.refresh import refresh
from wabench.settings import Settings

ERASE = ("forget", shop.PHONE, "--yes", "--json")
LATER = shop.AS_OF + timedelta(days=1)
KILLS, LONGEST = 20, 2.5
pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = shop.make(tmp_path_factory.mktemp("known") / "shop")
    refresh(settings, shop.AS_OF)
    known = customers(settings)
    shop.plan(settings, known[shop.OTHER_PHONE], known[shop.PHONE])
    return settings


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = shop.make(tmp_path_factory.mktemp("twin") / "shop", is_known=False)
    refresh(settings, shop.AS_OF)
    shop.plan(settings, customers(settings)[shop.OTHER_PHONE], None)
    refresh(settings, LATER)
    return settings


def test_a_shop_that_is_killed_forgets_them_all_the_same(before: Settings, twin: Settings, tmp_path: Path) -> None:
    killed, chance = copied(before, tmp_path / "shop"), random.Random(5)
    former = customers(before)[shop.PHONE]
    steps = Counter[str]()
    for kill in range(KILLS):
        steps[kill_within(killed, chance)] += 1
        if forgetting.unfinished(killed) is None and forgetting.receipts(killed):
            assert traces_in(killed.home, former) == [], kill
            killed = copied(before, tmp_path / f"shop{kill}")
    processes.run(killed.home, *ERASE)
    print(f"\nkilled before, within and after: {steps}")
    assert steps["within"] >= KILLS / 4  # how many depends on the machine: a fast one is through before more fall
    assert traces_in(killed.home, former) == []
    assert len(forgetting.receipts(killed)) == 1
    assert raw(killed)["customers"] == [row for row in raw(before)["customers"] if row["name"] == shop.OTHER_NAME]
    refresh(killed, LATER)
    assert traces_in(killed.home, former) == []
    expected = marts(twin, but=("snap_customer_tags",))
    assert marts(killed, but=("snap_customer_tags",)) == expected
    killed.paths.warehouse.unlink()
    refresh(killed, LATER, full=True)
    assert marts(killed, but=("snap_customer_tags",)) == expected
    assert traces_in(killed.home, former) == []


def kill_within(settings: Settings, chance: random.Random) -> str:
    """Start an erasure and kill it some time after it has begun, or gone on; tells how far it was."""
    process = processes.start(settings.home, *ERASE, output=subprocess.DEVNULL)
    while process.poll() is None:
        holder = locks.last(settings.paths.warehouse_lock)
        if holder is not None and holder.pid == process.pid and forgetting.unfinished(settings):
            break
        time.sleep(0.01)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(chance.uniform(0, LONGEST))
    processes.kill_group(process)
    if forgetting.unfinished(settings):
        return "within"
    return "after" if forgetting.receipts(settings) else "before"


def test_a_receiver_at_work_lands_on_while_somebody_is_erased(before: Settings, tmp_path: Path) -> None:
    """The file it appends to is edited under its hands; what it lands meanwhile and after is all there."""
    running = copied(before, tmp_path / "shop")
    port = processes.free_port()
    receiver = processes.start(running.home, "receive", "--port", str(port))
    try:
        processes.await_http(f"http://127.0.0.1:{port}/healthz", receiver)
        assert post(port, shop.PHONE, "wamid.HISHERSNOW1") == 200
        assert post(port, shop.OTHER_PHONE, "wamid.OTHERNOW1") == 200
        processes.run(running.home, *ERASE)
        assert post(port, shop.OTHER_PHONE, "wamid.OTHERNOW2") == 200
    finally:
        processes.kill_group(receiver)
    loader.load(running)
    landed = {row["message_id"] for row in raw(running)["message_events"]}
    assert {"wamid.OTHERNOW1", "wamid.OTHERNOW2"} <= landed
    assert "wamid.HISHERSNOW1" not in landed
    assert traces_in(running.home) == []


def post(port: int, phone: str, message_id: str) -> int:
    """Post a signed webhook of one message to the receiver."""
    who = shop.contact(phone, "", "Somebody")
    body = shop.value(contacts=[who], messages=[shop.text(phone, message_id, "да", 0)])
    answer = httpx.post(f"http://127.0.0.1:{port}/webhooks/meta", content=body, headers=webhooks.sign(body))
    return answer.status_code
