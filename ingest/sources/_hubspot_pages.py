"""The steps of a pull from HubSpot: what is listed, archived or changed, and what goes with a page of orders."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from statistics import median_low
from typing import Any

import msgspec

from ingest import landing
from ingest.sources._hubspot_shape import linked
from ingest.sources.base import Api, Cursor, Page, combine
from wabench.errors import UsageError, WabenchError

UNSETTLED = 600_000
"""Milliseconds for which a record's moment is not gone by where an older one will do.

A search sorts by an index that lags behind: a record changed just now may show its new moment in its old place, and to
go on from there would leave out all between.
"""

Links = Mapping[str, list[dict[str, str]]]
"""For each kind of record that orders are linked to: which orders to ask for, in the words of the batch."""

_MODIFIED = {"contacts": "lastmodifieddate"}
_MERGED = "hs_merged_object_ids"
_BATCH = 100

_PROPERTIES = {
    "orders": (
        "hs_order_name", "hs_total_price", "hs_refund_amount", "hs_currency_code", "hs_external_created_date",
        "hs_createdate", "hs_lastmodifieddate", "hs_pipeline_stage", "hs_payment_status", "hs_external_order_status",
        "hs_billing_address_name", "hs_billing_address_email", "hs_billing_address_phone", _MERGED,
    ),
    "deals": (
        "dealname", "amount", "deal_currency_code", "dealstage", "hs_is_closed", "hs_is_closed_won", "closedate",
        "createdate", "hs_lastmodifieddate", _MERGED,
    ),
    "contacts": (
        "firstname", "lastname", "email", "phone", "mobilephone", "hs_whatsapp_phone_number",
        "hs_calculated_phone_number", "hs_language", "hs_country_region_code", "country", "lastmodifieddate",
        "hs_calculated_merged_vids", _MERGED,
    ),
    "line_items": ("name", "hs_sku", "hs_product_id", "quantity", "price", "amount"),
}  # fmt: skip


def order_object(options: Mapping[str, str]) -> str:
    """Tell which HubSpot object a shop keeps its orders as."""
    what = options.get("object", "orders")
    if what not in ("orders", "deals"):
        raise UsageError(f"a hubspot source's options: object is orders or deals, not {what!r}")
    return what


def _path(api: Api, what: str, *parts: str) -> str:
    return "/".join(("crm", what, api.options.get("api_version", "2026-09"), *parts))


def _kind_of(api: Api, feed: str) -> str:
    return order_object(api.options) if feed == "orders" else "contacts"


def _asked(api: Api, what: str) -> list[str]:
    own = [name.strip() for name in api.options.get("properties", "").split(",") if name.strip()]
    return list(dict.fromkeys((*_PROPERTIES[what], *own)))


def _list(api: Api, feed: str, cursor: Cursor, is_archived: bool) -> tuple[bytes, Any]:
    what = _kind_of(api, feed)
    asked: dict[str, str | int] = {"limit": api.page_size, "properties": ",".join(_asked(api, what))}
    if is_archived:
        asked["archived"] = "true"
    elif feed == "orders":
        asked["associations"] = ",".join(_links(api))
    if "after" in cursor:
        asked["after"] = cursor["after"]
    response, document = api.ask(api.request("GET", _path(api, "objects", what), params=asked))
    return response.content, _checked(api, what, document)


def _all(api: Api, feed: str, cursor: Cursor, since: datetime | None) -> Page:
    answer, document = _list(api, feed, cursor, is_archived=False)
    cut_short = {
        link: [{"id": r["id"], "after": after} for r in document["results"] if (after := _rest(r, link))]
        for link in (_links(api) if feed == "orders" else ())
    }
    return _page(api, feed, answer, document, cut_short, _on(cursor, document))


def _archived(api: Api, feed: str, cursor: Cursor, since: datetime | None) -> Page:
    """List what is archived, which can't be asked for by time; a page without news is not kept."""
    answer, document = _list(api, feed, cursor, is_archived=True)
    began = since or datetime(1970, 1, 1, tzinfo=UTC)
    news = sum(datetime.fromisoformat(r.get("archivedAt") or r["updatedAt"]) >= began for r in document["results"])
    following = _on(cursor, document) or {"part": "changed", "from": int(began.timestamp() * 1000)}
    return Page(_page(api, feed, answer, document, {}, following).body if news else b"", news, following)


