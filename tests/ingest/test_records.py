from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import paths, records
from ingest.records import Reading

READING = Reading(ZoneInfo("America/Sao_Paulo"), "BR", "BRL")

AMOUNTS = [
    ("1234.5", "1234.5"), ("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("12,5", "12.5"), ("1,234", "1234"),
    ("-3", "-3"), ("0,500", "0.5"), (" 1 000 ", "1000"), (7, "7"), (0.1, "0.1"), ("1.234.567,89", "1234567.89"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "amount"), AMOUNTS)
def test_amounts_are_read_in_the_usual_ways_of_writing_them(written: object, amount: str) -> None:
    assert records.to_decimal(written, READING) == Decimal(amount)


@pytest.mark.parametrize("written", ["", "dear", "R$", "NaN", "inf", "1e30", "--1"])
def test_what_is_no_amount_is_an_error_and_never_nought(written: str) -> None:
    with pytest.raises(ValueError, match="is"):
        records.to_decimal(written, READING)


@given(st.decimals(-(10**10), 10**10, places=4))
def test_an_amount_written_plainly_is_read_exactly(amount: Decimal) -> None:
    assert records.to_decimal(str(amount), READING) == amount


TIMES = [
    ("2026-06-01T10:00:00Z", 10), ("2026-06-01 10:00:00", 13), ("2026-06-01T10:00:00-05:00", 15), (1780308000, 10),
    ("1780308000", 10), (1780308000000, 10), ("2026-06-01", 3),
]  # fmt: skip


@pytest.mark.parametrize(("written", "hour"), TIMES)
def test_times_without_a_zone_are_the_shops_and_all_become_utc(written: object, hour: int) -> None:
    assert records.to_time(written, READING) == datetime(2026, 6, 1, hour, tzinfo=UTC)


def test_a_status_nobody_knows_is_unknown_and_none_is_paid() -> None:
    mapping = records.compile_mapping(
        "orders", {"order_id": "id", "ordered_at": "at", "total": "n", "status": "s"}, READING
    )
    order = {"id": 1, "at": "2026-06-01", "n": 5}
    assert records.convert(order, (), mapping, READING)["status"] == "paid"
    assert records.convert(order | {"s": "on-hold"}, (), mapping, READING)["status"] == "pending"
    assert records.convert(order | {"s": "teleported"}, (), mapping, READING)["status"] == "unknown"


def test_paths_walk_into_records_lists_and_out_again() -> None:
    page = {"data": {"orders": [{"id": 1, "items": [{"sku": "a"}, {"sku": "b"}]}, {"id": 2, "items": []}, {"id": 3}]}}
    found = list(paths.expand(page, "data.orders[].items[]"))
    assert [(paths.find(r, ("sku",)), paths.find(r, ("^", "id"), p)) for r, p in found] == [("a", 1), ("b", 1)]
    assert [r["id"] for r, _ in paths.expand(page, "data.orders")] == [1, 2, 3]
    assert [r for r, _ in paths.expand([{"a": 1}], "")] == [{"a": 1}]
    assert [r for r, _ in paths.expand({"a": 1}, "")] == [{"a": 1}]
    assert list(paths.expand({"a": 1}, "orders")) == []
    assert paths.find({"a": [{"b.c": 5}]}, paths.parse_path('a[0]["b.c"]')) == 5
    assert paths.find({"a": []}, paths.parse_path("a[0].b")) is None
    assert paths.find({"a": 1}, paths.parse_path("^.a")) is None


def test_text_keeps_leading_noughts_and_loses_a_floats_tail() -> None:
    assert records.to_text("007", READING) == "007"
    assert records.to_text(17850.0, READING) == "17850"
    assert records.to_text("  ", READING) is None


RECORD = {
    "phones": [{"type": "home", "n": "1"}, {"type": "mobile", "n": "2"}, {"type": "mobile", "n": "3"}],
    "first": "Ana",
    "last": "",
    "empty": None,
    "a.b": 5,
    "a | b": 6,
    "refunds": [{"total": "-1.10"}, {"total": -2}, {"total": None}, {"total": ""}],
    "none": [],
}
PLACES = [
    ("phones[type=mobile].n", "2"), ("phones[type=fax].n", None), ("first[type=x]", None),
    ("empty | last | first", "Ana"),
    ("empty | =guest", "guest"), ("first | =guest", "Ana"), ("first & last", "Ana"), ("last & empty", None),
    ("empty & last | phones[0].n & first", "1 Ana"), ('["a.b"]', 5), ('["a | b"] | first', 6), ("first|last", None),
    ("+refunds[].total", Decimal("-3.10")), ("+none[].total", None), ("+nowhere[].total", None),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value"), PLACES)
def test_a_place_is_the_first_alternative_all_parts_joined_or_a_sum(place: str, value: object) -> None:
    assert next(paths.values(RECORD, paths.parse_place(place), ()), None) == value


@given(st.lists(st.none() | st.just("") | st.sampled_from(["+351912345678", "call me", "0"]), max_size=5))
def test_the_first_alternative_that_can_be_read_is_taken(phones: list[str | None]) -> None:
    record = {"order_id": 1, **{f"p{n}": phone for n, phone in enumerate(phones)}}
    place = " | ".join(f"p{n}" for n in range(len(phones))) or "nowhere"
    fields = {"customer_ref": "order_id", "phone": place}
    row = records.convert(record, (), records.compile_mapping("customers", fields, READING), READING)
    assert row.get("phone") == ("+351912345678" if "+351912345678" in phones else None)


def test_their_words_become_ours_and_any_other_what_the_star_says() -> None:
    words = {"status": {"142": "paid", "143": "cancelled", "*": "pending"}, "is_deleted": {"gone": "yes", "*": ""}}
    fields = {"order_id": "id", "ordered_at": "at", "total": "n", "status": "state", "is_deleted": "fate"}
    mapping = records.compile_mapping("orders", fields, READING, words)
    order = {"id": 1, "at": "2026-06-01", "n": 5, "state": 142, "fate": "Gone"}
    rows = [records.convert(order | {"state": state}, (), mapping, READING) for state in (142, "143", 7)]
    assert [row["status"] for row in rows] == ["paid", "cancelled", "pending"]
    assert [row.get("is_deleted") for row in rows] == [True] * 3
    assert "is_deleted" not in records.convert(order | {"fate": "kept"}, (), mapping, READING)


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from(["paid", "pending", "cancelled", "refunded", "partially_refunded", "odd"]),
)
def test_an_orders_money_is_exact_and_its_status_fits_it(total: Decimal, refunded: Decimal, status: str) -> None:
    fields = {name: name for name in ("order_id", "ordered_at", "total", "refunded", "status")}
    order = {
        "order_id": 1,
        "ordered_at": "2026-06-01",
        "total": str(total),
        "refunded": f"-{refunded}",
        "status": status,
    }
    row = records.convert(order, (), records.compile_mapping("orders", fields, READING), READING)
    assert row["total"] == total
    if status == "paid":
        whole = "refunded" if refunded >= total else "partially_refunded"
        assert row["status"] == (whole if refunded else "paid")
    assert row["refunded"] == (total if row["status"] == "refunded" and not refunded else refunded)
