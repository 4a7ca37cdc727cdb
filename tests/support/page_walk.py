"""Every page of the app, one after the other, in a language and by day or night."""

from collections.abc import Callable

from playwright.sync_api import expect
from visitor import Visitor

from wabench.settings import ROOT

PAGES = {path.stem: "" if path.stem == "overview" else path.stem for path in (ROOT / "app/app_pages").glob("*.py")}
"""Pages by name, with their addresses."""


def walk(
    visit: Callable[..., Visitor], address: str, language: str, scheme: str, shoot: Callable[[Visitor, str], None]
) -> list[str]:
    """Open each page and give their titles; none may show an exception, and a shop with data has no empty page."""
    visitor = visit(f"{address}/?lang={language}", scheme=scheme)
    titles = []
    for name, path in sorted(PAGES.items()):
        visitor.page.goto(f"{address}/{path}?lang={language}")
        visitor.page.locator("h1").first.wait_for()
        visitor.settle()
        expect(visitor.page.get_by_test_id("stException")).to_have_count(0)
        titles.append(visitor.page.locator("h1").first.inner_text())
        shoot(visitor, f"{name}-{language}-{scheme}")
    return titles
