"""A HubSpot account that answers as documented: cursors, a search of 10,000 results, batches, limits by policy."""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import httpx

from crm import Answer, Ask, Rows
from crm.served import FAST, Follower, answer_of, request_of
from crm.shop import Order, Person, Shop

API = "https://api.hubapi.com"
TOKEN = "pat-eu1-nobody-may-see"
OAUTH = {"client_id": "c1", "client_secret": "s3cret-of-the-app", "refresh_token": "refresh-for-ever"}
BEGAN = datetime(2026, 5, 4, 9, tzinfo=UTC)
DELIVERED = "3725360f-519b-4b18-a593-494d60a29c9f"

Record = dict[str, Any]


def moment(milliseconds: int) -> str:
    """Write a time as HubSpot does, to the millisecond."""
    return (BEGAN + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(number: int, updated: int = 0, modified: str = "hs_lastmodifieddate", **properties: Any) -> Record:
    """Make a record of any kind, changed so many milliseconds after BEGAN."""
    at = moment(updated)
    says = {"hs_object_id": str(number), modified: at, "hs_createdate": moment(0), "createdate": moment(0)}
    texts = {name: value if value is None else str(value) for name, value in properties.items()}
    return {"id": str(number), "properties": says | texts, "createdAt": moment(0), "updatedAt": at, "archived": False}


def order(number: int, updated: int = 0, **properties: Any) -> Record:
    """Make a delivered order of 120.50 dollars."""
    usual = {"hs_total_price": "120.50", "hs_currency_code": "USD", "hs_pipeline_stage": DELIVERED}
    return record(number, updated, **{**usual, **properties})


def contact(number: int, updated: int = 0, **properties: Any) -> Record:
    """Make a contact with a mobile phone."""
    usual = {"firstname": "Zoë", "lastname": f"Marlow-{number}", "mobilephone": f"+1 202 555 {number % 10_000:04d}"}
    return record(
        number, updated, "lastmodifieddate", **{**usual, "email": f"zoe{number}@marlow.example", **properties}
    )


class Hub:
    """The account. `before(request number)` runs ahead of each request, to change records between two pages."""

    def __init__(
        self,
        orders: Iterable[Record] = (),
        contacts: Iterable[Record] = (),
        deals: Iterable[Record] = (),
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        kinds = {"orders": orders, "contacts": contacts, "deals": deals, "line_items": ()}
        self.records = {kind: {r["id"]: r for r in records} for kind, records in kinds.items()}
        self.links: dict[tuple[str, str], list[str]] = {}
        """(order, kind) -> the ids linked to it."""
        self.links_a_page = 100
        self.asked: list[tuple[str, str, Any]] = []
        self.before: Callable[[int], None] = lambda number: None
        self.token = TOKEN
        self.faults: list[httpx.Response] = []
        self.ten_secondly = 100
        self._clock, self._recent = clock, list[float]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.before(len(self.asked))
        path, body = request.url.path, request.read()
        if path == "/oauth/v1/token":
            return self._renew({name: values[0] for name, values in parse_qs(body.decode()).items()})
        asked = json.loads(body) if body else dict(request.url.params)
        self.asked.append((request.method, path, asked))
        if refusal := self._refuses(request):
            return refusal
        _, _, area, _, *rest = path.split("/")
        match (area, rest):
            case ("objects", [kind]):
                return self._list(kind, asked)
            case ("objects", [kind, "search"]):
                return self._search(kind, asked)
            case ("objects", [kind, "batch", "read"]):
                return self._batch(kind, asked)
            case ("associations", [_, kind, "batch", "read"]):
                return self._linked(kind, asked)
        return _error(404, "OBJECT_NOT_FOUND", f"nothing at {path}")

    def archive(self, kind: str, number: int, at: int) -> None:
        """Move a record to the recycling bin."""
        gone = self.records[kind][str(number)]
        gone.update(archived=True, archivedAt=moment(at), updatedAt=moment(at))

    def _refuses(self, request: httpx.Request) -> httpx.Response | None:
        now = self._clock()
        self._recent = [at for at in self._recent if now - at < 10.0] + [now]
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _error(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired")
        if self.faults:
            return self.faults.pop(0)
        if len(self._recent) > self.ten_secondly:
            return limit("TEN_SECONDLY_ROLLING")
        return None

    def _renew(self, form: Mapping[str, str]) -> httpx.Response:
        if form != {"grant_type": "refresh_token", **OAUTH}:
            return httpx.Response(400, json={"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid"})
        self.token = f"access-{len(self.asked)}"
        return httpx.Response(200, json={"access_token": self.token, "refresh_token": OAUTH["refresh_token"],
                                         "expires_in": 1800, "token_type": "bearer"})  # fmt: skip

    def _list(self, kind: str, asked: Mapping[str, str]) -> httpx.Response:
        archived, after, size = asked.get("archived") == "true", int(asked.get("after", 0)), int(asked.get("limit", 10))
        if size > 100:
            return _error(400, "VALIDATION_ERROR", "limit must be at most 100")
        left = [r for r in self._sorted(kind, "hs_object_id") if r["archived"] == archived and int(r["id"]) > after]
        found = [_with(r, asked["properties"].split(",")) for r in left[:size]]
        for shown in found if "associations" in asked else ():
            if there := {k: a for name in asked["associations"].split(",") for k, a in self._beside(shown["id"], name)}:
                shown["associations"] = there
        paging = {"paging": {"next": {"after": found[-1]["id"], "link": "…"}}} if len(left) > size else {}
        return httpx.Response(200, json={"results": found, **paging})

    def _beside(self, number: str, kind: str) -> Iterable[tuple[str, Any]]:
        ids = self.links.get((number, kind), [])
        if not ids:
            return []
        first = ids[: self.links_a_page]
        listed: dict[str, Any] = {"results": [{"id": i, "type": f"order_to_{kind}"} for i in first for _ in range(2)]}
        if len(ids) > len(first):
            listed["paging"] = {"next": {"after": str(len(first)), "link": "…"}}
        return [(kind.replace("_", " "), listed)]

    def _search(self, kind: str, asked: Mapping[str, Any]) -> httpx.Response:
        size, start = asked["limit"], int(asked["after"])
        if size > 200 or start + size > 10_000:
            return _error(400, "VALIDATION_ERROR", "over 200 a page, or over 10,000 results")
        (order_by,) = asked["sorts"]
        live = [r for r in self._sorted(kind, order_by) if not r["archived"]]
        found = [r for r in live if any(_passes(r, group["filters"]) for group in asked["filterGroups"])]
        page = [_with(r, asked["properties"]) for r in found[start : start + size]]
        paging = {"paging": {"next": {"after": str(start + size)}}} if len(found) > start + size else {}
        return httpx.Response(200, json={"total": len(found), "results": page, **paging})

    def _batch(self, kind: str, asked: Mapping[str, Any]) -> httpx.Response:
        if len(asked["inputs"]) > 100:
            return _error(400, "VALIDATION_ERROR", "at most 100 inputs")
        ids = [one["id"] for one in asked["inputs"]]
        found = [_with(self.records[kind][i], asked["properties"]) for i in ids if i in self.records[kind]]
        return httpx.Response(207 if len(found) < len(ids) else 200, json={"status": "COMPLETE", "results": found})

    def _linked(self, kind: str, asked: Mapping[str, Any]) -> httpx.Response:
        results, errors = [], []
        for one in asked["inputs"]:
            start = int(one.get("after", 0))
            ids = self.links.get((one["id"], kind), [])
            here = ids[start : start + self.links_a_page]
            if not here:
                errors.append({"status": "error", "category": "OBJECT_NOT_FOUND", "message": f"none for {one['id']}"})
                continue
            types = [{"category": "HUBSPOT_DEFINED", "typeId": 507, "label": None}]
            result: Record = {
                "from": {"id": one["id"]},
                "to": [{"toObjectId": i, "associationTypes": types} for i in here],
            }
            if start + len(here) < len(ids):
                result["paging"] = {"next": {"after": str(start + len(here)), "link": "…"}}
            results.append(result)
        told = {"errors": errors, "numErrors": len(errors)} if errors else {}
        return httpx.Response(207 if errors else 200, json={"status": "COMPLETE", "results": results, **told})

    def _sorted(self, kind: str, by: str) -> list[Record]:
        """Sort by one property; what has the same comes in any order."""
        found = list(self.records[kind].values())
        random.Random(len(self.asked)).shuffle(found)
        return sorted(found, key=lambda r: _value(r, by))


def limit(policy: str) -> httpx.Response:
    """Make the refusal of a limit: TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
    said = {"status": "error", "message": f"You have reached your {policy.lower()} limit.", "errorType": "RATE_LIMIT"}
    return httpx.Response(429, json={**said, "policyName": policy})


def _with(found: Record, names: Iterable[str]) -> Record:
    """Copy a record with the properties asked for; those it has not are null."""
    says = {name: found["properties"].get(name) for name in {*names, "hs_object_id"}}
    return {**{key: value for key, value in found.items() if key != "properties"}, "properties": says}


def _passes(found: Record, filters: Iterable[Mapping[str, str]]) -> bool:
    tests = {"GTE": int.__ge__, "LTE": int.__le__, "GT": int.__gt__, "LT": int.__lt__, "EQ": int.__eq__}
    return all(tests[f["operator"]](_value(found, f["propertyName"]), int(f["value"])) for f in filters)


def _value(found: Record, name: str) -> int:
    return _number(found["properties"][name])


@lru_cache(maxsize=100_000)
def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    return round((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _error(status: int, category: str, message: str) -> httpx.Response:
    said = {"status": "error", "category": category, "message": message}
    return httpx.Response(status, json={**said, "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf"})


STAGES = {
    "paid": DELIVERED,
    "pending": "4b27b500-f031-4927-9811-68a0b525cbae",
    "cancelled": "3c85a297-e9ce-400b-b42e-9f16853d69d6",
}


def start(shop: Shop) -> "HubSpot":
    return HubSpot(shop)


class HubSpot:
    """An account that keeps a shop's orders, with line items and refunds; its tokens expire and are renewed."""

    kind = "hubspot"
    options = FAST

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.secrets = dict(OAUTH)
        self._hub = Hub()
        self._hub.ten_secondly = 10**9
        self._follow = Follower(shop, self._show)

    def knows(self, ask: Ask) -> bool:
        return ask.path.startswith("/oauth/") or ask.headers.get("authorization") == f"Bearer {self._hub.token}"

    def refused(self) -> Answer:
        return answer_of(_error(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired"))

    def throttled(self) -> Answer:
        return answer_of(limit("SECONDLY"))

    def expire(self) -> None:
        self._hub.token = "expired"

    def answer(self, ask: Ask) -> Answer:
        self._follow()
        response = self._hub(request_of(ask))
        feed = {"orders": "orders", "contacts": "customers"}.get(
            ask.path.removesuffix("/search").rpartition("/")[2], ""
        )
        if ask.params.get("archived"):
            feed = f"archived {feed}"
        records = len(response.json().get("results", ())) if feed else 0
        return answer_of(response, feed, records)

    def _show(self) -> None:
        orders, people = self.shop.orders.values(), self.shop.people.values()
        swallowed: dict[int, list[str]] = {}
        for gone in people:
            if gone.merged_into:
                swallowed.setdefault(gone.merged_into, []).append(str(gone.id))
        shown = Hub(
            [_order(o) for o in orders],
            [_person(p, swallowed.get(p.id, [])) for p in people if not p.merged_into],
        )
        for made in orders:
            items = {str(made.id * 100 + n): _item(made, n) for n in range(len(made.lines))}
            shown.records["line_items"].update(items)
            shown.links[str(made.id), "line_items"] = list(items)
            shown.links[str(made.id), "contacts"] = [str(made.person)] if made.person else []
        self._hub.records, self._hub.links = shown.records, shown.links

    def expected(self) -> Rows:
        orders, people = self.shop.orders_here(), self.shop.people.values()
        return {
            "orders": [
                (str(o.id), str(o.person) if o.person else None, o.created, o.updated, o.our_status, o.total,
                 o.refunded, self.shop.currency, o.phone, None, None)
                for o in orders
            ],
            "order_lines": [(str(o.id), x.sku, x.title, x.quantity, x.price) for o in orders for x in o.lines],
            "customers": [(str(p.id), p.phone, p.email, p.name, None) for p in self.shop.people_here()],
            "merged": [(str(p.id), str(p.merged_into)) for p in people if p.merged_into],
        }  # fmt: skip


def _after(at: datetime) -> int:
    return int((at.replace(tzinfo=UTC) - BEGAN) / timedelta(milliseconds=1))


def _gone(made: Record, is_deleted: bool) -> Record:
    return made | {"archived": True, "archivedAt": made["updatedAt"]} if is_deleted else made


def _order(made: Order) -> Record:
    found = order(
        made.id, _after(made.updated), hs_total_price=made.total, hs_currency_code="BRL",
        hs_pipeline_stage=STAGES[made.status], hs_refund_amount=made.refunded or None,
        hs_external_created_date=moment(_after(made.created)), hs_billing_address_phone=made.phone,
    )  # fmt: skip
    return _gone(found, made.is_deleted)


def _person(made: Person, swallowed: list[str]) -> Record:
    found = contact(
        made.id, _after(made.updated), firstname=made.first, lastname=made.last, mobilephone=made.phone,
        email=made.email, hs_merged_object_ids=";".join(swallowed) or None,
    )  # fmt: skip
    return _gone(found, made.is_deleted)


def _item(made: Order, n: int) -> Record:
    line = made.lines[n]
    return record(made.id * 100 + n, name=line.title, hs_sku=line.sku, quantity=line.quantity, price=line.price)