def _changed(api: Api, feed: str, cursor: Cursor, since: datetime | None) -> Page:
    """Search for what changed from a moment on, or at one moment from an id on."""
    what = _kind_of(api, feed)
    modified = _MODIFIED.get(what, "hs_lastmodifieddate")
    moment = str(cursor.get("at", cursor.get("from")))
    filters = [{"propertyName": modified, "operator": "GTE", "value": moment}]
    if "at" in cursor:
        filters += [
            {"propertyName": modified, "operator": "LTE", "value": moment},
            {"propertyName": "hs_object_id", "operator": "GT", "value": str(cursor["id"])},
        ]
    order = "hs_object_id" if "at" in cursor else modified
    asked = {"filterGroups": [{"filters": filters}], "sorts": [order], "properties": _asked(api, what)}
    body = {**asked, "limit": api.page_size, "after": "0"}
    response, document = api.ask(api.request("POST", _path(api, "objects", what, "search"), json=body))
    results = _checked(api, what, document)["results"]
    inputs = [{"id": record["id"]} for record in results]
    links = dict.fromkeys(_links(api) if feed == "orders" else (), inputs)
    is_last = _next(document) is None
    if not results and not is_last:
        raise WabenchError(f"source {api.name}: a search for {what} showed nothing and says there is more")
    return _page(api, feed, response.content, document, links, _after(api, cursor, results, modified, is_last))


def _after(api: Api, cursor: Cursor, results: list[Any], modified: str, is_last: bool) -> Cursor | None:
    """Tell where a search goes on; the records of the moment it ended at are read again, for there may be more.

    Where none of a page is settled yet, half of them are taken to be in their places.
    """
    if "at" in cursor:
        ids = [int(record["id"]) for record in results]
        _check_order(api, ids, "hs_object_id")
        return {"part": "changed", "from": int(cursor["at"]) + 1} if is_last else {**cursor, "id": ids[-1]}
    if is_last:
        return None
    began = int(cursor["from"])
    moments = [_milliseconds(record["properties"].get(modified) or record["updatedAt"]) for record in results]
    settled = [moment for moment in moments if moment <= api.clock().timestamp() * 1000 - UNSETTLED]
    _check_order(api, settled, modified)
    last = settled[-1] if settled else median_low(moments)
    return {"part": "changed", "from": last} if last > began else {"part": "changed", "at": began, "id": 0}


def _check_order(api: Api, values: list[int], by: str) -> None:
    """Stop where a search is not in the order asked for: to go on from its last record would leave some out."""
    if values != sorted(values):
        raise WabenchError(f"source {api.name}: the search is not sorted by {by}; nothing was taken from it")


STEPS = {"all": _all, "archived": _archived, "changed": _changed}


def _page(api: Api, feed: str, answer: bytes, document: Any, links: Links, following: Cursor | None) -> Page:
    """Put a page together: the records, and for orders what they are linked to and the line items themselves."""
    records = len(document["results"])
    if feed != "orders":
        return Page(combine(found=answer), records, following)
    asked = {link: _associations(api, link, list(links.get(link, ()))) for link in ("contacts", "line_items")}
    known = {"found": document, "line_items": [landing.read_json(a) for a in asked["line_items"]]}
    wanted = dict.fromkeys(item for items in linked(known, "line_items").values() for item in items)
    return Page(combine(found=answer, **asked, items=_items(api, wanted)), records, following)


def _links(api: Api) -> tuple[str, ...]:
    return ("contacts",) if api.options.get("lines", "yes") == "no" else ("contacts", "line_items")


def _associations(api: Api, link: str, inputs: list[dict[str, str]]) -> list[bytes]:
    """Ask what records are linked to, again for those that are linked to more than an answer holds."""
    answers: list[bytes] = []
    path = _path(api, "associations", order_object(api.options), link, "batch", "read")
    while inputs:
        response, document = api.ask(api.request("POST", path, json={"inputs": inputs}))
        answers.append(response.content)
        inputs = [
            {"id": result["from"]["id"], "after": after}
            for result in document.get("results", ())
            if (after := _next(result))
        ]
    return answers


def _items(api: Api, ids: Iterable[str]) -> list[bytes]:
    wanted, path = [{"id": item} for item in ids], _path(api, "objects", "line_items", "batch", "read")
    asked = {"properties": list(_PROPERTIES["line_items"]), "propertiesWithHistory": []}
    return [
        api.ask(api.request("POST", path, json={"inputs": wanted[at : at + _BATCH], **asked}))[0].content
        for at in range(0, len(wanted), _BATCH)
    ]


def _checked(api: Api, what: str, document: Any) -> Any:
    if not isinstance(document, dict) or not isinstance(document.get("results"), list):
        said = api.hide(msgspec.json.encode(document).decode())
        raise WabenchError(f"source {api.name}: {what} were answered without results, but: {said}")
    return document


def _on(cursor: Cursor, document: Any) -> Cursor | None:
    return {"part": cursor["part"], "after": after} if (after := _next(document)) else None


def _next(answer: Any) -> str | None:
    return ((answer.get("paging") or {}).get("next") or {}).get("after")


def _rest(record: Any, link: str) -> str | None:
    there = record.get("associations") or {}
    return _next(there.get(link) or there.get(link.replace("_", " ")) or {})


def _milliseconds(moment: str) -> int:
    """Read a moment as HubSpot counts: rounding a float of seconds would be a millisecond off now and then."""
    at = datetime.fromisoformat(moment)
    return int(at.replace(microsecond=0).timestamp()) * 1000 + at.microsecond // 1000
