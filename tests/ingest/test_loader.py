import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import webhooks

from ingest import files, loader
from ingest.landing import LandingLog
from wabench.errors import Busy
from wabench.settings import Settings

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def land(settings: Settings, *bodies: bytes, stream: str = "meta/webhooks", at: datetime = AT, **options: Any) -> None:
    log = LandingLog(settings.paths.landing / stream, clock=lambda: at)
    for body in bodies:
        log.append(body, **options)
    log.commit()
    log.close()


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    connection = loader.connect(settings)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


EVENTS = "select message_id, event_type from raw.message_events order by 1, 2"


def test_each_event_is_one_row_that_says_where_it_landed(settings: Settings) -> None:
    first = webhooks.messages(webhooks.text("wamid.1", "Привет"))
    land(settings, first, webhooks.statuses(webhooks.status("wamid.2", "read")))
    outcome = loader.load(settings)
    assert outcome.rows == {"message_events": 2}
    assert rows(settings, EVENTS) == [("wamid.1", "received"), ("wamid.2", "read")]
    ((text, phone, received, ref),) = rows(
        settings,
        "select body_text, phone, received_at, landing_ref from raw.message_events where message_id = 'wamid.1'",
    )
    assert (text, phone, received) == ("Привет", "+5511987654321", AT.replace(tzinfo=None))
    name, _, offset = ref.rpartition(":")
    assert first in (settings.paths.landing / name).read_bytes()[int(offset) :].splitlines()[0]


def test_loading_twice_and_receiving_twice_change_nothing(settings: Settings) -> None:
    body = webhooks.statuses(webhooks.status("wamid.2", "read"))
    land(settings, body, body)
    assert loader.load(settings).rows == {"message_events": 1}
    assert loader.load(settings).rows == {}
    land(settings, body, at=AT + timedelta(days=6))
    assert loader.load(settings).rows == {"message_events": 0}
    assert rows(settings, "select count(*) from raw.message_events") == [(1,)]


def test_a_warehouse_rebuilt_from_landing_is_the_same(settings: Settings) -> None:
    for day in range(3):
        land(
            settings,
            webhooks.statuses(webhooks.status(f"wamid.{day}", "sent"), webhooks.status("wamid.x", "read", day)),
            at=AT + timedelta(days=day),
        )
        loader.load(settings)
    sql = "select * exclude (load_id) from raw.message_events order by event_id"
    before = rows(settings, sql)
    settings.paths.warehouse.unlink()
    loader.load(settings)
    assert rows(settings, sql) == before


def test_what_is_no_json_is_rejected_with_its_reason_and_the_rest_is_loaded(settings: Settings) -> None:
    land(settings, b'{"entry":[', b"\xff\xfe", valid_json=False)
    land(settings, webhooks.statuses(webhooks.status("wamid.2", "read")), at=AT + timedelta(seconds=1))
    path = next(settings.paths.landing.glob("*/*/*/*.ndjson"))
    path.write_bytes(path.read_bytes() + b"\0\0\0 a damaged line\n")
    outcome = loader.load(settings)
    assert (outcome.rows["message_events"], outcome.rejected) == (1, 3)
    reasons = [reason.split(":")[0] for (reason,) in rows(settings, "select reason from raw.rejected")]
    assert sorted(reasons) == ["damaged landing line", "not JSON", "not JSON"]


def test_a_line_that_is_being_written_waits_for_its_newline(settings: Settings) -> None:
    land(settings, webhooks.statuses(webhooks.status("wamid.1", "read")))
    (path,) = settings.paths.landing.glob("*/*/*/*.ndjson")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    assert loader.load(settings).rows == {"message_events": 1}
    path.write_bytes(whole + whole.replace(b"wamid.1", b"wamid.2"))
    assert loader.load(settings).rows == {"message_events": 1}
    assert rows(settings, EVENTS) == [("wamid.1", "read"), ("wamid.2", "read")]


def test_many_spans_parsed_in_several_processes_give_what_one_gives(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "SPAN_BYTES", 2000)
    monkeypatch.setattr(loader, "ALONE_BYTES", 0)
    land(settings, *(webhooks.statuses(webhooks.status(f"wamid.{n}", "read")) for n in range(100)))
    seen: list[tuple[int, int]] = []
    outcome = loader.load(settings, lambda done, total: seen.append((done, total)), workers=2)
    assert outcome.rows == {"message_events": 100}
    assert seen[-1][0] == seen[-1][1] == outcome.bytes
    assert rows(settings, "select count(distinct load_id) > 4, count(*) from raw.message_events") == [(True, 100)]


