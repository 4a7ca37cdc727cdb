"""An amoCRM account that answers as documented: pages by number, 204 for none, 429 above seven a second, then 403."""

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from crm import Answer, Ask, Rows
from crm.served import FAST, Follower, answer_of, request_of
from crm.shop import Order, Person, Shop

ACCOUNT = "https://romashka.amocrm.example"
TOKEN = "eyJ-long-lived-amo"
BEGAN = 1_777_900_000

Item = dict[str, Any]


def lead(number: int, updated: int = 0, **differs: Any) -> Item:
    """Make a won lead of 46333 in the account's currency; times are seconds after BEGAN."""
    made = {
        "id": number,
        "name": f"Заказ {number}",
        "price": 46333,
        "status_id": 142,
        "pipeline_id": 1300,
        "created_at": BEGAN,
        "updated_at": BEGAN + updated,
        "closed_at": BEGAN + 86400,
        "is_deleted": False,
        "custom_fields_values": None,
        "_embedded": {
            "tags": [],
            "companies": [],
            "contacts": [{"id": 70001, "is_main": False}, {"id": 1, "is_main": True}],
        },
    }
    return {**made, **differs}


def contact(number: int, updated: int = 0, **differs: Any) -> Item:
    """Make a contact with an office and a mobile phone."""
    made = {
        "id": number,
        "name": f"Пётр Васильков-{number}",
        "first_name": "Пётр",
        "last_name": f"Васильков-{number}",
        "created_at": BEGAN,
        "updated_at": BEGAN + updated,
        "is_deleted": False,
        "custom_fields_values": [
            field("PHONE", ("WORK", "8 495 765-43-21"), ("MOB", f"+7 926 {number:07d}")),
            field("EMAIL", ("WORK", f"petr{number}@vasilki.example")),
        ],
        "_embedded": {"tags": [], "companies": []},
    }
    return {**made, **differs}


def field(code: str, *values: tuple[str, str]) -> Item:
    """Make a custom field as a record holds it."""
    said = [{"value": value, "enum_id": 1, "enum_code": kind} for kind, value in values]
    return {"field_id": 501, "field_name": code.title(), "field_code": code, "field_type": "multitext", "values": said}


