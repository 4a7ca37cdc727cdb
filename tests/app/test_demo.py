"""`make demo` as a newcomer runs it, bare `dbt build` in the repository, the notebooks, and the app on what it made."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import campaign_walk
import duckdb
import page_walk
import processes
import pytest
from playwright.sync_api import expect

import notebooks
from wabench.settings import ROOT

Serve = Callable[[Path], str]
PICTURES = os.environ.get("WABENCH_SCREENSHOTS")


@pytest.mark.browser
@pytest.mark.slow
def test_the_demo_goes_the_whole_way_and_its_shop_can_be_looked_at(
    tmp_path: Path, serve: Serve, visit: Any, shoot: Callable[..., None]
) -> None:
    home = tmp_path / "demo"
    printed = processes.run(home, "demo", "--customers", "500", "--days", "365", "--no-app")
    assert "campaign july: finished" in printed
    assert "lift: the treated against the held out" in printed
    dbt = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "build"],
        cwd=ROOT,
        env={
            **os.environ,
            "WABENCH_HOME": str(home),
            "DBT_TARGET_PATH": str(home / "t"),
            "DBT_LOG_PATH": str(home / "l"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r"PASS=\d+ WARN=0 ERROR=0 SKIP=0", dbt.stdout), dbt.stdout[-3000:]

    with duckdb.connect(str(home / "data/published/current.duckdb"), read_only=True) as connection:
        (customers, delivered, orders) = connection.execute(
            "select (select count(*) from dim_customers), delivered, attributed_orders from fct_campaigns"
        ).fetchall()[0]
    assert customers == 500
    assert orders > 0
    drawn = {path.stem: notebooks.run(path, home, tmp_path) for path in notebooks.ALL}
    assert all(drawn.values()), drawn

    campaign_walk.prepare(home)
    visitor = visit(f"{serve(home)}/?window=90d")
    assert visitor.metric("Customers") == "500"
    expect(visitor.page.get_by_text("flash_sale is paused")).to_be_visible()
    assert any(cell.startswith(f"{delivered} (") for cell in visitor.cells(0))
    shoot(visitor, "overview")
    visitor = visit(f"{visitor.page.url.split('?')[0]}segments?frequency_tag=monthly")
    expect(visitor.page.get_by_text("May get promotions")).to_be_visible()
    shoot(visitor, "segments")
    address = visitor.page.url.rsplit("/", 1)[0]
    campaign_walk.walk(home, address, visit, shoot)
    looks = itertools.product(("en", "ru"), ("light", "dark")) if PICTURES else [("ru", "dark")]
    for language, scheme in looks:
        titles = page_walk.walk(visit, address, language, scheme, shoot)
        assert len(set(titles)) == len(page_walk.PAGES)
        assert all(re.search("[А-я]", title) for title in titles) == (language == "ru")
