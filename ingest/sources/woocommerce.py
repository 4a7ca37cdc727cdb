"""WooCommerce: its REST API, version 3.

Lists are walked by id, so that an order that changes meanwhile keeps its place, and each request takes the last record
of the one before along: where a deletion has moved the list, that record is not there and the walk steps back.
WooCommerce can't be asked which customers changed: a pull takes the new ones, a full pull all, and so does any pull
where the shop maps their consent.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from ingest.sources import base
from ingest.sources.base import Api, Cursor, Feeds, Page, Table
from wabench.errors import WabenchError
from wabench.settings import SourceSettings

kind = "woocommerce"
base_url = ""
secrets = ("consumer_key", "consumer_secret")
OPTIONS: Mapping[str, str] = {}
IDENTITY: tuple[str, ...] = ()
page_size = 100
per_second = None
tells_deletions = False
throttled = base.throttled

_STATUS = {
    "pending": "pending",
    "on-hold": "pending",
    "checkout-draft": "pending",
    "auto-draft": "pending",
    "processing": "paid",
    "completed": "paid",
    "cancelled": "cancelled",
    "failed": "cancelled",
    "trash": "cancelled",
    "refunded": "refunded",
}
_ORDER = {
    "order_id": "id",
    "customer_ref": "customer_id",
    "ordered_at": "date_created_gmt",
    "updated_at": "date_modified_gmt",
    "status": "status",
    "total": "total",
    "refunded": "+refunds[].total",
    "currency": "currency",
    "phone": "billing.phone | shipping.phone",
    "email": "billing.email",
    "name": "billing.first_name & billing.last_name | shipping.first_name & shipping.last_name",
}
_LINE = {
    "order_id": "^.id",
    "sku": "sku | product_id",
    "title": "name",
    "quantity": "quantity",
    "unit_price": "price",
}
_CUSTOMER = {
    "customer_ref": "id",
    "phone": "billing.phone | shipping.phone",
    "email": "email | billing.email",
    "name": "first_name & last_name | billing.first_name & billing.last_name",
    "country": "billing.country",
    "updated_at": "date_modified_gmt | date_created_gmt",
}
_FEEDS: Feeds = {
    "orders": (
        Table("orders", "", _ORDER, {"status": _STATUS}, zone="UTC"),
        Table("order_lines", "[].line_items", _LINE, zone="UTC"),
    ),
    "trash": (Table("orders", "", {**_ORDER, "is_deleted": "=yes"}, {"status": _STATUS}, zone="UTC"),),
    "customers": (Table("customers", "", _CUSTOMER, zone="UTC"),),
}
_LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "orders": ("orders", {"status": "any"}),  # any but the trash
    "trash": ("orders", {"status": "trash"}),
    "customers": ("customers", {"role": "all"}),
}


def feeds(settings: SourceSettings) -> Feeds:
    return _FEEDS


def is_whole(settings: SourceSettings, feed: str) -> bool:
    return feed != "trash"


def authorise(request: httpx.Request, secrets: Mapping[str, str], token: str | None) -> None:
    pair = f"{secrets['consumer_key']}:{secrets['consumer_secret']}"
    request.headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"


def renew(api: Api) -> str | None:
    return None


def pages(api: Api, feed: str, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
    api.need("consumer_key", "consumer_secret")
    path, params = _LISTS[feed]
    if feed == "customers":
        is_told = "consent" in api.settings.map.get("customers", {})  # a withdrawal makes nobody new
        return _newest(api, path, params, since, start) if since and not is_told else _by_id(api, path, params, start)
    if since:
        after = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        params = {**params, "modified_after": after, "dates_are_gmt": "true"}
    return _by_id(api, path, params, start)


def _by_id(api: Api, path: str, params: Mapping[str, str], start: Cursor | None) -> Iterator[Page]:
    """Walk a list from the lowest id; `last` is the id that must come again first.

    The list may count records that it does not show. Where nothing new came, that part of it is passed over, and what
    follows (`is_gap`) need not begin with a record that is known.
    """
    params = {**params, "orderby": "id", "order": "asc"}
    cursor: Cursor | None = start if start and "last" in start else {"offset": 0, "last": 0}
    while cursor is not None:
        offset, last = int(cursor["offset"]), int(cursor["last"])
        begun, response, records = _overlapping(api, path, params, offset, None if "is_gap" in cursor else last)
        highest = max((record["id"] for record in records), default=0)
        is_new = highest > last
        cursor = {"offset": begun + len(records), "last": highest}
        if not is_new:
            cursor = {"offset": begun + _size(api), "last": last, "is_gap": 1}
        if int(cursor["offset"]) >= int(response.headers.get("X-WP-Total", int(cursor["offset"]) + is_new)):
            cursor = None
        yield Page(response.content, len(records), cursor)


def _overlapping(
    api: Api, path: str, params: Mapping[str, str], offset: int, last: int | None
) -> tuple[int, httpx.Response, list[dict[str, Any]]]:
    """Ask from the record before an offset on, further back until it begins with one that is known."""
    offset = max(offset - 1, 0)
    response, records = _ask(api, path, params, offset)
    while offset and last is not None and not (records and records[0]["id"] <= last):
        offset = max(offset - _size(api) // 2 - 1, 0)
        response, records = _ask(api, path, params, offset)
    return offset, response, records


def _size(api: Api) -> int:
    """Give how many to ask for: with one there is no room for a new one beside the one that is taken along."""
    return max(api.page_size, 2)


def _newest(api: Api, path: str, params: Mapping[str, str], since: datetime, start: Cursor | None) -> Iterator[Page]:
    """Walk a list from the highest id down to where a whole page was there before: an import may date one far back."""
    params = {**params, "orderby": "id", "order": "desc"}
    offset = int(start["offset"]) if start and "last" not in start else 0  # it may have been walked the other way
    is_more = True
    while is_more:
        response, records = _ask(api, path, params, offset)
        dates = [record["date_created_gmt"] for record in records if record.get("date_created_gmt")]
        created = [datetime.fromisoformat(date).replace(tzinfo=UTC) for date in dates]
        offset += len(records)
        is_more = bool(records) and max(created, default=since) >= since
        is_more = is_more and offset != int(response.headers.get("X-WP-Total", -1))
        yield Page(response.content, len(records), {"offset": offset} if is_more else None)


def _ask(api: Api, path: str, params: Mapping[str, str], offset: int) -> tuple[httpx.Response, list[dict[str, Any]]]:
    asked = {**params, "per_page": _size(api), "offset": offset}
    response, records = api.ask(api.request("GET", f"wp-json/wc/v3/{path}", params=asked))
    if not isinstance(records, list):
        raise WabenchError(f"source {api.name}: {response.url.path} answered no list, but: {api.hide(response.text)}")
    return response, records
