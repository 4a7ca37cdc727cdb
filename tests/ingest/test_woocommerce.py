"""WooCommerce's answers, in its documented form, become our orders, lines and customers; no order is skipped."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import loader
from ingest.pull import PullOutcome, pull
from ingest.records import Reading, compile_mapping, convert
from ingest.sources import woocommerce
from ingest.sources.base import Api
from wabench.errors import UsageError
from wabench.settings import Settings, SourceSettings, load

NOBODY = {"first_name": "", "last_name": "", "email": "", "phone": "", "country": ""}
ORDER: dict[str, Any] = {
    "id": 812,
    "number": "A-812",
    "status": "processing",
    "currency": "MXN",
    "date_created": "2026-06-01T04:00:00",
    "date_created_gmt": "2026-06-01T10:00:00",
    "date_modified": "2026-06-01T04:05:00",
    "date_modified_gmt": "2026-06-01T10:05:00",
    "total": "1180.50",
    "customer_id": 31,
    "billing": NOBODY
    | {"first_name": "Lucía", "last_name": "Ortega", "phone": "55 1234 5678", "email": "l@example.com"},
    "shipping": NOBODY,
    "line_items": [{"id": 1, "name": "Taza", "product_id": 9, "sku": "", "quantity": 3, "price": 333.3333333}],
    "refunds": [],
}
CUSTOMER = {
    "id": 31,
    "date_created_gmt": "2026-01-01T00:00:00",
    "date_modified_gmt": "2026-02-01T00:00:00",
    "email": "l@example.com",
    "first_name": "",
    "last_name": "",
    "billing": ORDER["billing"] | {"country": "MX"},
    "shipping": NOBODY,
    "meta_data": [{"id": 1, "key": "whatsapp_optin", "value": "yes"}],
}


class Shop:
    """A WooCommerce of these orders, trash and customers, as many a page as asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.orders: list[dict[str, Any]] = []
        self.trash: list[dict[str, Any]] = []
        self.customers: list[dict[str, Any]] = []
        self.asked: list[httpx.Request] = []
        self.after_each: Callable[[], None] = lambda: None
        self.faults: list[httpx.Response] = []
        self.hidden: set[int] = set()
        """Orders that a plugin takes out of the answer; the list still counts them."""
        self.extra = ""
        self.secrets = {"CONSUMER_KEY": "ck_one", "CONSUMER_SECRET": "cs_two"}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.faults:
            return self.faults.pop(0)
        asked = request.url.params
        lists = {"any": self.orders, "trash": self.trash}
        found = lists[asked["status"]] if request.url.path.endswith("/orders") else self.customers
        found = sorted(found, key=lambda record: record["id"], reverse=asked["order"] == "desc")
        offset = int(asked["offset"])
        here = [r for r in found[offset : offset + int(asked["per_page"])] if r["id"] not in self.hidden]
        answer = httpx.Response(200, json=here, headers={"X-WP-Total": str(len(found))})
        self.after_each()
        return answer

    @property
    def settings(self) -> Settings:
        (self.home / "wabench.toml").write_text(
            'region = "MX"\ntimezone = "America/Mexico_City"\n[sources.shop]\nkind = "woocommerce"\n'
            f'base_url = "https://shop.example/store"\n{self.extra}'
        )
        named = {f"WABENCH_SOURCE_SHOP_{name}": value for name, value in self.secrets.items()}
        return load({"WABENCH_HOME": str(self.home), **named})

    def pull(self, **options: Any) -> list[PullOutcome]:
        return pull(self.settings, transport=httpx.MockTransport(self), sleep=lambda _: None, **options)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        loader.load(self.settings)
        connection = loader.connect(self.settings)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture
def shop(home: Path) -> Shop:
    return Shop(home)


@pytest.fixture
def taken(shop: Shop) -> Callable[..., tuple[Any, ...]]:
    """Pull one order with these fields and give the columns asked for."""

    def take(columns: str, **fields: Any) -> tuple[Any, ...]:
        shop.orders = [ORDER | fields]
        assert [outcome.error for outcome in shop.pull()] == [None, None, None]
        (row,) = shop.rows(f"select {columns} from raw.orders")
        return row

    return take


