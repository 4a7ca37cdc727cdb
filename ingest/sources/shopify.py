"""Shopify: its Admin API, GraphQL.

An order's total is what was bought, before returns (`totalPriceSet`), and what was given back is `totalRefundedSet`:
`currentTotalPriceSet` has returns taken out already, and not a refund without a return.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from ingest.paths import find
from ingest.sources import base
from ingest.sources.base import AccessRefused, Api, Cursor, Feeds, Page, PageRefused, Table, combine
from wabench.errors import UsageError, WabenchError
from wabench.settings import SourceSettings
from wabench.spelling import hint

kind = "shopify"
base_url = ""
secrets = ("token", "client_id", "client_secret")
OPTIONS: Mapping[str, str] = {
    "api_version": "version of the Admin API; 2026-07 unless said",
    "all_orders": "yes: the app has read_all_orders, so an order that a full pull lacks was deleted",
    "consent": "whose marketing consent counts: whatsapp (unless said), sms or none",
}
IDENTITY: tuple[str, ...] = ()
page_size = 50
per_second = None
tells_deletions = False

LINES = 20
"""Lines asked for with their order; a longer order's others are asked for by themselves."""

MOST_LINES = 250

_ORDERS = """
query Orders($first: Int!, $after: String, $query: String, $lines: Int!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId createdAt processedAt updatedAt test cancelReason displayFinancialStatus email phone
      totalPriceSet { shopMoney { amount currencyCode } }
      totalRefundedSet { shopMoney { amount } }
      currentTotalPriceSet { shopMoney { amount } }
      customer {
        legacyResourceId firstName lastName
        defaultPhoneNumber { phoneNumber }
        defaultEmailAddress { emailAddress }
      }
      shippingAddress { name phone }
      billingAddress { name phone }
      lineItems(first: $lines) { ...Lines }
    }
  }
}
"""
_OTHER_LINES = """
query Lines($id: ID!, $first: Int!, $after: String) {
  order(id: $id) { legacyResourceId lineItems(first: $first, after: $after) { ...Lines } }
}
"""
_LINE_FIELDS = """
fragment Lines on LineItemConnection {
  pageInfo { hasNextPage endCursor }
  nodes { sku title quantity product { productType } discountedUnitPriceSet { shopMoney { amount } } }
}
"""
_CUSTOMERS = """
query Customers($first: Int!, $after: String, $query: String) {
  customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      legacyResourceId firstName lastName locale updatedAt
      defaultPhoneNumber { ...Phone }
      defaultEmailAddress { emailAddress }
      defaultAddress { countryCodeV2 phone }
    }
  }
}
"""

_STATUS = {
    "paid": "paid",
    "partially_refunded": "partially_refunded",
    "refunded": "refunded",
    "pending": "pending",
    "authorized": "pending",
    "partially_paid": "pending",
    "expired": "cancelled",
    "voided": "cancelled",
    **dict.fromkeys(("customer", "declined", "fraud", "inventory", "other", "staff"), "cancelled"),
}
_ORDER = {
    "order_id": "legacyResourceId",
    "customer_ref": "customer.legacyResourceId",
    "ordered_at": "processedAt | createdAt",
    "updated_at": "updatedAt",
    "status": "cancelReason | displayFinancialStatus | =unknown",
    "total": "totalPriceSet.shopMoney.amount",
    "refunded": "totalRefundedSet.shopMoney.amount",
    "currency": "totalPriceSet.shopMoney.currencyCode",
    "phone": "phone | customer.defaultPhoneNumber.phoneNumber | shippingAddress.phone | billingAddress.phone",
    "email": "email | customer.defaultEmailAddress.emailAddress",
    "name": "customer.firstName & customer.lastName | shippingAddress.name | billingAddress.name",
    "is_deleted": "test",  # a test order counts nowhere
}
_LINE = {
    "order_id": "^.legacyResourceId",
    "sku": "sku",
    "title": "title",
    "category": "product.productType",
    "quantity": "quantity",
    "unit_price": "discountedUnitPriceSet.shopMoney.amount",
}
_OTHER_LINE = {**_LINE, "order_id": "^.data.order.legacyResourceId"}
_CUSTOMER = {
    "customer_ref": "legacyResourceId",
    "phone": "defaultPhoneNumber.phoneNumber | defaultAddress.phone",
    "email": "defaultEmailAddress.emailAddress",
    "name": "firstName & lastName",
    "locale": "locale",
    "country": "defaultAddress.countryCodeV2",
    "updated_at": "updatedAt",
}
_CONSENT = {"subscribed": "yes", "unsubscribed": "no", "*": ""}  # anything else is no answer
_CONSENTS = {
    "whatsapp": (
        "phoneNumber whatsAppMarketingConsent { state updatedAt }",
        {
            "consent": "defaultPhoneNumber.whatsAppMarketingConsent.state",
            "consent_at": "defaultPhoneNumber.whatsAppMarketingConsent.updatedAt",
            "consent_source": "=Shopify, WhatsApp",
        },
    ),
    "sms": (
        "phoneNumber marketingState marketingUpdatedAt",
        {
            "consent": "defaultPhoneNumber.marketingState",
            "consent_at": "defaultPhoneNumber.marketingUpdatedAt",
            "consent_source": "=Shopify, SMS",
        },
    ),
    "none": ("phoneNumber", {}),
}


def feeds(settings: SourceSettings) -> Feeds:
    """Give orders with their lines, and customers with the consent that the shop says counts."""
    _, consent = _consent(settings)
    lines = "nodes[].lineItems.nodes"
    return {
        "orders": (
            Table("orders", "orders.data.orders.nodes", _ORDER, {"status": _STATUS}),
            Table("order_lines", f"orders.data.orders.{lines}", _LINE),
            Table(
                "order_lines",
                "lines[].data.order.lineItems.nodes",
                {**_LINE, "order_id": "^.data.order.legacyResourceId"},
            ),
        ),
        "customers": (Table("customers", "data.customers.nodes", {**_CUSTOMER, **consent}, {"consent": _CONSENT}),),
    }


