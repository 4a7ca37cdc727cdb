"""Segments and pages at size while a refresh runs: `bench_app.py [CUSTOMERS] [OPTIONS]`.

`--shop` is a large shop's folder and made where it is empty, which takes minutes and 10 GB; `--demo` is a demo's. With
`--quiet` no refresh runs. Budgets: a count 100 ms, with 20 customers 300 ms (95th percentile), a page of the demo 2 s,
a change of filters 0.5 s, the app's memory 1 GB with 5 sessions that have seen every page.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import large_shop
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
import processes
from visitor import WATCH

from wabench import publish, published, segments
from wabench.segments import files
from wabench.settings import load

TIMES = 20
SHOWN = 20
CHANGES = 12
SESSIONS = 5
NAMES = ("chromium", "chromium-browser", "google-chrome")


def count(home: str, told: "multiprocessing.Queue[dict[str, list[float]]]") -> None:
    """Count and sample each saved segment, again and again, in a process of its own."""
    settings = load({"WABENCH_HOME": home})
    version = published.current(settings)
    found: dict[str, list[float]] = {"count": [], "with 20": []}
    for name in files.names(settings):
        rule = files.load(settings, name).where
        counting = partial(segments.count, settings, rule, version)
        showing = partial(segments.sample, settings, rule, SHOWN, version)
        for _ in range(TIMES):
            found["count"].append(_milliseconds(counting))
            found["with 20"].append(found["count"][-1] + _milliseconds(showing))
        slowest = {kind: max(times[-TIMES:]) for kind, times in found.items()}
        print(f"    {name:<28} slowest count {slowest['count']:5.0f} ms, with 20 {slowest['with 20']:5.0f} ms")
    told.put(found)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


@contextmanager
def refreshing(home: str, is_quiet: bool) -> Iterator[None]:
    """Let a refresh of the large shop run beside; it is stopped before it would publish."""
    if is_quiet:
        yield
        return
    process = multiprocessing.get_context("spawn").Process(target=_refresh, args=(home,))
    warehouse = load({"WABENCH_HOME": home}).paths.warehouse
    before = warehouse.stat().st_mtime_ns
    process.start()
    try:
        while warehouse.stat().st_mtime_ns == before:  # until dbt has read its models and builds
            assert process.is_alive(), "the refresh ended"
            time.sleep(0.1)
        yield
        assert process.is_alive(), "the refresh ended before the measurements did"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()


def _refresh(home: str) -> None:
    os.setpgrp()
    while True:
        large_shop.build(home)


@contextmanager
def running(home: Path) -> Iterator[tuple[str, int]]:
    """Run the app; gives its address and its process."""
    port = processes.free_port()
    process = processes.start(home, "app", "--port", str(port), "--no-open")
    try:
        processes.await_http(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        processes.kill_group(process)


@contextmanager
def browsing() -> Iterator[Browser]:
    executable = next(found for name in NAMES if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--headless", "--no-sandbox"])
        yield browser
        browser.close()


def drawn(page: Page, runs: int) -> float:
    """Wait until the script has run so often and nothing moves; gives when the last of it was drawn, by the page."""
    page.wait_for_function(
        "runs => wabenchRuns.whole + wabenchRuns.fragment >= runs && wabenchRuns.isStill(500)", arg=runs
    )
    return float(page.evaluate("wabenchRuns.drawn"))


def opened(browser: Browser, url: str) -> tuple[Page, float]:
    """Open a page with a browser that knows nothing yet; gives how long until it is drawn whole."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(30_000)
    page.add_init_script(WATCH)
    page.goto(url)
    page.locator("h1").first.wait_for()
    return page, drawn(page, 1)


def paths(page: Page) -> list[str]:
    """List the pages of the app as its sidebar does."""
    links = page.get_by_test_id("stSidebarNavLink")
    links.first.wait_for()
    return [urlsplit(str(link.get_attribute("href"))).path for link in links.all()]


def changed(page: Page) -> list[float]:
    """Choose values of the page's filters, one after another as a person would, and time each change."""
    choices = (
        page.get_by_test_id("stMain").get_by_test_id("stButtonGroup").locator("button[role], button[aria-pressed]")
    )
    found: list[float] = []
    for number in reversed(range(choices.count())):  # what is chosen at the top may change what stands below
        choice = choices.nth(number)
        if choice.get_attribute("aria-checked") == "true" or len(found) == CHANGES:
            continue
        runs = page.evaluate("wabenchRuns.whole + wabenchRuns.fragment")
        choice.click()
        end = drawn(page, runs + 1)
        found.append(end - float(page.evaluate("wabenchRuns.pressed")))
    return found


def visit(home: Path, name: str, browser: Browser) -> tuple[dict[str, float], dict[str, list[float]], float]:
    """Open each page, change its filters, then let five browsers see them all; gives times and the app's memory."""
    first, filters = {}, {}
    with running(home) as (url, process):
        start, _ = opened(browser, url)
        seen = paths(start)
        start.close()
        for path in seen:
            page, first[path] = opened(browser, url + path)
            filters[path] = changed(page)
            worst = max(filters[path], default=0.0)
            changes = f"slowest of {len(filters[path]):>2} changes {worst:7.0f} ms"
            print(f"    {name} {path:<14} drawn {first[path]:7.0f} ms   {changes}")
            page.close()
        with ExitStack() as open_pages:
            for _ in range(SESSIONS):
                page = browser.new_page()
                open_pages.callback(page.close)
                for path in seen:
                    page.goto(url + path)
                    page.locator("h1").first.wait_for()
                    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
            return first, filters, _memory(process)


def _memory(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def line(what: str, value: float, unit: str, budget: float) -> None:
    verdict = "" if value <= budget else "   MISSED"
    print(f"{what:<44} {value:8,.0f} {unit}  (budget {budget:,.0f}){verdict}")


def main(customers: int, shop: Path | None, demo: Path | None, is_quiet: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        shop = shop or Path(folder, "shop")
        if publish.version(load({"WABENCH_HOME": str(shop)})) is None:
            large_shop.make(shop, customers)
        if demo is None:
            demo = Path(folder, "demo")
            processes.run(demo, "demo", "--no-app")
        with refreshing(str(shop), is_quiet):
            told: multiprocessing.Queue[dict[str, list[float]]] = multiprocessing.get_context("spawn").Queue()
            counting = multiprocessing.get_context("spawn").Process(target=count, args=(str(shop), told))
            counting.start()
            counts = told.get()
            counting.join()
            first_demo, _, _ = visit(demo, "demo", browser)
            first, filters, memory = visit(shop, "large", browser)
    beside = "beside nothing" if is_quiet else "beside a refresh"
    print(f"{customers:,} customers, {beside}")
    line("segment count, p95", p95(counts["count"]), "ms", 100)
    line("segment count and 20 customers, p95", p95(counts["with 20"]), "ms", 300)
    line("first page of the demo", first_demo["/"], "ms", 2000)
    line("slowest page of the demo", max(first_demo.values()), "ms", 2000)
    line("slowest page", max(first.values()), "ms", 2000)
    changes = [value for values in filters.values() for value in values]
    line(f"change of filters, p95 of {len(changes)}", p95(changes), "ms", 500)
    line(f"memory with {SESSIONS} sessions", memory, "MB", 1000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("customers", nargs="?", default="1_000_000")
    parser.add_argument("--shop", type=Path)
    parser.add_argument("--demo", type=Path)
    parser.add_argument("--quiet", action="store_true")
    given = parser.parse_args()
    main(int(given.customers.replace("_", "")), given.shop, given.demo, given.quiet)
