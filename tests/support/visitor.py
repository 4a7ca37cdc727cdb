"""Somebody who looks at the app: a browser page with its complaints, and the app's process to look at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, WebSocket, expect
from processes import await_http, free_port, kill_group, start
from published_shop import customer

CUSTOMERS = [customer(number) for number in range(400)]
VERSION = "20261122T180000Z"
WATCH = (Path(__file__).parent / "watch_runs.js").read_text(encoding="utf-8")
"""A script for a page that counts the runs of the app's script, where it stands before the first."""


@dataclass
class Visitor:
    """One browser page and everything it complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    """What the app sent over its web socket; it sends all it draws that way."""

    def metric(self, name: str) -> str:
        """Read a figure once the page stands still."""
        self.settle()
        found = self.page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue")
        return found.inner_text()

    def settle(self) -> None:
        """Wait until the page stands still; the first of a server takes its time on a machine at work."""
        still = self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
        expect(still).to_be_visible(timeout=20_000)

    def still(self, milliseconds: int = 200) -> None:
        """Wait until nothing has run, nor moved for a while: for what may let the script run and may not."""
        self.page.wait_for_function("while_ => wabenchRuns.isStill(while_)", arg=milliseconds)

    def paths(self) -> list[str]:
        """List the app's pages as the sidebar does."""
        links = self.page.get_by_test_id("stSidebarNavLink")
        links.first.wait_for()
        return [urlsplit(str(link.get_attribute("href"))).path for link in links.all()]

    def follow(self, path: str) -> None:
        """Go to a page by its link in the sidebar, and wait until it is drawn."""
        link = self.page.get_by_test_id("stSidebarNavLink").and_(self.page.locator(f'[href$="{path}"]'))
        self.press(link)

    def press(self, what: Locator) -> None:
        """Click on something that lets the app's script run, and wait until what it drew stands still."""
        self.run(what.click)

    def run(self, act: Callable[[], None], seconds: float = 30) -> None:
        """Do something that lets the app's script run, and wait until what it drew stands still.

        Runs of fragments don't count: the sidebar's comes by itself, and may be another's than the one waited for.
        """
        runs = self.page.evaluate("wabenchRuns.whole")
        act()
        has_run = "runs => wabenchRuns.whole > runs && wabenchRuns.isStill(50)"
        self.page.wait_for_function(has_run, arg=runs, timeout=1000 * seconds)

    def cells(self, table: int = 0) -> list[str]:
        """Read the texts of a drawn table from what it offers to screen readers."""
        self.settle()
        grid = self.page.get_by_test_id("stDataFrame").nth(table).locator("canvas [role=gridcell]")
        grid.first.wait_for(state="attached")
        return grid.all_text_contents()

    def choose_row(self, row: int, table: int = 0) -> None:
        """Tick a row of a table that lets one be chosen: its canvas has no elements to click on."""
        self.settle()
        grid = self.page.get_by_test_id("stDataFrame").nth(table)
        grid.scroll_into_view_if_needed()
        box = grid.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + 16, box["y"] + 36 + 35 * row + 17)

    def choose(self, label: str, option: str, kind: str = "stSelectbox") -> None:
        """Choose from a list that opens; at the edge of the screen it would close again at once."""
        self.settle()
        box = self.page.get_by_test_id(kind).filter(has_text=label).locator("input")
        box.evaluate("box => box.scrollIntoView({block: 'center'})")
        box.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def click_point(self, chart: str, point: int) -> None:
        """Click on a bar, cell or dot of the chart with this key."""
        self.settle()
        shape = self.page.locator(f".st-key-{chart} .point path").nth(point)
        shape.scroll_into_view_if_needed()
        box = shape.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def heard(self, message: ConsoleMessage) -> None:
        # Streamlit looks for its server below a page's own address first; that 404 is how it finds the root.
        is_probe = "_stcore" in str(message.location.get("url", ""))
        if message.type == "error" and not is_probe:
            self.complaints.append(f"console: {message.text}")

    def listened(self, socket: WebSocket) -> None:
        """Keep what the app sends over a web socket from now on."""
        socket.on("framereceived", lambda frame: self.frames.append(frame if isinstance(frame, bytes) else b""))

    def called(self, url: str) -> None:
        """Note a request to anybody but the app's own server."""
        if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.complaints.append(f"request: {url}")


@contextmanager
def running_app(home: Path, port: int | None = None, log: Path | None = None) -> Iterator[str]:
    """Run the app of a home; what it logs is kept in a file where one is named."""
    at = port or free_port()
    with log.open("wb") if log else nullcontext(PIPE) as output:
        process = start(home, "app", "--port", str(at), "--no-open", output=output)
        try:
            await_http(f"http://127.0.0.1:{at}/_stcore/health", process)
            yield f"http://127.0.0.1:{at}"
        finally:
            kill_group(process)
