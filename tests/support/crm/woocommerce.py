"""A local WooCommerce: `/wp-json/wc/v3/orders` and `/customers`, as documented; an unknown parameter is refused."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from crm import Answer, Ask, Rows
from crm.shop import Order, Person, Shop

COMMON = {"page", "per_page", "offset", "order", "orderby"}
PARAMETERS = {
    "orders": COMMON | {"status", "modified_after", "modified_before", "dates_are_gmt", "after", "before"},
    "customers": COMMON | {"role", "email"},
}
ORDER_BY = {
    "orders": {"date", "id", "include", "title", "slug"},
    "customers": {"id", "include", "name", "registered_date"},
}
STATUSES = {
    "paid": ("processing", "completed"),
    "partially_refunded": ("processing", "completed"),
    "pending": ("pending", "on-hold"),
    "cancelled": ("cancelled", "failed"),
    "refunded": ("refunded", "completed"),
}
ZONE = timedelta(hours=-3)


def start(shop: Shop) -> "WooCommerce":
    return WooCommerce(shop)


class WooCommerce:
    kind = "woocommerce"

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.secrets = {"consumer_key": "ck_first", "consumer_secret": "cs_first"}
        self.options: dict[str, str] = {}

    def knows(self, ask: Ask) -> bool:
        pair = "{consumer_key}:{consumer_secret}".format(**self.secrets)
        return ask.headers.get("authorization") == f"Basic {base64.b64encode(pair.encode()).decode()}"

    def refused(self) -> Answer:
        return error(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")

    def throttled(self) -> Answer:
        return Answer(429, b"Too Many Requests", {"retry-after": "1", "content-type": "text/plain"})

    def expire(self) -> None:
        self.secrets = {"consumer_key": "ck_second", "consumer_secret": "cs_second"}

    def answer(self, ask: Ask) -> Answer:
        name = ask.path.removeprefix("/wp-json/wc/v3/")
        if ask.method != "GET" or name not in PARAMETERS:
            return error(404, "rest_no_route", "No route was found matching the URL and request method.")
        if wrong := sorted(set(ask.params) - PARAMETERS[name]):
            return error(400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(wrong)}")
        if not 0 < int(ask.params.get("per_page", 10)) <= 100 or ask.params.get("orderby", "id") not in ORDER_BY[name]:
            return error(400, "rest_invalid_param", "Invalid parameter(s): per_page, orderby")
        return self._orders(ask) if name == "orders" else self._customers(ask)

    def _orders(self, ask: Ask) -> Answer:
        is_trash = ask.params.get("status", "any") == "trash"
        found = [o for o in self.shop.orders.values() if (in_trash(o) if is_trash else not o.is_deleted)]
        if since := ask.params.get("modified_after"):
            moment = datetime.fromisoformat(since) - (
                timedelta() if ask.params.get("dates_are_gmt") == "true" else ZONE
            )
            found = [order for order in found if order.updated > moment]
        return page(ask, found, "trash" if is_trash else "orders", lambda o: self._order(o))

    def _customers(self, ask: Ask) -> Answer:
        people = self.shop.people_here() if ask.params.get("role") == "all" else []
        return page(ask, people, "customers", customer)

    def _order(self, order: Order) -> dict[str, Any]:
        person = self.shop.people[order.person] if order.person else None
        return {
            "id": order.id,
            "parent_id": 0,
            "number": str(order.id),
            "status": "trash" if order.is_deleted else status(order),
            "currency": self.shop.currency,
            **dates("created", order.created),
            **dates("modified", order.updated),
            "total": str(order.total),
            "customer_id": order.person or 0,
            "billing": address(person, order.phone or (person.phone if person else None)),
            "shipping": address(None, None),
            "line_items": [
                {
                    "id": order.id * 100 + n,
                    "name": line.title,
                    "product_id": int(line.sku[4:]),
                    "quantity": line.quantity,
                    "total": str(line.price * line.quantity),
                    "sku": line.sku,
                    "price": float(line.price),
                }
                for n, line in enumerate(order.lines)
            ],
            "refunds": [{"id": order.id * 10 + n, "reason": "", "total": f"-{r}"} for n, r in enumerate(order.refunds)],
        }

    def expected(self) -> Rows:
        people = self.shop.people
        orders = self.shop.orders_here()
        return {
            "orders": [
                (
                    str(o.id), str(o.person) if o.person else None, o.created, o.updated, o.our_status, o.total,
                    o.refunded,
                    self.shop.currency, o.phone or (people[o.person].phone if o.person else None),
                    people[o.person].email if o.person else None, people[o.person].name if o.person else None,
                )
                for o in orders
            ],
            "order_lines": [(str(o.id), x.sku, x.title, x.quantity, x.price) for o in orders for x in o.lines],
            "customers": [(str(p.id), p.phone, p.email, p.name, None) for p in self.shop.people_here()],
            "merged": [],
        }  # fmt: skip


def in_trash(order: Order) -> bool:
    """Tell whether it lies in the trash; every other deleted order is gone for good."""
    return order.is_deleted and order.id % 2 == 0


def status(order: Order) -> str:
    return STATUSES[order.our_status][order.id % 2]


def dates(what: str, moment: datetime) -> dict[str, str]:
    return {f"date_{what}": (moment + ZONE).isoformat(), f"date_{what}_gmt": moment.isoformat()}


def address(person: Person | None, phone: str | None) -> dict[str, str]:
    return {
        "first_name": person.first if person else "",
        "last_name": person.last if person else "",
        "company": "",
        "country": "BR" if person else "",
        "email": person.email if person else "",
        "phone": f"{phone[:3]} ({phone[3:5]}) {phone[5:]}" if phone else "",
    }


def customer(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        **dates("created", person.created),
        **dates("modified", person.updated),
        "email": person.email,
        "first_name": person.first,
        "last_name": person.last,
        "role": "customer",
        "username": f"person{person.id}",
        "billing": address(person, person.phone),
        "shipping": address(None, None),
        "meta_data": [],
    }


def page(ask: Ask, found: list[Any], feed: str, write: Callable[[Any], dict[str, Any]]) -> Answer:
    """Give one page of a list; `offset` wins over `page`, the order is by date, newest first, unless asked."""
    by_id = ask.params.get("orderby", "date") == "id"
    found.sort(
        key=lambda record: record.id if by_id else record.created, reverse=ask.params.get("order", "desc") == "desc"
    )
    size = int(ask.params.get("per_page", 10))
    offset = int(ask.params.get("offset", (int(ask.params.get("page", 1)) - 1) * size))
    here = [write(record) for record in found[offset : offset + size]]
    totals = {"x-wp-total": str(len(found)), "x-wp-totalpages": str(-(-len(found) // size))}
    return Answer(200, json.dumps(here, ensure_ascii=False).encode(), totals, feed, len(here))


def error(number: int, code: str, message: str) -> Answer:
    return Answer(number, json.dumps({"code": code, "message": message, "data": {"status": number}}).encode())
