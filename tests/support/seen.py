"""Everything a browser was given of an app, searched for what its visitor may not see."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import TimeoutError, expect
from visitor import Visitor

from wabench import published
from wabench.campaigns import ledger
from wabench.campaigns.schema import audit, metadata
from wabench.settings import load

_BETWEEN = re.compile(rb"(?<=\d)(?:[ \-().]|\xc2\xa0|\xe2\x80\x91){1,3}(?=\d)")
_MAIN = '[data-testid="stMain"]'
_PARTS = f'{_MAIN} [data-testid="stTab"], {_MAIN} details:not([open]) summary, {_MAIN} [data-testid="stPopoverButton"]'
_BUTTONS = ", ".join(
    f'{place} [data-testid="{kind}"] button:enabled'
    for place in (_MAIN, '[data-testid="stPopoverBody"]')
    for kind in ("stButton", "stFormSubmitButton")
)
_TEXTS = "select table_name, column_name from information_schema.columns where data_type = 'VARCHAR'"


def secrets(shop: Path) -> set[bytes]:
    """List the phones and e-mails of a shop, wherever its published file has them; of a phone the last 9 digits."""
    version, found = published.current(load({"WABENCH_HOME": str(shop)})), set()
    for table, column in [tuple(row.values()) for row in version.query(_TEXTS).to_pylist()]:
        told = version.query(f'select distinct "{column}" as text from "{table}" where "{column}" is not null')
        for text in told["text"].to_pylist():
            found |= {mail.encode() for mail in re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text)}
            digits = (re.sub(r"\D", "", phone) for phone in re.findall(r"(?<=\+)\d[\d ()\-.]{7,17}\d", text))
            found |= {phone[-9:].encode() for phone in digits}
    return found


def leaks(given: Iterable[bytes], of: set[bytes]) -> set[str]:
    """Name those of the secrets that were given away, however their digits are spaced."""
    hay = b"\n".join(given)
    close = _BETWEEN.sub(b"", hay)
    return {secret.decode() for secret in of if secret in hay or secret in close}


def everything(visitor: Visitor) -> list[bytes]:
    """Take what a page offers: what it draws, what its charts, tabs and buttons lead to, every file it lets go."""
    page = visitor.page
    charts = page.locator('[class*="st-key-chart_"]:has(.point path)').filter(has_text="Click a point")
    for name in [re.findall(r"st-key-chart_(\w+)", chart.get_attribute("class") or "")[0] for chart in charts.all()]:
        visitor.run(partial(visitor.click_point, name, 0))
    given = [page.content().encode()]
    for part in (None, *page.locator(_PARTS).all()):
        if part and part.is_visible():
            part.click()
        given += _files(visitor)
        _press_all(visitor)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return [*given, page.content().encode(), *visitor.frames]


def _files(visitor: Visitor) -> list[bytes]:
    files: list[bytes] = []
    seen: set[str] = set()
    for button in visitor.page.get_by_test_id("stDownloadButton").locator("button:enabled").all():
        visitor.settle()
        if not button.count():  # a run took it away
            continue
        kind = button.inner_text()
        if button.is_visible() and not (kind in seen and "Manifest" in kind):  # one manifest is like another
            seen.add(kind)
            name = f"{visitor.page.url}: {kind}"
            try:
                with visitor.page.expect_download(timeout=10_000) as download:
                    button.click()
            except TimeoutError as error:
                raise AssertionError(f"{name} gives no file") from error
            files.append(Path(download.value.path()).read_bytes())
    visitor.still()
    return files


def _press_all(visitor: Visitor) -> None:
    """Fill in what the page asks and press every button once; come back where one led away."""
    page, pressed, url = visitor.page, set(), visitor.page.url
    for text in page.get_by_test_id("stMain").get_by_test_id("stTextInput").locator("input:enabled").all():
        if text.is_visible() and not text.input_value():
            text.fill("tried_by_an_analyst")
            text.blur()
            visitor.still()
    while True:
        buttons = {button.inner_text(): button for button in page.locator(_BUTTONS).all() if button.is_visible()}
        name = next((name for name in buttons if name not in pressed), None)
        if name is None:
            return
        pressed.add(name)
        try:
            visitor.run(buttons[name].click, seconds=3)
        except TimeoutError:  # it let a fragment run alone
            visitor.still()
        if page.get_by_role("dialog").count():
            page.keyboard.press("Escape")
        if urlsplit(page.url).path != urlsplit(url).path:
            page.goto(url)
            page.locator("h1").first.wait_for()
            visitor.still()


def state(shop: Path) -> dict[str, object]:
    """Take down what acts change: files people write, and the ledger but for its audit."""
    kept = {".yml", ".csv", ".toml"}
    found: dict[str, object] = {str(path): path.read_bytes() for path in shop.rglob("*") if path.suffix in kept}
    with ledger.opened(load({"WABENCH_HOME": str(shop)})) as opened, opened.reading() as connection:
        for table in metadata.sorted_tables:
            if table is not audit:
                found[table.name] = connection.execute(table.select()).all()
    return found
