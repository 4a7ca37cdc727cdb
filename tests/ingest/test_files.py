import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest import loader
from ingest.files import land_file
from wabench.errors import UsageError
from wabench.settings import Settings

MAP = {"order_id": "Invoice No", "customer_ref": "Client", "ordered_at": "When", "total": "Sum", "phone": "Tel"}
ROWS = [
    {"Invoice No": "A-1", "Client": "17", "When": "2026-06-01T10:00:00", "Sum": "1234.50", "Tel": "(11) 98765-4321"},
    {"Invoice No": "A-2", "Client": "", "When": "2026-06-02T10:00:00", "Sum": "-20", "Tel": ""},
    {"Invoice No": "A-3", "Client": "Чехов", "When": "2026-06-03T10:00:00", "Sum": "0.1", "Tel": "+7 912 345-67-89"},
]


def write_csv(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> None:
    lines = [delimiter.join(ROWS[0]), *(delimiter.join(row.values()) for row in ROWS)]
    path.write_bytes("\r\n".join(lines).encode(encoding))


WRITERS = {
    "orders.csv": write_csv,
    "semicolons.csv": lambda path: write_csv(path, ";"),
    "bom.csv": lambda path: write_csv(path, ",", "utf-8-sig"),
    "tabs.tsv": lambda path: write_csv(path, "\t"),
    "orders.parquet": lambda path: pl.DataFrame(ROWS).write_parquet(path),
    "orders.xlsx": None,
    "orders.ndjson": lambda path: path.write_text("\n".join(json.dumps(row) for row in ROWS)),
}


def loaded(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    loader.load(settings)
    connection = loader.connect(settings)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


ORDERS = """
    select order_id, customer_ref, ordered_at, total, refunded, status, phone, currency
    from raw.orders
    order by order_id
"""


def at(day: int) -> datetime:
    return datetime(2026, 6, day, 13, tzinfo=UTC).replace(tzinfo=None)  # 10:00 in São Paulo


EXPECTED = [
    ("A-1", "17", at(1), Decimal("1234.5"), 0, "paid", "+5511987654321", "BRL"),
    ("A-2", None, at(2), 0, 20, "refunded", None, "BRL"),
    ("A-3", "Чехов", at(3), Decimal("0.1"), 0, "paid", "+79123456789", "BRL"),
]


@pytest.mark.parametrize("name", [name for name, writer in WRITERS.items() if writer])
def test_every_format_gives_the_same_orders(name: str, tmp_path: Path, settings_with: Any) -> None:
    settings = settings_with(region="BR", currency="BRL", timezone="America/Sao_Paulo")
    WRITERS[name](tmp_path / name)
    landed = land_file(settings, "orders", tmp_path / name, MAP)
    assert (landed.rows, landed.is_new) == (3, True)
    assert loaded(settings, ORDERS) == EXPECTED


def test_the_same_file_twice_is_landed_once_and_a_new_mapping_is_another(tmp_path: Path, settings: Settings) -> None:
    write_csv(tmp_path / "a.csv")
    land_file(settings, "orders", tmp_path / "a.csv", MAP)
    again = land_file(settings, "orders", tmp_path / "a.csv", MAP)
    assert (again.rows, again.is_new) == (3, False)
    fewer = {name: column for name, column in MAP.items() if name != "phone"}
    assert land_file(settings, "orders", tmp_path / "a.csv", fewer).is_new
    assert loaded(settings, "select count(*) from raw.orders") == [(3,)]


def test_the_settings_of_the_day_stay_with_the_file(tmp_path: Path, settings_with: Any) -> None:
    write_csv(tmp_path / "a.csv")
    land_file(
        settings_with(currency="BRL", region="BR", timezone="America/Sao_Paulo"), "orders", tmp_path / "a.csv", MAP
    )
    later = settings_with(currency="EUR", region="BR", timezone="Europe/Berlin")
    assert loaded(later, ORDERS) == EXPECTED


def test_lines_that_are_alike_all_count_and_the_file_again_counts_none_twice(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("order_id,sku,quantity,unit_price\n1,a,1,5\n1,a,1,5\n2,b,1,3\n")
    land_file(settings, "order_lines", path, {})
    assert loaded(settings, "select sum(quantity * unit_price), count(*) from raw.order_lines") == [(13, 3)]
    path.write_text(path.read_text() + "3,c,1,1\n")  # next month's export has last month's orders in it
    land_file(settings, "order_lines", path, {})
    assert loaded(settings, "select sum(quantity * unit_price), count(*) from raw.order_lines") == [(14, 4)]


def test_a_date_format_reads_what_iso_does_not(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "a.csv"
    path.write_text("order_id,ordered_at,total\n1,25.12.2026 18:30,5\n2,tomorrow,5\n")
    land_file(settings, "orders", path, {}, date_format="%d.%m.%Y %H:%M")
    assert loaded(settings, "select ordered_at from raw.orders") == [(datetime(2026, 12, 25, 18, 30),)]  # noqa: DTZ001
    ((reason,),) = loaded(settings, "select reason from raw.rejected")
    assert "ordered_at 'tomorrow'" in reason


def test_a_constant_may_stand_for_a_column(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "a.csv"
    path.write_text("order_id,ordered_at,total\n1,2026-12-25,5\n")
    land_file(settings, "orders", path, {"currency": "=EUR"})
    assert loaded(settings, "select currency from raw.orders") == [("EUR",)]


def test_quotes_commas_and_long_cells_shift_no_column_and_surplus_cells_reject_their_row(
    tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "lines.csv"
    plain = "".join(f"{n},bowl,1,5\n" for n in range(9000))
    tail = f'Z1,"12"" PLATE, BLUE",3,9.99\nZ2,"{"x" * 200_000}",1,1\nZ3,a,1,1,surplus\n'
    path.write_text(f"order_id,title,quantity,unit_price\n{plain}{tail}")
    land_file(settings, "order_lines", path, {})
    sql = "select title[:20], quantity, unit_price from raw.order_lines where order_id[1] = 'Z' order by order_id"
    assert loaded(settings, sql) == [('12" PLATE, BLUE', 3, Decimal("9.99")), ("x" * 20, 1, 1)]
    assert loaded(settings, "select reason from raw.rejected") == [("the row has more cells than columns",)]


def test_a_date_format_wins_over_what_looks_like_seconds(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "a.csv"
    path.write_text("order_id,ordered_at,total\n1,202607011200,5\n")
    land_file(settings, "orders", path, {}, date_format="%Y%m%d%H%M")
    assert loaded(settings, "select ordered_at from raw.orders") == [(datetime(2026, 7, 1, 12),)]  # noqa: DTZ001


def test_a_file_with_the_settings_put_right_is_taken_again(tmp_path: Path, settings_with: Any) -> None:
    write_csv(tmp_path / "a.csv")
    land_file(settings_with(currency="USD"), "orders", tmp_path / "a.csv", MAP)
    right = settings_with(currency="BRL")
    assert land_file(right, "orders", tmp_path / "a.csv", MAP).is_new
    assert loaded(right, "select distinct currency from raw.orders") == [("BRL",)]


def test_a_source_is_a_plain_name(tmp_path: Path, settings: Settings) -> None:
    write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="name the shop"):
        land_file(settings, "orders", tmp_path / "a.csv", MAP, source="../shop")


def test_a_constant_that_can_not_be_read_is_named(tmp_path: Path, settings: Settings) -> None:
    write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="currency: 'XX1'"):
        land_file(settings, "orders", tmp_path / "a.csv", MAP | {"currency": "=XX1"})


WRONG = [
    ("a.csv", "id,n\n1,2\n", "orders", {"order_id": "Id"}, "did you mean 'id'"),
    ("a.csv", "id,n\n1,2\n", "orders", {"order_idd": "id"}, "did you mean 'order_id'"),
    ("a.csv", "id,n\n1,2\n", "orders", {"order_id": "id"}, "need ordered_at, total"),
    ("a.csv", "id,n\n1,2\n", "invoices", {}, "not 'invoices'"),
    ("a.doc", "x", "orders", {}, "can't read .doc"),
    ("a.parquet", "no parquet", "orders", {}, "can't be read as .parquet"),
    ("a.xlsx", "no workbook", "orders", {}, "can't be read as .xlsx"),
    ("a.ndjson", '{"a":1}\n{"a":', "orders", {}, "line 2 is no JSON"),
    ("a.ndjson", "[1]", "orders", {}, "line 1 is no JSON object"),
    ("a.csv", "", "orders", MAP, "has no column"),
]


@pytest.mark.parametrize(("name", "content", "stream", "fields", "says"), WRONG)
def test_wrong_use_is_one_line_that_says_what_to_do(
    name: str, content: str, stream: str, fields: dict[str, str], says: str, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError) as caught:
        land_file(settings, stream, tmp_path / name, fields)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(settings.paths.data.glob("landing/**/*.ndjson"))


def test_another_encoding_is_asked_for_and_then_read(tmp_path: Path, settings: Settings) -> None:
    write_csv(tmp_path / "a.csv", ";", "cp1251")
    with pytest.raises(UsageError, match="--encoding"):
        land_file(settings, "orders", tmp_path / "a.csv", MAP)
    land_file(settings, "orders", tmp_path / "a.csv", MAP, encoding="cp1251")
    assert ("Чехов",) in loaded(settings, "select customer_ref from raw.orders")


def test_a_missing_file_is_said_plainly(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(UsageError, match="no such file"):
        land_file(settings, "orders", tmp_path / "gone.csv", MAP)
