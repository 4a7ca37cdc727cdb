"""What stands of a record that came in several versions, in whatever order they came, and after its map has changed."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
import webhooks
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from ingest import files, loader, readings
from ingest.landing import LandingLog
from wabench.settings import Settings, load

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOML = """
[sources.{name}]
base_url = "http://crm.example"
{more}
[sources.{name}.streams.orders]
path = "orders"
map = {{ order_id = "id", ordered_at = "at", updated_at = "changed", total = "sum", status = "state" }}
[sources.{name}.streams.order_lines]
path = "lines"
records = "[].items[]"
map = {{ order_id = "^.id", sku = "sku", quantity = "n", unit_price = "n" }}
[sources.{name}.streams.customers]
path = "people"
[sources.{name}.streams.customers.map]
customer_ref = "id"
phone = "phone"
name = "name"
consent = "consent"
updated_at = "changed"
is_deleted = "deleted"
merged_into = "into"
"""


def crm(home: Path, name: str = "crm", more: str = "") -> Settings:
    (home / "wabench.toml").write_text(TOML.format(name=name, more=more))
    return load({"WABENCH_HOME": str(home)})


def land(settings: Settings, records: Any, stream: str, at: datetime = AT, **run: Any) -> None:
    log = LandingLog(settings.paths.landing / stream, clock=lambda: at)
    body = records if isinstance(records, bytes) else msgspec.json.encode(records)
    log.append(body, pull={"started_at": at.isoformat(), **run} if "webhooks" not in stream else None)
    log.commit()
    log.close()


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    connection = loader.connect(settings)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def everything(settings: Settings) -> list[list[tuple[Any, ...]]]:
    tables = ("orders", "order_lines", "customers", "customers_told", "pulls", "rejected")
    return [rows(settings, f"select * exclude (load_id) from raw.{table} order by all") for table in tables]


def assert_a_rebuild_is_the_same(settings: Settings) -> None:
    before = everything(settings)
    settings.paths.warehouse.unlink()
    loader.load(settings)
    assert everything(settings) == before


def day(number: int) -> str:
    return f"2026-06-{number:02}T00:00:00Z"


SAID = {"id": 7, "phone": "+5511987654321", "name": "Bia", "consent": "no", "changed": day(2)}
BEFORE = {"id": 7, "phone": "+5511900000000", "name": "B.", "consent": "yes", "changed": day(1)}
MERGED = {"id": 7, "into": 9, "changed": day(3)}
DELETED = {"id": 7, "deleted": True, "changed": day(4)}
BACK = {"id": 7, "name": "Bia again", "changed": day(5)}
KEPT = "select phone, name, consent, is_deleted, merged_into, day(updated_at) from raw.customers"


@pytest.mark.parametrize("is_one_span", [True, False])
@pytest.mark.parametrize("order", list(permutations([BEFORE, SAID, MERGED, DELETED])))
def test_who_is_deleted_or_merged_keeps_their_refusal_in_whatever_order_it_is_told(
    home: Path, order: tuple[Any, ...], is_one_span: bool
) -> None:
    settings = crm(home)
    if is_one_span:
        land(settings, list(order), "crm/customers")
    for hour, version in enumerate(() if is_one_span else order):
        land(settings, [version], "crm/customers", AT + hour * HOUR)
        loader.load(settings)
    loader.load(settings)
    assert rows(settings, KEPT) == [("+5511987654321", "Bia", False, True, "9", 4)]
    assert_a_rebuild_is_the_same(settings)


def test_who_comes_back_is_as_their_record_says_now(home: Path) -> None:
    settings = crm(home)
    for hour, version in enumerate((SAID, DELETED, BACK, DELETED)):
        land(settings, [version, {"id": 8, "name": "Ann"}], "crm/customers", AT + hour * HOUR)
        assert loader.load(settings).rows == {"customers": 2}
    assert rows(settings, f"{KEPT} where customer_ref = '7'") == [(None, "Bia again", None, None, None, 5)]
    assert rows(settings, "select hour(first_received_at), hour(seen_at) from raw.customers") == [(12, 15)] * 2
    assert rows(settings, "select count(*) from raw.customers_told") == [(0,)]


@tried(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([BEFORE, SAID, MERGED, DELETED, BACK]), min_size=1, max_size=5), st.data())
def test_any_versions_cut_into_any_loads_come_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, versions: list[dict[str, Any]], data: st.DataObject
) -> None:
    settings = crm(tmp_path_factory.mktemp("cut"))
    for hour, version in enumerate(versions):
        land(settings, [version], "crm/customers", AT + hour * HOUR)
        if data.draw(st.booleans()):
            loader.load(settings)
    loader.load(settings)
    assert_a_rebuild_is_the_same(settings)


def an_order(changed: int, **fields: Any) -> dict[str, Any]:
    return {"id": 1, "at": day(1), "sum": 10, "state": "paid", "changed": day(changed), **fields}


@pytest.mark.parametrize("last", [1, 3])
def test_an_order_was_seen_when_any_version_of_it_came(home: Path, last: int) -> None:
    settings = crm(home)
    for hour, changed in enumerate((2, last)):
        land(settings, [an_order(changed)], "crm/orders", AT + hour * HOUR)
        loader.load(settings)
    assert rows(settings, "select day(updated_at), hour(seen_at), hour(first_received_at) from raw.orders") == [
        (max(last, 2), 13, 12)
    ]
    assert_a_rebuild_is_the_same(settings)


def test_a_pull_says_how_much_it_showed_and_who_asked(home: Path) -> None:
    settings = crm(home)
    land(settings, [an_order(1)], "crm/orders", seen=31, confirmed=True, is_full=True)
    land(settings, [an_order(1)], "crm/orders", AT + HOUR)
    loader.load(settings)
    found = rows(settings, "select is_full, records, is_confirmed from raw.pulls order by started_at")
    assert found == [(True, 31, True), (False, None, False)]


def test_lines_stamped_by_a_clock_that_ran_ahead_give_way_to_the_next(home: Path) -> None:
    settings, now = crm(home), AT + 2 * HOUR
    for at, sku in ((AT + timedelta(days=365), "ahead"), (AT, "right")):
        land(settings, [{"id": 1, "items": [{"sku": sku, "n": 1}]}], "crm/order_lines", at)
        land(settings, [an_order(1, sum=len(sku))], "crm/orders", at)
        loader.load(settings, clock=lambda: now)
    assert rows(settings, "select sku, year(received_at) from raw.order_lines") == [("right", 2026)]
    assert rows(settings, "select total, year(seen_at) from raw.orders") == [(5, 2026)]
    settings.paths.warehouse.unlink()
    loader.load(settings, clock=lambda: now)
    assert rows(settings, "select sku from raw.order_lines") == [("right",)]


def test_lines_of_an_order_are_numbered_as_they_stand_in_it(home: Path) -> None:
    settings = crm(home)
    items = [{"sku": f"{n:03}", "n": 1} for n in range(500)]
    filler = [{"id": n, "items": items[:7]} for n in range(2, 500)]
    land(settings, [{"id": 1, "items": items}, *filler], "crm/order_lines")
    loader.load(settings)
    assert rows(settings, "select count(*) from raw.order_lines where line_number <> sku::int + 1") == [(0,)]


def woo(home: Path) -> Settings:
    (home / "wabench.toml").write_text('[sources.woo]\nkind = "woocommerce"\nbase_url = "https://woo.example"')
    return load({"WABENCH_HOME": str(home)})


def bought(*skus: str) -> dict[str, Any]:
    lines = [{"sku": sku, "name": sku, "quantity": 1, "price": 2.5} for sku in skus]
    at = {"date_created_gmt": "2026-06-01T10:00:00", "date_modified_gmt": "2026-06-01T10:00:00"}
    return {"id": 1, "total": "5.00", "status": "completed", "line_items": lines, **at}


@pytest.mark.parametrize("loads", [1, 2])
def test_an_order_that_lost_its_lines_while_a_pull_ran_has_none(home: Path, loads: int) -> None:
    settings = woo(home)
    began = {"started_at": AT.isoformat()}
    for second, skus in ((1, ("a", "b")), (2, ())):
        land(settings, [bought(*skus)], "woo/orders", AT + timedelta(seconds=second), **began)
        if loads == 2:
            loader.load(settings)
    loader.load(settings)
    assert rows(settings, "select count(*) from raw.order_lines") == [(0,)]
    land(settings, [bought("c")], "woo/orders", AT + timedelta(seconds=3), **began)
    loader.load(settings)
    assert rows(settings, "select sku from raw.order_lines") == [("c",)]


def filled(home: Path) -> Settings:
    """A shop with pages, a file under its name, and webhooks, all loaded."""
    settings = crm(home)
    land(settings, [an_order(1, state="wysłane")], "crm/orders")
    land(settings, [{"id": 1, "items": [{"sku": "a", "n": 1}]}], "crm/order_lines")
    land(settings, [SAID], "crm/customers")
    land(settings, webhooks.statuses(webhooks.status("wamid.1", "read")), "meta/webhooks")
    (home / "old.csv").write_text("order_id,ordered_at,total\n1,2020-01-01,3\n2,2020-01-01,4\n")
    files.land_file(settings, "orders", home / "old.csv", {}, source="crm", clock=lambda: AT)
    files.land_file(settings, "orders", home / "old.csv", {}, source="till", clock=lambda: AT)
    loader.load(settings)
    return settings


STATUSES = "select order_id, status from raw.orders where source = 'crm' order by 1"


def test_a_new_word_for_a_status_holds_for_what_was_loaded_before(home: Path) -> None:
    filled(home)
    settings = crm(home, more='statuses = { "wysłane" = "refunded" }')
    assert rows(settings, STATUSES) == [("1", "unknown"), ("2", "paid")]
    last = rows(settings, "select max(load_id) from raw.loads")[0][0]
    events = rows(settings, "select * from raw.message_events")
    outcome = loader.load(settings)
    assert outcome.rows == {"orders": 2, "order_lines": 1, "customers": 1}
    assert rows(settings, STATUSES) == [("1", "refunded"), ("2", "paid")]
    assert rows(settings, "select min(load_id) from raw.order_lines") > [(last,)]
    assert rows(settings, "select * from raw.message_events") == events
    assert loader.load(settings).bytes == 0
    assert_a_rebuild_is_the_same(settings)


def test_a_source_that_was_renamed_leaves_no_second_set_of_orders(home: Path) -> None:
    filled(home)
    settings = crm(home, "shop")
    land(settings, [an_order(1)], "shop/orders", AT + HOUR)
    loader.load(settings)
    found = rows(settings, "select source, order_id from raw.orders order by all")
    assert found == [("crm", "1"), ("crm", "2"), ("shop", "1"), ("till", "1"), ("till", "2")]
    assert rows(settings, "select total from raw.orders where source = 'crm' order by 1") == [(3,), (4,)]
    assert rows(settings, "select count(*) from raw.customers") == [(0,)]
    assert loader.load(settings).bytes == 0
    assert_a_rebuild_is_the_same(settings)
    settings = crm(home)
    loader.load(settings)
    assert rows(settings, STATUSES) == [("1", "unknown"), ("2", "paid")]


def test_a_load_killed_after_it_forgot_a_source_goes_on_and_ids_still_rise(home: Path) -> None:
    filled(home)
    settings = crm(home, more='currency = "PLN"')
    last = rows(settings, "select max(load_id) from raw.loads")[0][0]
    connection = loader.connect(settings)
    readings.keep_up(settings, connection, loader.landing.files(settings.paths.landing))
    connection.close()
    assert rows(settings, STATUSES) == []
    loader.load(settings)
    assert rows(settings, "select distinct currency, min(load_id) > ? from raw.orders where total = 10 group by 1"
                .replace("?", str(last))) == [("PLN", True)]  # fmt: skip


@pytest.mark.parametrize(
    "more", ["overlap_seconds = 60\nfull_every_days = 3", 'options = { waiting_seconds = "60", page_size = "7" }']
)
def test_what_stands_beside_the_reading_of_a_source_loads_nothing_again(home: Path, more: str) -> None:
    filled(home)
    settings = crm(home, more=more)
    assert loader.load(settings).bytes == 0


def test_a_source_named_like_older_files_leaves_their_lines_counted(home: Path) -> None:
    (home / "lines.csv").write_text("order_id,quantity,unit_price\n1,1,3\n")
    bare = load({"WABENCH_HOME": str(home)})
    files.land_file(bare, "order_lines", home / "lines.csv", {}, source="crm")
    loader.load(bare)
    settings = crm(home)
    land(settings, [an_order(1)], "crm/orders")
    loader.load(settings)
    assert rows(settings, "select load_id from raw.readings") == [(0,)]
    assert rows(settings, "select count(*) from raw.order_lines") == [(1,)]


def test_a_warehouse_of_an_older_version_is_loaded_again(home: Path) -> None:
    settings = filled(home)
    with duckdb.connect(str(settings.paths.warehouse)) as old:
        old.execute("drop table raw.readings")
        old.execute("drop table raw.customers_told")
        old.execute("alter table raw.orders drop column seen_at")
        old.execute("alter table raw.pulls drop column records")
    assert loader.load(settings).rows["orders"] == 2
    assert rows(settings, "select count(*) from raw.orders where source = 'crm' and seen_at is null") == [(0,)]
