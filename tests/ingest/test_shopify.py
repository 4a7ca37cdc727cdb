"""Shopify's answers, in its documented form, become our orders, lines and customers."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest import landing, loader
from ingest.pull import PullOutcome, pull
from ingest.sources import shopify
from wabench.errors import UsageError
from wabench.settings import Settings, load

ORDER: dict[str, Any] = {
    "id": "gid://shopify/Order/4501",
    "legacyResourceId": "4501",
    "createdAt": "2026-06-01T10:00:00Z",
    "processedAt": "2026-05-31T22:15:00Z",
    "updatedAt": "2026-06-02T09:00:00Z",
    "test": False,
    "cancelReason": None,
    "displayFinancialStatus": "PAID",
    "email": "ines@example.com",
    "phone": None,
    "totalPriceSet": {"shopMoney": {"amount": "119.9", "currencyCode": "EUR"}},
    "totalRefundedSet": {"shopMoney": {"amount": "0.0"}},
    "customer": None,
    "shippingAddress": None,
    "billingAddress": None,
    "lineItems": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []},
}
CUSTOMER = {
    "legacyResourceId": "88",
    "firstName": "Inês",
    "lastName": None,
    "locale": "pt-PT",
    "updatedAt": "2026-06-02T09:00:00Z",
    "defaultPhoneNumber": None,
    "defaultEmailAddress": None,
    "defaultAddress": {"countryCodeV2": "PT", "phone": "912 345 678"},
}
LAST = {"hasNextPage": False, "endCursor": None}
Reply = dict[str, Any] | httpx.Response


def data(name: str, *nodes: dict[str, Any], more: str = "") -> dict[str, Any]:
    return {"data": {name: {"pageInfo": {"hasNextPage": bool(more), "endCursor": more or None}, "nodes": list(nodes)}}}


def errors(code: str, message: str = "sorry", **cost: Any) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}], "extensions": {"cost": cost}}


class Shop:
    """A Shopify that answers what it is given, in turn, and then that there is nothing."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.replies: list[Reply] = []
        self.asked: list[httpx.Request] = []
        self.waited: list[float] = []
        self.secrets = {"TOKEN": "shpat_secret"}
        self.extra = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        name = "orders" if b"query Orders" in request.content else "customers"
        reply = self.replies.pop(0) if self.replies else data(name)
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)

    @property
    def settings(self) -> Settings:
        (self.home / "wabench.toml").write_text(
            f'region = "PT"\n[sources.shop]\nkind = "shopify"\nbase_url = "https://one.myshopify.com"\n{self.extra}'
        )
        named = {f"WABENCH_SOURCE_SHOP_{name}": value for name, value in self.secrets.items()}
        return load({"WABENCH_HOME": str(self.home), **named})

    def pull(self) -> list[PullOutcome]:
        return pull(self.settings, transport=httpx.MockTransport(self), sleep=self.waited.append)

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
        shop.replies = [data("orders", ORDER | fields)]
        assert [outcome.error for outcome in shop.pull()] == [None, None]
        (row,) = shop.rows(f"select {columns} from raw.orders")
        return row

    return take