def test_of_an_event_received_twice_the_first_arrival_stands_whichever_is_loaded_first(settings: Settings) -> None:
    body = webhooks.statuses(webhooks.status("wamid.2", "read"))
    land(settings, body, at=AT + timedelta(hours=1))
    loader.load(settings)
    land(settings, body)
    loader.load(settings)
    assert rows(settings, "select received_at from raw.message_events") == [(AT.replace(tzinfo=None),)]


TWILIO_DELIVERED = b"MessageSid=SM1&MessageStatus=delivered&From=whatsapp:%2B15550000000&To=whatsapp:%2B15560000000"
STREAMED = (
    b'[{"type":"com.twilio.messaging.message.delivered","data":{"messageSid":"SM1","messageStatus":"DELIVERED",'
    b'"from":"whatsapp:+15550000000","to":"whatsapp:+15560000000","timestamp":"2026-07-01T11:59:00Z"}}]'
)


@pytest.mark.parametrize("loads", [1, 2])
@pytest.mark.parametrize("hours", [(0, 1), (1, 0)])
def test_of_an_event_told_twice_the_sends_word_is_kept_whichever_came_or_was_loaded_first(
    settings: Settings, hours: tuple[int, int], loads: int
) -> None:
    land(settings, STREAMED, stream="twilio/webhooks", at=AT + timedelta(hours=hours[0]))
    if loads == 2:
        loader.load(settings)
    told = AT + timedelta(hours=hours[1])
    land(settings, TWILIO_DELIVERED, stream="twilio/webhooks", at=told, query="callback=wb%3A1", valid_json=False)
    loader.load(settings)
    found = rows(settings, "select callback_data, received_at, occurred_at is not null from raw.message_events")
    assert found == [("wb:1", AT.replace(tzinfo=None), hours[0] == 0)]
    is_changed = hours[0] == 0 or loads == 2  # else it was whole already
    assert rows(settings, "select load_id from raw.message_events") == [(2 if is_changed else 1,)]


def test_an_event_told_twice_in_one_file_has_the_sends_word(settings: Settings) -> None:
    log = LandingLog(settings.paths.landing / "twilio/webhooks", clock=lambda: AT)
    log.append(STREAMED)
    log.append(TWILIO_DELIVERED, query="callback=wb%3A1", valid_json=False)
    log.commit()
    log.close()
    assert loader.load(settings).rows == {"message_events": 1}
    assert rows(settings, "select callback_data from raw.message_events") == [("wb:1",)]


def test_half_an_emoji_costs_no_event_and_a_bottomless_body_stops_no_load(settings: Settings) -> None:
    cut = webhooks.messages(webhooks.text("wamid.1", "hi 🙏")).replace(b"\\ude4f", b"")
    assert b"\\ud83d" in cut
    land(settings, cut, b"[" * 5000 + b"]" * 5000, valid_json=False)
    outcome = loader.load(settings)
    assert (outcome.rows, outcome.rejected) == ({"message_events": 1}, 1)
    assert rows(settings, "select body_text from raw.message_events") == [("hi ?",)]


def test_a_stream_nobody_can_read_stays_in_landing_for_later(settings: Settings) -> None:
    land(settings, b"{}", stream="carrier_pigeon/webhooks")
    land(settings, b"{}", stream="gone_source/orders", pull={"started_at": AT.isoformat()})
    assert loader.load(settings).bytes == 0


def order(**fields: Any) -> bytes:
    import json

    return json.dumps({"orders": [{"id": 1, "date": "2026-06-01T10:00:00Z", "sum": "10.00"} | fields]}).encode()


@pytest.fixture
def shop(home: Path, settings_with: Any) -> Settings:
    (home / "wabench.toml").write_text(
        """
        [sources.crm]
        base_url = "http://crm.example"
        timezone = "America/Sao_Paulo"
        currency = "BRL"
        [sources.crm.streams.orders]
        path = "orders"
        records = "orders"
        [sources.crm.streams.orders.map]
        order_id = "id"
        ordered_at = "date"
        updated_at = "changed"
        total = "sum"
        status = "state"
        phone = "who.phones[0]"
        customer_ref = "who.id"
        refunded = "back"
        [sources.crm.streams.order_lines]
        path = "orders"
        records = "orders[].items[]"
        map = { order_id = "^.id", ordered_at = "^.date", sku = "sku", quantity = "n", unit_price = "price" }
        """
    )
    return settings_with(region="BR")


ORDERS = "select order_id, ordered_at, status, total, refunded, currency, phone, customer_ref from raw.orders"


