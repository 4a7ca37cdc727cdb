"""What a full pull does not show was deleted; what looks like that and is something else costs nobody anything."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from warehouse import AS_OF, Rows, ask, build, put, shop

from wabench.settings import Settings

BEGUN = datetime.fromisoformat("2026-05-01 03:00")
WEEK = timedelta(days=7)


def _orders(source: str, last_shown: list[int], **fields: Any) -> Rows:
    """Orders known since the beginning, each last shown in the pull of that week."""
    return [
        {
            "source": source,
            "order_id": f"{source}{number}",
            "ordered_at": BEGUN,
            "total": 10,
            "received_at": BEGUN,
            "seen_at": BEGUN + week * WEEK,
            **fields,
        }
        for number, week in enumerate(last_shown)
    ]


def _pull(source: str, week: int, records: int | None, stream: str = "orders", **fields: Any) -> dict[str, Any]:
    at = BEGUN + week * WEEK
    return {"source": source, "stream": stream, "started_at": at, "finished_at": at, "records": records, **fields}


def _refusal(source: str, week: int, **fields: Any) -> dict[str, Any]:
    at = BEGUN + week * WEEK
    return {"source": source, "stream": "orders", "landing_ref": "x:1", "received_at": at, "reason": "no", **fields}


FUTURE = 52 * 200
SHOPS: dict[str, tuple[Rows, Rows, Rows]] = {
    "usual": (_orders("usual", [0, 1, 1, 1]), [_pull("usual", 0, 4), _pull("usual", 1, 3)], []),
    "empty": (_orders("empty", [0, 0, 0]), [_pull("empty", 0, 3), _pull("empty", 1, 0)], []),
    "less": (_orders("less", [0, 0, 1]), [_pull("less", 0, 3), _pull("less", 1, 1)], []),
    "uncounted": (_orders("uncounted", [0, 1, 1]), [_pull("uncounted", 0, 3), _pull("uncounted", 1, None)], []),
    "less_again": (
        _orders("less_again", [0, 0, 0, 2, 2]),
        [_pull("less_again", 0, 5), _pull("less_again", 1, 2), _pull("less_again", 2, 2)],
        [],
    ),
    "changes_after": (
        _orders("changes_after", [0, 1, 1, 1]),
        [_pull("changes_after", 0, 4), _pull("changes_after", 1, 0)],
        [],
    ),
    "healed": (
        _orders("healed", [0, 2, 2, 2]),
        [_pull("healed", 0, 4), _pull("healed", 1, 0), _pull("healed", 2, 3)],
        [],
    ),
    "confirmed": (
        _orders("confirmed", [0, 0, 0]),
        [_pull("confirmed", 0, 3), _pull("confirmed", 1, 0), _pull("confirmed", 2, 0, is_confirmed=True)],
        [],
    ),
    "rejected": (
        _orders("rejected", [0, 1, 1]),
        [_pull("rejected", 0, 3), _pull("rejected", 1, 3, is_confirmed=True)],
        [_refusal("rejected", 1)],
    ),
    "damaged": (
        _orders("damaged", [0, 1, 1]),
        [_pull("damaged", 0, 3), _pull("damaged", 1, 3, landing_ref="damaged/orders/d/f.ndjson:900")],
        [_refusal("damaged", 1, received_at=None, landing_ref="damaged/orders/d/f.ndjson:30")],
    ),
    "line_rejected": (
        _orders("line_rejected", [0, 1, 1]),
        [_pull("line_rejected", 0, 3), _pull("line_rejected", 1, 2)],
        [_refusal("line_rejected", 1, reason="order_lines: quantity is missing")],
    ),
    "rejected_elsewhere": (
        _orders("rejected_elsewhere", [0, 1, 1]),
        [_pull("rejected_elsewhere", 0, 3), _pull("rejected_elsewhere", 1, 2)],
        [_refusal("rejected_elsewhere", 0), _refusal("rejected_elsewhere", 1, stream="customers")],
    ),
    "future": (_orders("future", [0, 0, FUTURE]), [_pull("future", 0, 3), _pull("future", FUTURE, 1)], []),
    "file": (
        [
            *_orders("file", [0, 1]),
            *_orders("file", [0], order_id="f9", landing_ref="file/orders/2026-05-01/batch-1a.ndjson:9"),
        ],
        [_pull("file", 0, 2), _pull("file", 1, 1)],
        [],
    ),
    "older_version": (
        _orders("older_version", [1, 1]),
        [_pull("older_version", 0, 2), _pull("older_version", 1, 2)],
        [],
    ),
}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = shop(tmp_path_factory.mktemp("shops"))
    for orders, pulls, rejected in SHOPS.values():
        put(settings, 1, {"orders": orders, "pulls": pulls, "rejected": rejected})
    people = [
        {"source": "crm", "customer_ref": f"p{n}", "phone": f"+1555020{n}", "received_at": BEGUN} for n in range(3)
    ]
    put(settings, 1, {"customers": people, "pulls": [_pull("crm", 1, 0, "customers")]})
    lines = [
        {"source": "till", "order_id": order_id, "quantity": 1, "unit_price": 5, "ordered_at": BEGUN, **fields}
        for order_id, fields in {
            "t0": {"received_at": BEGUN},
            "t1": {"received_at": BEGUN + WEEK},
            "t2": {"received_at": BEGUN, "landing_ref": "till/order_lines/2026-05-01/batch-1a.ndjson:9"},
        }.items()
    ]
    put(settings, 1, {"order_lines": lines, "pulls": [_pull("till", 1, 2, "order_lines")]})
    build(settings, is_tested=True)
    return settings


def deleted(settings: Settings, source: str) -> list[str]:
    sql = "select order_id from intermediate.int_orders_unified where source = ? and is_deleted order by 1"
    return [order_id for (order_id,) in ask(settings, sql, source)]


def alert(settings: Settings, source: str) -> list[tuple[Any, ...]]:
    sql = "select value, subject_name from marts.fct_alerts where alert = 'shrunken_source' and subject like ?"
    return ask(settings, sql, f"{source}:%")


@pytest.mark.parametrize("source", ["usual", "line_rejected", "rejected_elsewhere", "healed"])
def test_what_a_whole_pull_does_not_show_is_deleted(shops: Settings, source: str) -> None:
    assert deleted(shops, source) == [f"{source}0"]
    assert alert(shops, source) == []


@pytest.mark.parametrize(
    ("source", "missed"), [("empty", 3), ("less", 2), ("uncounted", 1), ("less_again", 3), ("changes_after", 1)]
)
def test_a_pull_that_shows_too_little_deletes_nothing_and_says_how_to_confirm(
    shops: Settings, source: str, missed: int
) -> None:
    assert deleted(shops, source) == []
    [(value, name)] = alert(shops, source)
    assert (value, f"wabench ingest {source} --full" in name) == (missed, True)


def test_a_person_who_asks_for_everything_is_believed_even_that_there_is_nothing(shops: Settings) -> None:
    assert deleted(shops, "confirmed") == ["confirmed0", "confirmed1", "confirmed2"]
    assert alert(shops, "confirmed") == []


@pytest.mark.parametrize("source", ["rejected", "damaged"])
def test_a_pull_with_a_record_that_was_not_understood_deletes_nothing(shops: Settings, source: str) -> None:
    assert deleted(shops, source) == []
    assert [value for value, _ in alert(shops, source)] == [1]


def test_a_clock_that_ran_ahead_deletes_nothing(shops: Settings) -> None:
    assert deleted(shops, "future") == []
    assert alert(shops, "future") == []


def test_what_a_file_brought_is_never_taken_for_deleted(shops: Settings) -> None:
    assert deleted(shops, "file") == ["file0"]
    assert deleted(shops, "till") == ["t0"]


def test_an_order_shown_in_an_older_version_is_there(shops: Settings) -> None:
    assert deleted(shops, "older_version") == []


def test_people_are_not_deleted_by_an_empty_list_either(shops: Settings) -> None:
    assert ask(shops, "select count(*) from intermediate.int_records_unified where is_deleted") == [(0,)]
    assert [value for value, _ in alert(shops, "crm")] == [3]


def test_lines_that_were_forgotten_leave_no_order_behind(tmp_path: Path) -> None:
    settings = shop(tmp_path)
    line = {"quantity": 1, "unit_price": 5, "ordered_at": AS_OF - WEEK}
    put(settings, 1, {"order_lines": [{"source": "old", "order_id": "1", **line}]})
    build(settings)
    ask(settings, "delete from raw.order_lines")
    ask(settings, "insert into raw.readings values ('old', null, 1)")
    put(settings, 2, {"order_lines": [{"source": "new", "order_id": "1", **line}]})
    build(settings)
    assert ask(settings, "select order_key from marts.fct_orders") == [("new:1",)]
