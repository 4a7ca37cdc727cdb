"""The app and real refreshes at the same time, on one shop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import processes
import pytest

Serve = Callable[[Path], str]
HEAD = "order_id,customer_ref,ordered_at,total\n"


def add_customers(home: Path, first: int, last: int) -> None:
    """Take in a file of orders that brings new customers."""
    path = home / f"orders{last}.csv"
    path.write_text(HEAD + "".join(f"{n},{n},2026-06-01T10:00:00,{n + 5}\n" for n in range(first, last)))
    processes.run(home, "ingest", "--file", f"orders={path}")


@pytest.mark.browser
@pytest.mark.faults
def test_two_apps_stay_open_through_five_refreshes_and_each_sees_the_new_data(
    home: Path, serve: Serve, visit: Any
) -> None:
    add_customers(home, 100, 110)
    processes.run(home, "refresh")
    visitors = [visit(f"{serve(home)}/segments") for _ in range(2)]
    for number in range(1, 6):
        add_customers(home, 100 + 10 * number, 110 + 10 * number)
        refresh = processes.start(home, "refresh")
        looks = 0
        while refresh.poll() is None:  # while it works they are looked at all the time
            for visitor in visitors:
                visitor.page.reload()
                visitor.page.locator("h1").first.wait_for()
                assert visitor.metric("Customers") in (str(10 * number), str(10 * number + 10))
                looks += 1
        printed = refresh.communicate()[0].decode()
        assert refresh.returncode == 0, printed
        assert looks > 0
        for visitor in visitors:
            visitor.page.reload()
            visitor.page.locator("h1").first.wait_for()
            assert visitor.metric("Customers") == str(10 * number + 10)
