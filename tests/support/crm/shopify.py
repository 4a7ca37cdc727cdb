"""A local Shopify: the Admin API's orders, lines of one order and customers; a field it does not know is refused."""

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from crm import Answer, Ask, Rows
from crm.shop import Line, Order, Person, Shop

SCHEMA = """
query Orders Lines Customers fragment on LineItemConnection Phone CustomerPhoneNumber Int String ID
first after query lines id sortKey UPDATED_AT orders customers order pageInfo hasNextPage endCursor nodes
legacyResourceId createdAt processedAt updatedAt test cancelReason displayFinancialStatus email phone totalPriceSet
totalRefundedSet currentTotalPriceSet shopMoney amount currencyCode customer firstName lastName defaultPhoneNumber
phoneNumber
defaultEmailAddress emailAddress shippingAddress billingAddress name lineItems sku title quantity product
productType discountedUnitPriceSet locale defaultAddress countryCodeV2 whatsAppMarketingConsent state
marketingState marketingUpdatedAt
"""
FINANCIAL = {
    "paid": ("PAID", "PAID"),
    "pending": ("PENDING", "AUTHORIZED"),
    "cancelled": ("VOIDED", "PAID"),
    "refunded": ("REFUNDED", "REFUNDED"),
    "partially_refunded": ("PARTIALLY_REFUNDED", "PARTIALLY_REFUNDED"),
}
CONSENT = {True: "SUBSCRIBED", False: "UNSUBSCRIBED", None: "NOT_SUBSCRIBED"}
MOST_COST = 1000
WORDS = re.compile(r"[A-Za-z_]\w*")


def start(shop: Shop) -> "Shopify":
    return Shopify(shop)