class Account:
    """The account. `before(request number)` runs ahead of each request, to change records between two pages."""

    def __init__(
        self, leads: Iterable[Item] = (), contacts: Iterable[Item] = (), clock: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.lists: dict[str, dict[int, Item]] = {
            "leads": {item["id"]: item for item in leads},
            "contacts": {item["id"]: item for item in contacts},
        }
        self.events: list[Item] = []
        self.currency: str | None = "RUB"
        self.asked: list[httpx.Request] = []
        self.before: Callable[[int], None] = lambda number: None
        self.token = TOKEN
        self.filters = True
        self.per_second = 7
        self.shut_out = False
        self._clock, self._recent = clock, list[float]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.before(len(self.asked))
        self.asked.append(request)
        if refusal := self._refuses(request):
            return refusal
        name = request.url.path.removeprefix("/api/v4/")
        if name == "account":
            return httpx.Response(200, json={"id": 1231414, "country": "RU", **self._money()})
        asked = dict(request.url.params)
        found = self._events(asked) if name == "events" else self._list(name, asked)
        return self._page(name, found, int(asked["page"]), min(int(asked["limit"]), 100 if name == "events" else 250))

    def delete(self, name: str, number: int, at: int) -> None:
        """Put a record into the bin."""
        item = self.lists[name][number]
        item.update(is_deleted=True, updated_at=BEGAN + at)
        event = {"type": f"{name[:-1]}_deleted", "entity_id": number, "entity_type": name[:-1]}
        self.events.insert(0, {"id": f"01e{len(self.events)}", **event, "created_at": BEGAN + at})

    def _refuses(self, request: httpx.Request) -> httpx.Response | None:
        now = self._clock()
        self._recent = [at for at in self._recent if now - at < 1.0] + [now]
        if self.shut_out:
            return httpx.Response(403, text="<html>403 Forbidden</html>")
        if len(self._recent) > self.per_second:
            return httpx.Response(429, json={"title": "Too Many Requests", "status": 429})
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return httpx.Response(401, json={"title": "Unauthorized", "status": 401, "detail": "Неверный токен"})
        return None

    def _money(self) -> Item:
        return {"currency": self.currency, "currency_symbol": "₽"} if self.currency else {}

    def _list(self, name: str, asked: Mapping[str, str]) -> list[Item]:
        in_bin = asked.get("with") == "only_deleted"
        found = [item for item in self.lists[name].values() if item["is_deleted"] == in_bin]
        if in_bin:
            found = [{key: item[key] for key in ("id", "updated_at", "is_deleted")} for item in found]
        elif name == "leads" and asked.get("with") != "contacts":
            found = [{**item, "_embedded": {"tags": [], "companies": []}} for item in found]
        if self.filters:
            low, high = (int(asked.get(f"filter[updated_at][{end}]", far)) for end, far in (("from", 0), ("to", 2**40)))
            found = [item for item in found if low <= item["updated_at"] <= high]
        by = next(key for key in ("updated_at", "id") if f"order[{key}]" in asked)
        random.Random(len(self.asked)).shuffle(found)  # what shares a second comes in any order
        return sorted(found, key=lambda item: item[by])

    def _events(self, asked: Mapping[str, str]) -> list[Item]:
        began, wanted = int(asked["filter[created_at][from]"]), asked["filter[type]"].split(",")
        return [event for event in self.events if event["created_at"] >= began and event["type"] in wanted]

    def _page(self, name: str, found: list[Item], page: int, limit: int) -> httpx.Response:
        here = found[(page - 1) * limit : page * limit]
        if not here:
            return httpx.Response(204)
        links = {"self": {"href": f"{ACCOUNT}/api/v4/{name}?page={page}"}}
        if page * limit < len(found):
            links["next"] = {"href": f"{ACCOUNT}/api/v4/{name}?page={page + 1}"}
        return httpx.Response(200, json={"_page": page, "_links": links, "_embedded": {name: here}})


STAGES = {"paid": 142, "pending": 2030, "cancelled": 143}


def start(shop: Shop) -> "AmoCrm":
    return AmoCrm(shop)


class AmoCrm:
    """An account that keeps a shop's orders as leads; it has no lines and no refunds."""

    kind = "amocrm"
    options = FAST

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.secrets = {"token": "first-long-lived"}
        self._account = Account()
        self._account.per_second = 10**9
        self._account.currency = shop.currency
        self._follow = Follower(shop, self._show)

    def knows(self, ask: Ask) -> bool:
        return ask.headers.get("authorization") == f"Bearer {self.secrets['token']}"

    def refused(self) -> Answer:
        return answer_of(httpx.Response(401, json={"title": "Unauthorized", "status": 401}))

    def throttled(self) -> Answer:
        return answer_of(httpx.Response(429, json={"title": "Too Many Requests", "status": 429}))

    def expire(self) -> None:
        self.secrets = {"token": "second-long-lived"}

    def answer(self, ask: Ask) -> Answer:
        self._follow()
        self._account.token = self.secrets["token"]
        response = self._account(request_of(ask))
        self._account.asked.clear()
        feed = {"/api/v4/leads": "orders", "/api/v4/contacts": "customers"}.get(ask.path, "")
        if ask.params.get("with") == "only_deleted":
            feed = "bin"
        here = response.json().get("_embedded", {}) if response.status_code == 200 else {}
        return answer_of(response, feed, sum(len(records) for records in here.values()))

    def _show(self) -> None:
        people = self.shop.people.values()
        shown = Account([_lead(o) for o in self.shop.orders.values()], [_person(p) for p in people if p.is_here])
        self._account.lists = shown.lists
        self._account.events = [
            {"id": f"01e{p.id}", "type": "contact_deleted", "entity_id": p.id, "created_at": _unix(p.updated)}
            for p in people
            if p.is_deleted
        ]

    def expected(self) -> Rows:
        orders, currency = self.shop.orders_here(), self.shop.currency
        return {
            "orders": [
                (str(o.id), str(o.person) if o.person else None, o.created, o.updated, o.status, o.total, 0,
                 currency, None, None, None)
                for o in orders
            ],
            "order_lines": [],
            "customers": [(str(p.id), p.phone, p.email, p.name, None) for p in self.shop.people_here()],
            "merged": [],
        }  # fmt: skip


def _unix(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp())


def _lead(made: Order) -> Item:
    linked = [{"id": made.person, "is_main": True}] if made.person else []
    created, updated = _unix(made.created), _unix(made.updated)
    return lead(
        made.id, price=int(made.total), price_with_minor_units=float(made.total), status_id=STAGES[made.status],
        created_at=created, updated_at=updated, closed_at=None if made.status == "pending" else created,
        is_deleted=made.is_deleted, _embedded={"tags": [], "companies": [], "contacts": linked},
    )  # fmt: skip


def _person(made: Person) -> Item:
    fields = [field("EMAIL", ("WORK", made.email)), *([field("PHONE", ("WORK", made.phone))] if made.phone else [])]
    return contact(made.id, name=made.name, first_name=made.first, last_name=made.last, custom_fields_values=fields,
                   created_at=_unix(made.created), updated_at=_unix(made.updated))  # fmt: skip