def test_a_pulled_order_is_mapped_with_the_sources_zone_currency_and_country(shop: Settings) -> None:
    who = {"id": 7, "phones": ["(11) 98765-4321"]}
    land(shop, order(date="2026-06-01 10:00:00", who=who, sum="1.234,50"), stream="crm/orders", pull={})
    loader.load(shop)
    assert rows(shop, ORDERS) == [
        (
            "1",
            datetime(2026, 6, 1, 13),  # noqa: DTZ001
            "paid",
            Decimal("1234.5"),
            Decimal(0),
            "BRL",
            "+5511987654321",
            "7",
        )
    ]


def test_the_newest_version_of_an_order_stands_whichever_comes_last(shop: Settings) -> None:
    land(shop, order(state="refunded", back=10, changed="2026-06-05T00:00:00Z"), stream="crm/orders", pull={})
    loader.load(shop)
    late = order(state="paid", changed="2026-06-02T00:00:00Z")
    land(shop, late, stream="crm/orders", pull={}, at=AT + timedelta(hours=1))
    loader.load(shop)
    assert rows(shop, "select status, refunded from raw.orders") == [("refunded", Decimal(10))]


def test_an_order_keeps_the_time_it_first_reached_us(shop: Settings) -> None:
    for hour, changed in enumerate(("2026-06-05", "2026-06-07", "2026-06-06")):
        land(shop, order(changed=changed), stream="crm/orders", pull={}, at=AT + timedelta(hours=hour))
        loader.load(shop)
        loader.load(shop)
    times = rows(shop, "select received_at - first_received_at, day(updated_at) from raw.orders")
    assert times == [(timedelta(hours=1), 7)]


def test_who_says_refunded_and_not_how_much_means_all(shop: Settings) -> None:
    land(shop, order(state="refunded"), order(id=2, state="refunded", back=4), stream="crm/orders", pull={})
    loader.load(shop)
    assert rows(shop, "select total, refunded from raw.orders order by order_id") == [(10, 10), (10, 4)]


@pytest.mark.parametrize("ref", [0, "0", "-1", "Guest", "null", ""])
def test_a_word_for_nobody_is_nobody(shop: Settings, ref: object) -> None:
    land(shop, order(who={"id": ref}), stream="crm/orders", pull={})
    loader.load(shop)
    assert rows(shop, "select customer_ref from raw.orders") == [(None,)]


def test_a_total_below_nothing_is_a_refund(shop: Settings) -> None:
    land(shop, order(sum=-25.5), stream="crm/orders", pull={})
    loader.load(shop)
    assert rows(shop, "select total, refunded, status from raw.orders") == [(0, Decimal("25.5"), "refunded")]


def test_a_record_with_a_bad_field_is_rejected_by_name_and_its_page_goes_on(shop: Settings) -> None:
    land(shop, order(sum="dear"), order(id=2), order(id=None), stream="crm/orders", pull={})
    outcome = loader.load(shop)
    assert (outcome.rows["orders"], outcome.rejected) == (1, 2)
    reasons = rows(shop, "select reason from raw.rejected order by landing_ref")
    assert reasons == [("total 'dear' is no number",), ("order_id is missing",)]


def test_lines_of_an_order_that_comes_again_replace_the_ones_before(shop: Settings) -> None:
    items = [{"sku": "a", "n": 1, "price": 5}, {"sku": "a", "n": 1, "price": 5}, {"sku": "b", "n": 2, "price": 1}]
    land(shop, order(items=items), stream="crm/order_lines", pull={})
    loader.load(shop)
    lines = "select line_number, sku from raw.order_lines order by 1"
    assert rows(shop, lines) == [(1, "a"), (2, "a"), (3, "b")]
    land(shop, order(items=items[:1]), stream="crm/order_lines", pull={}, at=AT + timedelta(hours=1))
    loader.load(shop)
    assert rows(shop, lines) == [(1, "a")]


def test_flat_lines_of_an_order_that_straddles_two_pages_all_stay(home: Path, settings_with: Any) -> None:
    (home / "wabench.toml").write_text(
        """
        [sources.erp]
        base_url = "http://erp.example"
        [sources.erp.streams.order_lines]
        path = "lines"
        records = "lines"
        map = { order_id = "o", sku = "s", quantity = "n", unit_price = "p" }
        """
    )
    erp = settings_with()
    for began in (AT, AT + timedelta(days=1)):
        pages = [[("A", "a1"), ("B", "b1")], [("B", "b2"), ("C", "c1")]]
        for page in pages:
            lines = [{"o": order_id, "s": sku, "n": 1, "p": 1} for order_id, sku in page]
            said = {"started_at": began.isoformat()}
            page_at = began + timedelta(seconds=pages.index(page))
            land(erp, msgspec.json.encode({"lines": lines}), stream="erp/order_lines", pull=said, at=page_at)
    loader.load(erp)
    assert rows(erp, "select order_id, sku from raw.order_lines order by 2") == [
        ("A", "a1"), ("B", "b1"), ("B", "b2"), ("C", "c1")]  # fmt: skip