STATUSES = [
    ("PAID", None, "paid"), ("PENDING", None, "pending"), ("AUTHORIZED", None, "pending"),
    ("PARTIALLY_PAID", None, "pending"), ("EXPIRED", None, "cancelled"), ("VOIDED", None, "cancelled"),
    ("REFUNDED", None, "refunded"), ("PARTIALLY_REFUNDED", None, "partially_refunded"),
    ("PAID", "FRAUD", "cancelled"), ("REFUNDED", "CUSTOMER", "cancelled"), (None, None, "unknown"),
    ("SETTLED_IN_SHELLS", None, "unknown"), ("PAID", "WHIM", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("financial", "reason", "ours"), STATUSES)
def test_a_status_is_what_was_cancelled_or_else_what_was_paid(
    taken: Callable[..., Any], financial: str | None, reason: str | None, ours: str
) -> None:
    assert taken("status", displayFinancialStatus=financial, cancelReason=reason) == (ours,)


def test_total_is_before_returns_and_refunded_is_what_was_given_back(taken: Callable[..., Any]) -> None:
    back = {"shopMoney": {"amount": "19.90"}}
    row = taken("total, refunded, status, currency", totalRefundedSet=back)
    assert row == (Decimal("119.9"), Decimal("19.9"), "partially_refunded", "EUR")


def test_an_order_is_of_the_time_it_was_placed_not_imported(taken: Callable[..., Any]) -> None:
    assert taken("ordered_at::text, order_id") == ("2026-05-31 22:15:00", "4501")


PHONE = {"phoneNumber": "+351912000001"}
PHONES = [
    ({"phone": "+351912000002"}, "+351912000002"),
    ({"phone": "ask at the door", "shippingAddress": {"phone": "912 000 003", "name": None}}, "+351912000003"),
    ({"customer": {"legacyResourceId": "1", "defaultPhoneNumber": PHONE}}, "+351912000001"),
    ({"billingAddress": {"phone": "+34612000004", "name": None}}, "+34612000004"),
    ({}, None),
]


@pytest.mark.parametrize(("fields", "phone"), PHONES)
def test_the_first_phone_that_is_one_is_taken(
    taken: Callable[..., Any], fields: dict[str, Any], phone: str | None
) -> None:
    assert taken("phone", **fields) == (phone,)


def test_a_test_order_counts_as_deleted(taken: Callable[..., Any]) -> None:
    assert taken("is_deleted", test=True) == (True,)


def line(sku: str) -> dict[str, Any]:
    return {
        "sku": sku,
        "title": "Chá",
        "quantity": 2,
        "product": {"productType": "Tea"},
        "discountedUnitPriceSet": {"shopMoney": {"amount": "4.5"}},
    }


def test_an_order_with_more_lines_than_fit_loses_none(shop: Shop) -> None:
    def lines(found: list[dict[str, Any]], more: str = "") -> dict[str, Any]:
        return {"pageInfo": {"hasNextPage": bool(more), "endCursor": more or None}, "nodes": found}

    shop.replies = [
        data("orders", ORDER | {"lineItems": lines([line("a"), line("b")], "at-b")}),
        {"data": {"order": {"legacyResourceId": "4501", "lineItems": lines([line("c")], "at-c")}}},
        {"data": {"order": {"legacyResourceId": "4501", "lineItems": lines([line("d")])}}},
    ]
    shop.pull()
    found = shop.rows("select order_id, sku, quantity, unit_price, category from raw.order_lines order by sku")
    assert found == [("4501", sku, 2, Decimal("4.5"), "Tea") for sku in "abcd"]
    assert [json.loads(request.content)["variables"].get("after") for request in shop.asked[1:3]] == ["at-b", "at-c"]


CONSENTS = [("SUBSCRIBED", True), ("UNSUBSCRIBED", False), ("NOT_SUBSCRIBED", None), ("PENDING", None)]


@pytest.mark.parametrize(("state", "consent"), CONSENTS)
def test_consent_to_whatsapp_is_what_counts(shop: Shop, state: str, consent: bool | None) -> None:
    whatsapp = {"state": state, "updatedAt": "2026-03-01T00:00:00Z"}
    phone = {"phoneNumber": "+351912345678", "whatsAppMarketingConsent": whatsapp, "marketingState": "SUBSCRIBED"}
    shop.replies = [data("orders"), data("customers", CUSTOMER | {"defaultPhoneNumber": phone})]
    shop.pull()
    assert shop.rows("select consent, consent_source from raw.customers") == [(consent, "Shopify, WhatsApp")]
    assert b"marketingState" not in shop.asked[1].content


def test_consent_to_sms_counts_only_where_the_shop_says_so(shop: Shop) -> None:
    shop.extra = 'options = { consent = "sms" }'
    phone = {"phoneNumber": "+351912345678", "marketingState": "SUBSCRIBED", "marketingUpdatedAt": None}
    shop.replies = [data("orders"), data("customers", CUSTOMER | {"defaultPhoneNumber": phone})]
    shop.pull()
    assert shop.rows("select consent, consent_source from raw.customers") == [(True, "Shopify, SMS")]
    assert b"whatsAppMarketingConsent" not in shop.asked[1].content
    shop.extra = 'options = { consent = "smms" }'
    with pytest.raises(UsageError, match="did you mean 'sms'"):
        shop.pull()


def test_a_customer_without_a_phone_of_their_own_has_their_addresss(shop: Shop) -> None:
    shop.replies = [data("orders"), data("customers", CUSTOMER)]
    shop.pull()
    found = shop.rows("select customer_ref, phone, name, locale, country, consent from raw.customers")
    assert found == [("88", "+351912345678", "Inês", "pt-PT", "PT", None)]


def test_throttling_waits_until_the_bucket_holds_what_the_query_costs(shop: Shop) -> None:
    bucket = {"maximumAvailable": 1000.0, "currentlyAvailable": 52.0, "restoreRate": 50.0}
    shop.replies = [errors("THROTTLED", requestedQueryCost=552, throttleStatus=bucket), data("orders", ORDER)]
    assert [outcome.records for outcome in shop.pull()] == [1, 0]
    assert shop.waited == [10.0]


def test_an_error_of_shopifys_own_is_asked_again(shop: Shop) -> None:
    shop.replies = [errors("INTERNAL_SERVER_ERROR"), data("orders", ORDER)]
    assert [outcome.records for outcome in shop.pull()] == [1, 0]


def test_a_query_that_costs_too_much_is_asked_in_halves(shop: Shop) -> None:
    shop.replies = [errors("MAX_COST_EXCEEDED"), errors("MAX_COST_EXCEEDED"), data("orders", ORDER, more="x")]
    assert [outcome.error for outcome in shop.pull()] == [None, None]
    assert [json.loads(request.content)["variables"]["first"] for request in shop.asked[:4]] == [50, 25, 12, 12]


def test_a_permission_that_lacks_is_named_and_nothing_landed(shop: Shop) -> None:
    shop.replies = [errors("ACCESS_DENIED", "Access denied for orders field. Required access: `read_orders`.")]
    assert "read_orders" in str(shop.pull()[0].error)
    assert landing.files(shop.settings.paths.landing, stream="orders") == []


def test_a_place_that_shopify_no_longer_knows_is_begun_again(shop: Shop) -> None:
    shop.replies = [data("orders", ORDER, more="old"), errors("BAD_REQUEST")]
    assert shop.pull()[0].error
    shop.replies = [errors("BAD_REQUEST", "Invalid cursor"), data("orders", ORDER)]
    assert shop.pull()[0].error is None
    assert json.loads(shop.asked[-2].content)["variables"]["after"] is None


def test_the_apps_id_and_secret_are_exchanged_for_a_token_that_is_renewed_once(shop: Shop) -> None:
    shop.secrets = {"CLIENT_ID": "app", "CLIENT_SECRET": "hush"}
    first, second = ({"access_token": f"shpat_{n}", "expires_in": 86399} for n in (1, 2))
    expired = httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
    shop.replies = [first, data("orders", ORDER, more="x"), expired, second, data("orders", ORDER)]
    assert [outcome.error for outcome in shop.pull()] == [None, None]
    assert b"grant_type=client_credentials" in shop.asked[0].content
    assert "x-shopify-access-token" not in shop.asked[0].headers
    tokens = [request.headers.get("x-shopify-access-token") for request in shop.asked]
    assert tokens == [None, "shpat_1", "shpat_1", None, "shpat_2", "shpat_2"]


def test_credentials_that_are_refused_or_missing_are_named_and_not_told(shop: Shop) -> None:
    shop.secrets = {"CLIENT_ID": "app-4711", "CLIENT_SECRET": "hush-hush"}
    shop.replies = [httpx.Response(400, json={"error": "invalid_client app-4711 hush-hush"})]
    said = str(shop.pull()[0].error)
    assert "set WABENCH_SOURCE_SHOP_CLIENT_ID, WABENCH_SOURCE_SHOP_CLIENT_SECRET" in said
    assert "hush" not in said
    shop.secrets = {}
    assert "WABENCH_SOURCE_SHOP_CLIENT_ID" in str(shop.pull()[0].error)


def test_what_changed_is_asked_for_by_its_time(shop: Shop) -> None:
    shop.pull()
    shop.pull()
    query = json.loads(shop.asked[2].content)["variables"]["query"]
    assert query.startswith("updated_at:>='20")
    assert json.loads(shop.asked[0].content)["variables"]["query"] is None


@pytest.mark.parametrize(
    ("extra", "is_full"), [("", [False, True]), ('options = { all_orders = "yes" }', [True, True])]
)
def test_orders_older_than_shopify_shows_are_not_taken_for_deleted(shop: Shop, extra: str, is_full: list[bool]) -> None:
    shop.extra = extra
    shop.pull()
    assert [row[0] for row in shop.rows("select is_full from raw.pulls order by stream desc")] == is_full


def test_an_answer_of_another_form_is_refused_by_the_name_of_the_source() -> None:
    assert shopify.throttled(httpx.Response(200, json={"errors": "Not Found"})) is None
    assert shopify.throttled(httpx.Response(200, json=["errors"])) is None