class Shopify:
    kind = "shopify"

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.secrets = {"client_id": "app-id", "client_secret": "app-secret"}
        self.options = {"all_orders": "yes"}
        self.tokens = 0
        self.is_expired = True

    def knows(self, ask: Ask) -> bool:
        is_token = ask.headers.get("x-shopify-access-token") == f"shpat_{self.tokens}"
        return ask.path == "/admin/oauth/access_token" or (is_token and not self.is_expired)

    def refused(self) -> Answer:
        said = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return Answer(401, json.dumps({"errors": said}).encode())

    def throttled(self) -> Answer:
        return failed("THROTTLED", "Throttled", cost(552, None, 502))

    def expire(self) -> None:
        self.is_expired = True

    def answer(self, ask: Ask) -> Answer:
        if ask.path == "/admin/oauth/access_token":
            return self._token(ask)
        if (ask.method, ask.path) != ("POST", "/admin/api/2026-07/graphql.json"):
            return Answer(404, b'{"errors":"Not Found"}')
        asked = json.loads(ask.body)
        if unknown := set(WORDS.findall(asked["query"])) - set(WORDS.findall(SCHEMA)):
            return failed("undefinedField", f"Field '{min(unknown)}' doesn't exist")
        name = re.findall(r"query (\w+)", asked["query"])[0]
        return getattr(self, f"_{name.lower()}")(asked["variables"])

    def _token(self, ask: Ask) -> Answer:
        form = {name: values[0] for name, values in parse_qs(ask.body.decode()).items()}
        if form != {"grant_type": "client_credentials", **self.secrets}:
            return Answer(400, b'{"error":"invalid_request"}')
        self.tokens, self.is_expired = self.tokens + 1, False
        token = {"access_token": f"shpat_{self.tokens}", "scope": "read_all_orders", "expires_in": 86399}
        return Answer(200, json.dumps(token).encode())

    def _orders(self, asked: dict[str, Any]) -> Answer:
        if asked["first"] * (asked["lines"] // 2 + 1) > MOST_COST:
            return failed("MAX_COST_EXCEEDED", f"Query cost is too high, which exceeds the limit ({MOST_COST}).")
        return connection("orders", self.shop.orders_here(), asked, lambda o: self._order(o, asked["lines"]))

    def _customers(self, asked: dict[str, Any]) -> Answer:
        return connection("customers", self.shop.people_here(), asked, customer)

    def _lines(self, asked: dict[str, Any]) -> Answer:
        order = self.shop.orders[int(asked["id"].rpartition("/")[2])]
        found = {"legacyResourceId": str(order.id), "lineItems": lines(order.lines, asked["first"], asked["after"])}
        return data({"order": found})

    def _order(self, order: Order, most: int) -> dict[str, Any]:
        person = self.shop.people[order.person] if order.person else None
        return {
            "id": f"gid://shopify/Order/{order.id}",
            "legacyResourceId": str(order.id),
            "createdAt": f"{order.created.isoformat()}Z",
            "processedAt": f"{order.created.isoformat()}Z",
            "updatedAt": f"{order.updated.isoformat()}Z",
            "test": False,
            "cancelReason": "CUSTOMER" if order.status == "cancelled" else None,
            "displayFinancialStatus": FINANCIAL[order.our_status][order.id % 2],
            "email": person.email if person else None,
            "phone": order.phone if order.id % 3 else None,
            "totalPriceSet": money(order.total, self.shop.currency),
            "totalRefundedSet": money(order.refunded),
            "customer": buyer(person) if person else None,
            "shippingAddress": {"name": None, "phone": order.phone} if order.id % 3 == 0 else None,
            "billingAddress": None,
            "lineItems": lines(order.lines, most, None),
        }

    def _phone(self, order: Order) -> str | None:
        person = self.shop.people[order.person].phone if order.person else None
        return (order.phone or person) if order.id % 3 else (person or order.phone)

    def expected(self) -> Rows:
        people, orders = self.shop.people, self.shop.orders_here()
        return {
            "orders": [
                (
                    str(o.id), str(o.person) if o.person else None, o.created, o.updated, o.our_status, o.total,
                    o.refunded,
                    self.shop.currency, self._phone(o),
                    people[o.person].email if o.person else None, people[o.person].name if o.person else None,
                )
                for o in orders
            ],
            "order_lines": [(str(o.id), x.sku, x.title, x.quantity, x.price) for o in orders for x in o.lines],
            "customers": [
                (str(p.id), p.phone, p.email, p.name, p.consent if p.phone else None) for p in self.shop.people_here()
            ],
            "merged": [],
        }  # fmt: skip


def buyer(person: Person) -> dict[str, Any]:
    return {
        "legacyResourceId": str(person.id),
        "firstName": person.first,
        "lastName": person.last,
        "defaultPhoneNumber": {"phoneNumber": person.phone} if person.phone else None,
        "defaultEmailAddress": {"emailAddress": person.email},
    }


def customer(person: Person) -> dict[str, Any]:
    found = buyer(person)
    if person.phone:
        found["defaultPhoneNumber"]["whatsAppMarketingConsent"] = {
            "state": CONSENT[person.consent],
            "updatedAt": None if person.consent is None else f"{person.created.isoformat()}Z",
        }
    return {
        **found,
        "locale": "pt-BR",
        "updatedAt": f"{person.updated.isoformat()}Z",
        "defaultAddress": {"countryCodeV2": "BR", "phone": None},
    }


def lines(found: list[Line], first: int, after: str | None) -> dict[str, Any]:
    begin = int(after or 0)
    here = found[begin : begin + first]
    return {
        "pageInfo": {"hasNextPage": begin + first < len(found), "endCursor": str(begin + len(here))},
        "nodes": [
            {
                "sku": line.sku,
                "title": line.title,
                "quantity": line.quantity,
                "product": None,
                "discountedUnitPriceSet": money(line.price),
            }
            for line in here
        ],
    }


def connection(name: str, found: list[Any], asked: dict[str, Any], write: Callable[[Any], dict[str, Any]]) -> Answer:
    """Give one page of a list sorted by (updatedAt, id); a cursor is the place of the record it was given with."""
    if asked["first"] > 250:
        return failed("BAD_REQUEST", "first must be at most 250")
    if asked["query"]:
        since = re.fullmatch(r"updated_at:>='(.+)Z'", asked["query"])
        assert since, asked["query"]
        found = [record for record in found if record.updated >= datetime.fromisoformat(since[1])]
    if asked["after"]:
        moment, _, number = base64.b64decode(asked["after"]).decode().partition(" ")
        last = datetime.fromisoformat(moment), int(number)
        found = [record for record in found if place(record) > last]
    found.sort(key=place)
    here = found[: asked["first"]]
    end = f"{here[-1].updated.isoformat()} {here[-1].id}" if here else ""
    info = {"hasNextPage": len(found) > len(here), "endCursor": base64.b64encode(end.encode()).decode() or None}
    answer = data({name: {"pageInfo": info, "nodes": [write(record) for record in here]}})
    return Answer(200, answer.body, {}, name, len(here))


def place(record: Any) -> tuple[datetime, int]:
    return record.updated, record.id


def money(amount: Decimal, currency: str = "") -> dict[str, Any]:
    named = {"currencyCode": currency} if currency else {}
    return {"shopMoney": {"amount": str(amount), **named}}


def data(found: dict[str, Any]) -> Answer:
    body = {"data": found, "extensions": cost(552, 300, 1700)}
    return Answer(200, json.dumps(body, ensure_ascii=False).encode())


def failed(code: str, message: str, extensions: dict[str, Any] | None = None) -> Answer:
    errors = [{"message": message, "extensions": {"code": code}}]
    return Answer(200, json.dumps({"errors": errors, "extensions": extensions or cost(552, None, 1700)}).encode())


def cost(requested: int, actual: int | None, available: int) -> dict[str, Any]:
    bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 500.0}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket}}