STATUSES = [
    ("processing", "paid"), ("completed", "paid"), ("pending", "pending"), ("on-hold", "pending"),
    ("checkout-draft", "pending"), ("cancelled", "cancelled"), ("failed", "cancelled"), ("trash", "cancelled"),
    ("refunded", "refunded"), ("awaiting-unicorn", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours"), STATUSES)
def test_every_documented_status_is_one_of_ours(taken: Callable[..., Any], theirs: str, ours: str) -> None:
    assert taken("status", status=theirs) == (ours,)


def test_a_status_of_the_shops_own_is_what_the_shop_says(shop: Shop, taken: Callable[..., Any]) -> None:
    shop.extra = '[sources.shop.statuses]\n"Awaiting-Unicorn" = "paid"\nprocessing = "pending"'
    assert taken("status", status="awaiting-unicorn") == ("paid",)
    assert taken("status", status="processing", date_modified_gmt="2026-06-05T00:00:00") == ("pending",)


REFUNDS = [
    ([], "0", "paid"),
    (["-180.50"], "180.50", "partially_refunded"),
    (["-180.25", "-0.25"], "180.50", "partially_refunded"),
    (["-1180.50"], "1180.50", "refunded"),
]


@pytest.mark.parametrize(("given_back", "refunded", "status"), REFUNDS)
def test_refunds_are_added_up_exactly(
    taken: Callable[..., Any], given_back: list[str], refunded: str, status: str
) -> None:
    refunds = [{"id": n, "reason": "", "total": total} for n, total in enumerate(given_back)]
    assert taken("refunded, total, status", refunds=refunds) == (Decimal(refunded), Decimal("1180.5"), status)


@given(st.lists(st.decimals(min_value="0.01", max_value=10_000, places=2), max_size=6))
def test_what_is_left_is_the_total_less_every_refund(amounts: list[Decimal]) -> None:
    table = woocommerce.feeds(SourceSettings(kind="woocommerce"))["orders"][0]
    reading = Reading(UTC, "MX", "MXN")
    refunds = [{"total": f"-{amount}"} for amount in amounts]
    row = convert(ORDER | {"refunds": refunds}, (), compile_mapping("orders", table.map, reading, table.words), reading)
    assert row["total"] - row["refunded"] == Decimal("1180.5") - sum(amounts)


def test_times_are_gmt_whatever_the_shops_zone(taken: Callable[..., Any]) -> None:
    assert taken("ordered_at::text, updated_at::text") == ("2026-06-01 10:00:00", "2026-06-01 10:05:00")


def test_a_guest_is_nobody_known_by_phone(taken: Callable[..., Any]) -> None:
    row = taken("customer_ref, phone, email, name", customer_id=0)
    assert row == (None, "+525512345678", "l@example.com", "Lucía Ortega")


def test_the_phone_may_stand_at_the_shipping_address(taken: Callable[..., Any]) -> None:
    shipping = NOBODY | {"phone": "+52 55 1111 2222"}
    assert taken("phone", billing=NOBODY, shipping=shipping) == ("+525511112222",)


def test_a_line_without_a_sku_is_known_by_its_product(shop: Shop, taken: Callable[..., Any]) -> None:
    taken("order_id")
    found = shop.rows("select order_id, sku, title, quantity, unit_price from raw.order_lines")
    assert found == [("812", "9", "Taza", 3, Decimal("333.3333"))]


def test_a_line_taken_out_of_an_order_is_gone_and_so_is_the_last(shop: Shop, taken: Callable[..., Any]) -> None:
    line = ORDER["line_items"][0]
    taken("order_id", line_items=[line, line | {"sku": "b"}])
    taken("order_id", line_items=[line])
    assert shop.rows("select sku from raw.order_lines") == [("9",)]
    taken("order_id", line_items=[])
    assert shop.rows("select sku from raw.order_lines") == []


def test_what_lies_in_the_trash_is_deleted_and_comes_back_when_it_is_taken_out(shop: Shop) -> None:
    shop.orders = [ORDER]
    shop.pull()
    shop.orders, shop.trash = [], [ORDER | {"status": "trash", "date_modified_gmt": "2026-06-03T00:00:00"}]
    shop.pull()
    assert shop.rows("select status, is_deleted from raw.orders") == [("cancelled", True)]
    shop.orders, shop.trash = [ORDER | {"date_modified_gmt": "2026-06-04T00:00:00"}], []
    shop.pull()
    assert shop.rows("select status, is_deleted from raw.orders") == [("paid", None)]


def test_a_customer_is_taken_with_consent_where_the_shop_says_where_it_stands(shop: Shop) -> None:
    shop.customers = [CUSTOMER]
    shop.pull()
    columns = "customer_ref, phone, name, country, consent"
    found = ("31", "+525512345678", "Lucía Ortega", "MX")
    assert shop.rows(f"select {columns} from raw.customers") == [(*found, None)]
    shop.extra = '[sources.shop.map.customers]\nconsent = "meta_data[key=whatsapp_optin].value"'
    shop.pull(full=True)
    assert shop.rows(f"select {columns} from raw.customers") == [(*found, True)]


def test_a_field_or_table_that_is_not_there_is_named(shop: Shop) -> None:
    shop.extra = '[sources.shop.map.orders]\nmargn = "x"'
    with pytest.raises(UsageError, match="did you mean 'margin'"):
        shop.pull()
    shop.extra = 'options = { page_sise = "10" }'
    with pytest.raises(UsageError, match="did you mean 'page_size'"):
        shop.pull()


def ids(shop: Shop) -> list[int]:
    return [int(row[0]) for row in shop.rows("select order_id from raw.orders order by order_id::int")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_every_order_comes_once_whatever_the_page_size(shop: Shop, size: int) -> None:
    shop.extra = f'options = {{ page_size = "{size}" }}'
    shop.orders = [ORDER | {"id": n} for n in range(1, 24)]
    shop.pull()
    assert ids(shop) == list(range(1, 24))


@given(
    size=st.integers(1, 6),
    count=st.integers(0, 20),
    hidden=st.sets(st.integers(1, 20)),
    gone=st.dictionaries(st.integers(1, 8), st.integers(1, 20), max_size=3),
)
def test_a_list_that_counts_more_than_it_shows_ends_and_lacks_none(
    size: int, count: int, hidden: set[int], gone: dict[int, int]
) -> None:
    """Whatever it hides; where it hides nothing, orders may also vanish while it is walked."""
    shop = Shop(Path())
    shop.orders = [ORDER | {"id": n} for n in range(1, count + 1)]
    shop.hidden = hidden
    if not hidden:
        shop.after_each = lambda: shop.orders.__setitem__(
            slice(None), [o for o in shop.orders if o["id"] != gone.get(len(shop.asked))]
        )
    pages = woocommerce.pages(asking(shop, size), "orders", None, None)
    found = {record["id"] for page in pages for record in json.loads(page.body)}
    assert found >= {record["id"] for record in shop.orders} - hidden
    assert len(shop.asked) < 4 * (count + 2)


def test_an_order_that_is_counted_and_never_shown_does_not_hold_up_the_pull(shop: Shop) -> None:
    shop.orders, shop.hidden = [ORDER | {"id": n} for n in (1, 2, 3, 4)], {4}
    assert [outcome.error for outcome in shop.pull()] == [None, None, None]
    assert (ids(shop), len(shop.asked)) == ([1, 2, 3], 4)


def test_a_customer_imported_with_an_old_date_hides_no_new_one(shop: Shop) -> None:
    shop.customers = [CUSTOMER | {"id": n} for n in range(1, 4)]
    shop.pull()
    new = [CUSTOMER | {"id": n, "date_created_gmt": "2036-01-01T00:00:00"} for n in range(4, 150)]
    old = {"date_created_gmt": "2019-01-01T00:00:00"}
    shop.customers += [*new, CUSTOMER | {"id": 150} | old, CUSTOMER | {"id": 151, "date_created_gmt": None}]
    assert [outcome.error for outcome in shop.pull()] == [None, None, None]
    assert shop.rows("select count(*) from raw.customers") == [(151,)]


def test_where_consent_is_mapped_a_withdrawal_is_noticed_by_the_next_pull(shop: Shop) -> None:
    shop.extra = '[sources.shop.map.customers]\nconsent = "meta_data[key=whatsapp_optin].value"'
    shop.customers = [CUSTOMER | {"id": n} for n in range(1, 251)]
    shop.pull()
    no = [{"id": 1, "key": "whatsapp_optin", "value": "no"}]
    shop.customers[4] = CUSTOMER | {"id": 5, "meta_data": no, "date_modified_gmt": "2026-06-01T00:00:00"}
    shop.pull()
    assert shop.rows("select customer_ref from raw.customers where not consent") == [("5",)]


def test_a_place_in_a_list_that_was_walked_the_other_way_is_not_gone_on_from(shop: Shop) -> None:
    shop.customers = [CUSTOMER | {"id": n} for n in range(1, 251)]
    api = asking(shop, 100)
    backwards = woocommerce.pages(api, "customers", datetime(2025, 1, 1, tzinfo=UTC), {"offset": 200, "last": 201})
    assert sum(page.records for page in backwards) == 250
    assert sum(page.records for page in woocommerce.pages(api, "customers", None, {"offset": 100})) == 252


def asking(shop: Shop, size: int) -> Api:
    settings = SourceSettings(kind="woocommerce", base_url="https://shop.example", options={"page_size": str(size)})
    client = httpx.Client(transport=httpx.MockTransport(shop))
    return Api("shop", woocommerce, settings, client, {"consumer_key": "a", "consumer_secret": "b"})  # type: ignore[arg-type]


def test_an_order_deleted_while_the_list_is_walked_costs_no_other_its_place(shop: Shop) -> None:
    shop.extra = 'options = { page_size = "4" }'
    shop.orders = [ORDER | {"id": n} for n in range(1, 31)]
    staying = {record["id"] for record in shop.orders} - {1, 2, 3, 4, 5, 6, 7, 8}
    shop.after_each = lambda: shop.orders.pop(0) and None if shop.orders[0]["id"] < 9 else None
    shop.pull()
    assert staying <= set(ids(shop))


def test_a_proxy_that_drops_the_total_does_not_end_the_list(shop: Shop) -> None:
    shop.orders = [ORDER | {"id": n} for n in range(1, 6)]
    api = Api("shop", woocommerce, SourceSettings(kind="woocommerce", base_url="https://shop.example"), bare(shop), {  # type: ignore[arg-type]
        "consumer_key": "a", "consumer_secret": "b",
    })  # fmt: skip
    assert sum(page.records for page in woocommerce.pages(api, "orders", None, None)) >= 5


def bare(shop: Shop) -> httpx.Client:
    """Give a client whose answers carry no X-WP-Total."""

    def answer(request: httpx.Request) -> httpx.Response:
        response = shop(request)
        del response.headers["X-WP-Total"]
        return response

    return httpx.Client(transport=httpx.MockTransport(answer))


def test_changes_are_asked_for_in_gmt_and_customers_by_who_is_new(shop: Shop) -> None:
    shop.customers = [CUSTOMER | {"id": n} for n in range(1, 251)]
    shop.pull()
    shop.asked.clear()
    shop.pull()
    orders, trash, customers = (request.url.params for request in shop.asked)
    assert (orders["dates_are_gmt"], trash["dates_are_gmt"]) == ("true", "true")
    assert orders["modified_after"].startswith("20")
    assert (customers["order"], customers["role"], "modified_after" in customers) == ("desc", "all", False)


def test_the_key_travels_as_basic_and_under_the_shops_own_folder(shop: Shop) -> None:
    shop.pull()
    request = shop.asked[0]
    assert request.url.path == "/store/wp-json/wc/v3/orders"
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"ck_one:cs_two"


def test_a_refused_key_is_one_line_with_its_variables(shop: Shop) -> None:
    shop.faults = [httpx.Response(401, json={"code": "woocommerce_rest_cannot_view", "message": "ck_one"})] * 3
    said = str(shop.pull()[0].error)
    assert "WABENCH_SOURCE_SHOP_CONSUMER_KEY, WABENCH_SOURCE_SHOP_CONSUMER_SECRET" in said
    assert "ck_one" not in said
    shop.secrets = {"CONSUMER_KEY": "ck_one"}
    assert str(shop.pull()[0].error) == "source shop needs WABENCH_SOURCE_SHOP_CONSUMER_SECRET"


def test_keys_do_not_travel_in_the_open(shop: Shop) -> None:
    shop.extra = ""
    (shop.home / "wabench.toml").write_text('[sources.shop]\nkind = "woocommerce"\nbase_url = "http://shop.example"')
    with pytest.raises(UsageError, match="is not https"):
        load({"WABENCH_HOME": str(shop.home)})
