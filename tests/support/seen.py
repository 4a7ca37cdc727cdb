"""Everything a browser was given of an app, searched for what its visitor may not see."""

import re
from collections.abc import Iterable
from pathlib import Path

import duckdb
from playwright.sync_api import expect
from visitor import Visitor

_BETWEEN = re.compile(rb"(?<=\d)(?:[ \-().]|\xc2\xa0|\xe2\x80\x91){1,3}(?=\d)")
_TEXTS = "select table_name, column_name from information_schema.columns where data_type = 'VARCHAR'"


def secrets(shop: Path) -> set[bytes]:
    """List the phones and e-mails of a shop, wherever its published file has them; of a phone the last 9 digits."""
    found: set[bytes] = set()
    with duckdb.connect(shop / "data" / "published" / "current.duckdb", read_only=True) as connection:
        for table, column in connection.execute(_TEXTS).fetchall():
            told = connection.execute(
                f'select distinct "{column}" from "{table}" where "{column}" is not null'
            ).fetchall()
            for (text,) in told:
                found |= {mail.encode() for mail in re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text)}
                if "+" in text:
                    digits = (re.sub(r"\D", "", phone) for phone in re.findall(r"(?<=\+)\d[\d ()\-.]{7,17}\d", text))
                    found |= {phone[-9:].encode() for phone in digits}
    return found


def leaks(given: Iterable[bytes], of: set[bytes]) -> set[str]:
    """Name those of the secrets that were given away, however their digits are spaced."""
    hay = b"\n".join(given)
    close = _BETWEEN.sub(b"", hay)
    return {secret.decode() for secret in of if secret in hay or secret in close}


def everything(visitor: Visitor) -> list[bytes]:
    """Take what a page offers: what it draws, what is behind its charts, and every file it lets one download."""
    page = visitor.page
    charts = page.locator('[class*="st-key-chart_"]:has(.point path)')
    names = [re.search(r"st-key-chart_(\w+)", chart.get_attribute("class") or "") for chart in charts.all()]
    for name in names:
        if name:
            visitor.click_point(name[1], 0)
            visitor.settle()
    files = []
    for button in page.get_by_test_id("stDownloadButton").locator("button:enabled").all():
        if button.is_visible():
            with page.expect_download() as download:
                button.click()
            files.append(Path(download.value.path()).read_bytes())
    visitor.settle()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    return [page.content().encode(), *visitor.frames, *files]
