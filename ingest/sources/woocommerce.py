"""WooCommerce: its REST API, version 3.

Lists are walked by id, so that an order that changes meanwhile keeps its place, and each request takes the last record
of the one before along: where a deletion has moved the list, that record is not there and the walk steps back.
WooCommerce can't be asked which customers changed: a pull takes the new ones, a full pull all.
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
    if since and feed == "customers":
        return _newest(api, path, params, since, start)
    if since:
        after = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        params = {**params, "modified_after": after, "dates_are_gmt": "true"}
    return _by_id(api, path, params, start)


def _by_id(api: Api, path: str, params: Mapping[str, str], start: Cursor | None) -> Iterator[Page]:
    """Walk a list from the lowest id; `last` is the id that must come again first."""
    params = {**params, "orderby": "id", "order": "asc"}
    offset, last = (int(start["offset"]), int(start["last"])) if start else (0, 0)
    is_more = True
    while is_more:
        offset = max(offset - 1, 0)
        response, records = _ask(api, path, params, offset)
        while offset and not (records and records[0]["id"] <= last):
            offset = max(offset - api.page_size // 2 - 1, 0)
            response, records = _ask(api, path, params, offset)
        offset += len(records)
        seen, last = last, max((record["id"] for record in records), default=last)
        is_more = offset < int(response.headers.get("X-WP-Total", offset + 1 if last > seen else 0))
        yield Page(response.content, len(records), {"offset": offset, "last": last} if is_more else None)


def _newest(api: Api, path: str, params: Mapping[str, str], since: datetime, start: Cursor | None) -> Iterator[Page]:
    """Walk a list from the highest id down to what there was before."""
    params = {**params, "orderby": "id", "order": "desc"}
    offset = int(start["offset"]) if start else 0
    is_more = True
    while is_more:
        response, records = _ask(api, path, params, offset)
        created = [datetime.fromisoformat(record["date_created_gmt"]).replace(tzinfo=UTC) for record in records]
        offset += len(records)
        is_more = bool(created) and min(created) >= since and offset != int(response.headers.get("X-WP-Total", -1))
        yield Page(response.content, len(records), {"offset": offset} if is_more else None)


def _ask(api: Api, path: str, params: Mapping[str, str], offset: int) -> tuple[httpx.Response, list[dict[str, Any]]]:
    asked = {**params, "per_page": api.page_size, "offset": offset}
    response, records = api.ask(api.request("GET", f"wp-json/wc/v3/{path}", params=asked))
    if not isinstance(records, list):
        raise WabenchError(f"source {api.name}: {response.url.path} answered no list, but: {api.hide(response.text)}")
    return response, records