def is_whole(settings: SourceSettings, feed: str) -> bool:
    """Tell; without read_all_orders Shopify shows the last 60 days, and what is older must not count as deleted."""
    return feed == "customers" or settings.options.get("all_orders") == "yes"


def authorise(request: httpx.Request, secrets: Mapping[str, str], token: str | None) -> None:
    request.headers["X-Shopify-Access-Token"] = token or secrets["token"]


def throttled(response: httpx.Response) -> float | None:
    """Read the leaky bucket: how long until it holds what the query may cost; an error of Shopify's own waits too."""
    if response.status_code != 200 or b'"errors"' not in response.content:
        return base.throttled(response)
    try:
        document = msgspec.json.decode(response.content)
        codes = {_code(error) for error in document["errors"]}
        if "THROTTLED" not in codes:
            return 0.0 if codes & {"INTERNAL_SERVER_ERROR", "TIMEOUT"} else None
        cost = document["extensions"]["cost"]
        bucket = cost["throttleStatus"]
        missing = cost["requestedQueryCost"] - bucket["currentlyAvailable"]
        return max(float(missing) / float(bucket["restoreRate"]), 0.1)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None  # no answer of that form; what it is instead, `_query` says


def renew(api: Api) -> str | None:
    """Exchange the app's id and secret for a token of 24 hours; None where there is only a token."""
    if not (api.secrets.get("client_id") and api.secrets.get("client_secret")):
        return None
    form = {
        "grant_type": "client_credentials",
        "client_id": api.secrets["client_id"],
        "client_secret": api.secrets["client_secret"],
    }
    request = api.request("POST", "admin/oauth/access_token", data=form)
    try:
        answer = msgspec.json.decode(api.send(request, is_authorised=False).content)
        return str(answer["access_token"])
    except (PageRefused, AccessRefused, msgspec.DecodeError, KeyError, TypeError):
        variables = api.variables(("client_id", "client_secret"))
        raise AccessRefused(f"source {api.name} gives no token for the app's id and secret; set {variables}") from None


def pages(api: Api, feed: str, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
    """Walk a list in the order of its changes: what changes meanwhile comes again at its end."""
    if not api.secrets.get("token") and api.token is None:
        api.need("client_id", "client_secret")
        api.token = renew(api)
    phone = f"fragment Phone on CustomerPhoneNumber {{ {_consent(api.settings)[0]} }}"
    text = _ORDERS + _LINE_FIELDS if feed == "orders" else _CUSTOMERS + phone
    variables: dict[str, Any] = {"first": api.page_size, "after": (start or {}).get("after"), "query": _changed(since)}
    if feed == "orders":
        variables["lines"] = LINES
    is_more = True
    while is_more:
        body, document = _query(api, text, variables)
        found = find(document, ("data", feed))
        is_more, variables["after"] = found["pageInfo"]["hasNextPage"], found["pageInfo"]["endCursor"]
        if feed == "orders":
            body = combine(orders=body, lines=_other_lines(api, found["nodes"]))
        yield Page(body, len(found["nodes"]), {"after": variables["after"]} if is_more else None)


def _other_lines(api: Api, orders: list[dict[str, Any]]) -> list[bytes]:
    """Ask for the lines of long orders that did not come with them."""
    bodies = []
    for order in orders:
        at = order["lineItems"]["pageInfo"]
        while at["hasNextPage"]:
            variables = {"id": order["id"], "first": MOST_LINES, "after": at["endCursor"]}
            body, document = _query(api, _OTHER_LINES + _LINE_FIELDS, variables)
            bodies.append(body)
            at = find(document, ("data", "order", "lineItems", "pageInfo")) or {"hasNextPage": False}
    return bodies


def _query(api: Api, text: str, variables: dict[str, Any]) -> tuple[bytes, Any]:
    """Ask a query; where it costs more than one may, ask for half as much, and go on with that."""
    path = f"admin/api/{api.options.get('api_version', '2026-07')}/graphql.json"
    while True:
        request = api.request("POST", path, json={"query": text, "variables": variables})
        response, document = api.ask(request)
        errors = document.get("errors") if isinstance(document, dict) else [document]
        if not errors:
            return response.content, document
        if _code(errors[0]) != "MAX_COST_EXCEEDED" or variables["first"] < 2:
            raise _refusal(api, errors[0])
        variables["first"] //= 2


def _refusal(api: Api, error: Any) -> WabenchError:
    said = api.hide(str(error.get("message") if isinstance(error, dict) else error))
    if _code(error) == "ACCESS_DENIED":
        return AccessRefused(f"source {api.name}: the app lacks a permission: {said}")
    return PageRefused(f"source {api.name}: Shopify answered an error: {said}")


def _code(error: Any) -> str:
    """Give an error's code; an older throttled answer has none, only its word."""
    return str(find(error, ("extensions", "code")) or find(error, ("message",)) or "").upper()


def _changed(since: datetime | None) -> str | None:
    return f"updated_at:>='{since.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}'" if since else None


def _consent(settings: SourceSettings) -> tuple[str, dict[str, str]]:
    """Give what to ask of a customer's phone and consent, and where the consent stands."""
    word = settings.options.get("consent", "whatsapp")
    if word not in _CONSENTS:
        raise UsageError(f"shopify options: consent is {word!r}{hint(word, _CONSENTS)}")
    return _CONSENTS[word]