def test_the_last_row_of_a_file_that_names_an_order_stands(home: Path, settings: Settings) -> None:
    filler = "".join(f"{n},2026-06-01,1,paid\n" for n in range(2, 200))
    (home / "a.csv").write_text(
        f"order_id,ordered_at,total,status\n1,2026-06-01,1,pending\n{filler}1,2026-06-01,1,paid\n"
    )
    files.land_file(settings, "orders", home / "a.csv", {})
    loader.load(settings)
    assert rows(settings, "select status from raw.orders where order_id = '1'") == [("paid",)]


def test_a_warehouse_that_is_open_elsewhere_is_one_clear_line(settings: Settings) -> None:
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    settings.paths.data.mkdir(parents=True)
    command = [sys.executable, "-c", script, str(settings.paths.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline()
        with pytest.raises(Busy, match="can't be opened for writing"):
            loader.load(settings)
        other.communicate(b"")


@pytest.fixture
def woo(home: Path, settings_with: Any) -> Settings:
    """A shop whose orders and lines come on one page."""
    (home / "wabench.toml").write_text('[sources.woo]\nkind = "woocommerce"\nbase_url = "https://woo.example"')
    return settings_with(region="BR")


def bought(number: int, *skus: str, **fields: Any) -> dict[str, Any]:
    lines = [{"sku": sku, "name": sku, "quantity": 1, "price": 2.5} for sku in skus]
    at = {"date_created_gmt": "2026-06-01T10:00:00", "date_modified_gmt": "2026-06-01T10:00:00"}
    return {"id": number, "total": "5.00", "status": "completed", "line_items": lines, **at, **fields}


def a_page(*orders: dict[str, Any]) -> bytes:
    import json

    return json.dumps(orders).encode()


LATER = AT + timedelta(seconds=1)
RUN = {"started_at": AT.isoformat(), "since": None, "next": None}


def test_one_page_fills_several_tables_and_says_when_its_pull_ended(woo: Settings) -> None:
    land(woo, a_page(bought(1, "a", "b"), bought(2, "c")), stream="woo/orders", pull=RUN | {"next": {"offset": 2}})
    land(woo, a_page(bought(3)), stream="woo/orders", at=LATER, pull=RUN | {"is_full": True})
    outcome = loader.load(woo)
    assert outcome.rows == {"orders": 3, "order_lines": 3}
    assert rows(woo, "select order_id, sku from raw.order_lines order by sku") == [("1", "a"), ("1", "b"), ("2", "c")]
    assert rows(woo, "select source, stream, is_full, started_at <= finished_at from raw.pulls") == [
        ("woo", "orders", True, True)
    ]
    assert loader.load(woo).bytes == 0


def test_an_order_that_can_not_be_read_keeps_its_lines_and_neighbours(woo: Settings) -> None:
    land(woo, a_page(bought(1, "a", total="dear"), bought(2, "b")), stream="woo/orders", pull=RUN)
    outcome = loader.load(woo)
    assert (outcome.rows["orders"], outcome.rows["order_lines"], outcome.rejected) == (1, 2, 1)
    assert rows(woo, "select reason from raw.rejected") == [("orders: total 'dear' is no number",)]


def test_a_page_of_another_form_is_rejected_whole_and_the_next_is_loaded(woo: Settings) -> None:
    land(woo, b'{"code": "maintenance"}', stream="woo/orders", pull=RUN)
    land(woo, a_page(bought(2, "b")), stream="woo/orders", at=LATER, pull=RUN)
    outcome = loader.load(woo)
    assert (outcome.rows["orders"], outcome.rejected > 0) == (1, True)


def test_an_old_warehouse_gets_the_columns_it_has_not(settings: Settings) -> None:
    connection = loader.connect(settings)
    for column in ("is_deleted", "merged_into"):
        connection.execute(f"alter table raw.customers drop column {column}")
    connection.execute("alter table raw.orders drop column is_deleted")
    connection.close()
    assert rows(settings, "select count(is_deleted), count(merged_into) from raw.customers") == [(0, 0)]
    assert rows(settings, "select count(is_deleted) from raw.orders") == [(0,)]
