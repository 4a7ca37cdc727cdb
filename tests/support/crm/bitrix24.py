"""A Bitrix24 portal that answers as documented: 50 a page, batches of 50 calls, a leaking bucket, a used up method."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import httpx

from crm import Answer, Ask, Rows
from crm.served import FAST, Follower, answer_of, request_of
from crm.shop import Order, Person, Shop

PORTAL = "https://romashka.bitrix24.example"
WEBHOOK = "7/k3yNobodyMaySee"
PAGE = 50
DAY = datetime(2026, 5, 4, 9, tzinfo=UTC)

Item = dict[str, Any]


def moment(seconds: float) -> str:
    """Write a time as the portal does: with its zone, to the second."""
    return (DAY + timedelta(seconds=int(seconds))).astimezone(UTC).isoformat(timespec="seconds")


def deal(number: int, updated: float = 0, **differs: Any) -> Item:
    """Make a won deal of 19000.5 roubles."""
    made = {
        "id": number,
        "title": f"Сделка #{number}",
        "stageId": "WON",
        "stageSemanticId": "S",
        "opportunity": 19000.5,
        "currencyId": "RUB",
        "createdTime": moment(0),
        "updatedTime": moment(updated),
        "movedTime": moment(3600),
        "closedate": DAY.date().isoformat() + "T00:00:00+00:00",
        "contactId": 1,
        "contactIds": [1],
        "entityTypeId": 2,
    }
    return {**made, **differs}


def contact(number: int, updated: float = 0, **differs: Any) -> Item:
    """Make a contact with a mobile and an office phone."""
    made = {
        "id": number,
        "name": "Анна",
        "secondName": None,
        "lastName": f"Ромашкина-{number}",
        "createdTime": moment(0),
        "updatedTime": moment(updated),
        "fm": [
            {"id": number * 10, "typeId": "PHONE", "valueType": "WORK", "value": "+7 495 123-45-67"},
            {"id": number * 10 + 1, "typeId": "PHONE", "valueType": "MOBILE", "value": f"8 (916) {number:07d}"},
            {"id": number * 10 + 2, "typeId": "EMAIL", "valueType": "WORK", "value": f"anna{number}@romashka.example"},
        ],
        "phoneMobile": f"8 (916) {number:07d}",
        "phone": "+7 495 123-45-67",
    }
    return {**made, **differs}


def row(number: int, owner: int, **differs: Any) -> Item:
    """Make a product row: three teapots, two roubles off each."""
    made = {"id": number, "ownerId": owner, "ownerType": "D", "productId": 9600 + number, "productName": "Чайник",
            "price": 98, "priceBrutto": 100, "quantity": 3, "discountSum": 2}  # fmt: skip
    return {**made, **differs}


class Portal:
    """The portal. `before(call number)` runs ahead of each request, to change records between two pages."""

    def __init__(
        self,
        deals: Iterable[Item] = (),
        contacts: Iterable[Item] = (),
        rows: Iterable[Item] = (),
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.items: dict[int, dict[int, Item]] = {2: {}, 3: {}, 31: {}, 128: {}}
        self.items[2] = {item["id"]: item for item in deals}
        self.items[3] = {item["id"]: item for item in contacts}
        self.webhook = WEBHOOK
        self.rows: dict[tuple[str, str], list[Item]] = {}
        for made in rows:
            self.rows.setdefault((made["ownerType"], str(made["ownerId"])), []).append(made)
        self.asked: list[tuple[str, Any]] = []
        self.blocked = 0
        self.blocked_calls = 0
        self.revoked = False
        self.before: Callable[[int], None] = lambda number: None
        self.leaks, self.holds = 2.0, 50
        self._clock, self._level, self._at = clock, 0.0, clock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.before(len(self.asked))
        _, rest, user, code, method = request.url.path.split("/", 4)
        body = json.loads(request.read())
        self.asked.append((method, body))
        if refusal := self._refuses(rest, f"{user}/{code}"):
            return refusal
        if method == "batch":
            return self._answer(self._batch(body["cmd"]))
        answer = self._call(method, body)
        return self._answer(answer) if "error" not in answer else httpx.Response(400, json=answer)

    def _refuses(self, rest: str, webhook: str) -> httpx.Response | None:
        now = self._clock()
        self._level = max(0.0, self._level - (now - self._at) * self.leaks) + 1
        self._at = now
        if self._level > self.holds:
            return _error(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
        if self.revoked:
            return _error(401, "expired_token", "The access token provided has expired")
        if rest != "rest" or webhook != self.webhook:
            return _error(401, "INVALID_CREDENTIALS", "Invalid request credentials")
        if self.blocked:
            self.blocked -= 1
            return _error(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
        return None

    def _answer(self, answer: Mapping[str, Any]) -> httpx.Response:
        return httpx.Response(200, json={**answer, "time": {"start": 1.0, "operating": 0}})

    def _call(self, method: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if method == "crm.item.list":
            page = _page("items", _found(self.items[asked["entityTypeId"]].values(), asked), asked.get("start", 0))
            if asked.get("select") != ["*"]:
                page["result"]["items"] = [{k: v for k, v in i.items() if k != "fm"} for i in page["result"]["items"]]
            return page
        if method == "crm.item.productrow.list":
            wanted = asked["filter"]
            owned = self.rows.get((wanted["=ownerType"], str(wanted["=ownerId"])), [])
            return _page("productRows", sorted(owned, key=lambda r: r["id"]), int(asked.get("start", 0)))
        return {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}

    def _batch(self, calls: Mapping[str, str]) -> dict[str, Any]:
        """Run each call; an empty PHP array is [] even where it stands for an object."""
        parts: dict[str, dict[str, Any]] = {"result": {}, "result_error": {}, "result_total": {}, "result_next": {}}
        for number, (key, call) in enumerate(calls.items()):
            method, _, query = call.partition("?")
            answer = self._call(method, _php_query(query))
            if number >= PAGE:
                answer = {"error": "ERROR_BATCH_LENGTH_EXCEEDED", "error_description": "Max batch length exceeded"}
            elif self.blocked_calls:
                self.blocked_calls -= 1
                answer = {"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked"}
            if "error" in answer:
                parts["result_error"][key] = answer
                continue
            for part, name in (("result", "result"), ("result_total", "total"), ("result_next", "next")):
                if name in answer:
                    parts[part][key] = answer[name]
        return {"result": {name: part or [] for name, part in parts.items()}}


def _page(name: str, found: list[Item], start: int) -> dict[str, Any]:
    at = max(start, 0)
    page: dict[str, Any] = {"result": {name: found[at : at + PAGE]}, "total": 0 if start < 0 else len(found)}
    if start >= 0 and at + PAGE < len(found):
        page["next"] = at + PAGE
    return page


def _found(items: Iterable[Item], asked: Mapping[str, Any]) -> list[Item]:
    found = [item for item in items if _matches(item, asked.get("filter", {}))]
    for name, way in reversed(asked.get("order", {}).items()):
        found.sort(key=lambda item: _comparable(name, item[name]), reverse=way.upper() == "DESC")
    return found


def _matches(item: Item, wanted: Mapping[str, Any]) -> bool:
    parts = [_fits(item, key, value) for key, value in wanted.items() if key != "logic"]
    return any(parts) if wanted.get("logic") == "OR" else all(parts)


def _fits(item: Item, key: str, value: Any) -> bool:
    if isinstance(value, dict):
        return _matches(item, value)
    sign = next((s for s in (">=", "<=", ">", "<", "=") if key.startswith(s)), "")
    name = key.removeprefix(sign)
    ours, theirs = _comparable(name, item[name]), _comparable(name, value)
    return {">=": ours >= theirs, "<=": ours <= theirs, ">": ours > theirs, "<": ours < theirs}.get(
        sign, ours == theirs
    )


def _comparable(name: str, value: Any) -> Any:
    return _time(value) if name.endswith("Time") else value


_time = lru_cache(maxsize=100_000)(datetime.fromisoformat)


def _php_query(query: str) -> dict[str, Any]:
    """Read a query as PHP does: `filter[=ownerId]=5` makes a nested array, where its inner = is encoded."""
    asked: dict[str, Any] = {}
    for key, value in parse_qsl(query):
        name, _, inner = key.partition("[")
        if inner:
            asked.setdefault(name, {})[inner.rstrip("]")] = value
        else:
            asked[name] = value
    return asked


def _error(status: int, code: str, description: str) -> httpx.Response:
    return httpx.Response(status, json={"error": code, "error_description": description})


STAGES = {"paid": ("WON", "S"), "pending": ("PREPARATION", "P"), "cancelled": ("LOSE", "F")}


def start(shop: Shop) -> "Bitrix24":
    return Bitrix24(shop)


class Bitrix24:
    """A portal that keeps a shop's orders as deals; it has no refunds, and lists nothing that is gone."""

    kind = "bitrix24"
    options = FAST

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.secrets = {"webhook": "1/f1rstw3bhook"}
        self._portal = Portal()
        self._portal.holds = 10**9
        self._follow = Follower(shop, self._show)

    def knows(self, ask: Ask) -> bool:
        return ask.path.startswith(f"/rest/{self.secrets['webhook']}/")

    def refused(self) -> Answer:
        return answer_of(_error(401, "expired_token", "The access token provided has expired"))

    def throttled(self) -> Answer:
        return answer_of(_error(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"))

    def expire(self) -> None:
        self.secrets = {"webhook": "1/s3condw3bhook"}

    def answer(self, ask: Ask) -> Answer:
        self._follow()
        self._portal.webhook = self.secrets["webhook"]
        response = self._portal(request_of(ask))
        method, body = self._portal.asked.pop()
        if method != "crm.item.list":
            return answer_of(response)
        feed = {2: "orders", 3: "customers"}[body["entityTypeId"]]
        return answer_of(response, feed, len(response.json()["result"]["items"]))

    def _show(self) -> None:
        shown = Portal(
            [_deal(o) for o in self.shop.orders_here()],
            [_contact(p) for p in self.shop.people_here()],
            [_row(o, n) for o in self.shop.orders_here() for n in range(len(o.lines))],
        )
        self._portal.items, self._portal.rows = shown.items, shown.rows

    def expected(self) -> Rows:
        orders, currency = self.shop.orders_here(), self.shop.currency
        return {
            "orders": [
                (str(o.id), str(o.person) if o.person else None, _ordered_at(o), o.updated, o.status, o.total, 0,
                 currency, None, None, None)
                for o in orders
            ],
            "order_lines": [
                (str(o.id), str(int(x.sku[4:])), x.title, x.quantity, x.price) for o in orders for x in o.lines
            ],
            "customers": [(str(p.id), p.phone, p.email, p.name, None) for p in self.shop.people_here()],
            "merged": [],
        }  # fmt: skip


def _ordered_at(made: Order) -> datetime:
    """Give when an order counts: a won deal is moved and closed an hour after it was made."""
    return made.created + timedelta(hours=1) if made.status == "paid" else made.created


def _zoned(at: datetime) -> str:
    return (at + timedelta(hours=3)).isoformat() + "+03:00"


def _deal(made: Order) -> Item:
    stage, semantics = STAGES[made.status]
    moved = _zoned(made.created + timedelta(hours=1))
    return deal(
        made.id, stageId=stage, stageSemanticId=semantics, opportunity=float(made.total), currencyId="BRL",
        createdTime=_zoned(made.created), updatedTime=_zoned(made.updated), movedTime=moved,
        closedate=f"{moved[:10]}T00:00:00+03:00", contactId=made.person or 0,
        contactIds=[made.person] if made.person else [],
    )  # fmt: skip


def _contact(made: Person) -> Item:
    fm = [{"id": 1, "typeId": "EMAIL", "valueType": "WORK", "value": made.email}]
    if made.phone:
        fm.append({"id": 2, "typeId": "PHONE", "valueType": "WORK", "value": made.phone})
    return contact(made.id, name=made.first, lastName=made.last, fm=fm, phoneMobile="", phone=made.phone or "",
                   createdTime=_zoned(made.created), updatedTime=_zoned(made.updated))  # fmt: skip


def _row(made: Order, n: int) -> Item:
    line = made.lines[n]
    return row(made.id * 100 + n, made.id, productId=int(line.sku[4:]), productName=line.title,
               price=float(line.price), quantity=line.quantity)  # fmt: skip
