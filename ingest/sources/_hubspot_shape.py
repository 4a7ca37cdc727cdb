"""What HubSpot's answers say of orders, their lines and customers, laid out for the maps of `hubspot`."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from decimal import Decimal, InvalidOperation
from typing import Any

from ingest.records import Reading, to_status

_ANYWHERE = Reading(UTC, "", "")
_CANCELLED_STAGE = "3c85a297-e9ce-400b-b42e-9f16853d69d6"
_ORDER_STAGES = {
    "4b27b500-f031-4927-9811-68a0b525cbae": "pending",  # Open
    "937ea84d-0a4f-4dcf-9028-3f9c2aafbf03": "paid",  # Processed
    "aa99e8d0-c1d5-4071-b915-d240bbb1aed9": "paid",  # Shipped
    "3725360f-519b-4b18-a593-494d60a29c9f": "paid",  # Delivered
    _CANCELLED_STAGE: "cancelled",
}
"""The stages that every account's Order Pipeline begins with."""

_DEAL_STAGES = {"closedwon": "paid", "closedlost": "cancelled"}

Record = dict[str, Any]


def shape_orders(own: frozenset[str], document: Any) -> Any:
    """Lay out a page of orders; `own` are the stages and words that the shop translates itself."""
    orders = document["found"]["results"]
    contacts, items = (linked(document, name) for name in ("contacts", "line_items"))
    for order in orders:
        says = order["properties"]
        total = says.get("hs_total_price") or 0
        status = _with_refund(_order_status(says, own), total, says.get("hs_refund_amount"))
        order["our"] = {"contact": _first(contacts.get(order["id"])), "status": status, "total": total}
    return {"orders": _with_lines(orders, document, items), "merged": list(merged(orders))}


def shape_deals(own: frozenset[str], document: Any) -> Any:
    """Lay out a page of deals; a won one counts from when it was closed, any other from when it was made."""
    deals = document["found"]["results"]
    contacts, items = (linked(document, name) for name in ("contacts", "line_items"))
    for deal in deals:
        says = deal["properties"]
        status = _deal_status(says, own)
        closed = says.get("closedate") if status == "paid" else None
        deal["our"] = {
            "contact": _first(contacts.get(deal["id"])),
            "status": status,
            "total": says.get("amount") or 0,
            "ordered_at": closed or says.get("createdate") or deal["createdAt"],
        }
    return {"orders": _with_lines(deals, document, items), "merged": list(merged(deals))}


def shape_contacts(document: Any) -> Any:
    """Lay out a page of contacts and those that were merged into one of them."""
    found = document["found"]["results"]
    return {"contacts": found, "merged": list(merged(found))}


def merged(records: Iterable[Record]) -> Iterator[Record]:
    """Give a record for each id that another one swallowed, which HubSpot lists nowhere else.

    `hs_merged_object_ids` is `5;6`; a contact's `hs_calculated_merged_vids` is `5:1700…;6:1700…`, each with its time.
    """
    for record in records:
        says = record["properties"]
        text = f"{says.get('hs_merged_object_ids') or ''};{says.get('hs_calculated_merged_vids') or ''}"
        ids = dict.fromkeys(part.partition(":")[0].strip() for part in text.split(";"))
        for gone in ids:
            if gone and gone != record["id"]:
                yield {"id": gone, "into": record["id"], "updatedAt": record["updatedAt"]}


def linked(document: Any, name: str) -> dict[str, list[str]]:
    """Collect which records of the other kind each record is linked to: listed with it, or asked for in a batch."""
    found: dict[str, dict[str, None]] = {}
    for record in document["found"]["results"]:
        there = record.get("associations") or {}
        listed = there.get(name) or there.get(name.replace("_", " ")) or {}
        found[record["id"]] = dict.fromkeys(str(other["id"]) for other in listed.get("results", ()))
    for answer in document[name]:
        for result in answer.get("results", ()):
            others = found.setdefault(str(result["from"]["id"]), {})
            others.update(dict.fromkeys(str(other["toObjectId"]) for other in result.get("to", ())))
    return {record: list(others) for record, others in found.items()}


def _first(ids: list[str] | None) -> str | None:
    return ids[0] if ids else None


def _with_lines(orders: list[Record], document: Any, linked_items: Mapping[str, list[str]]) -> list[Record]:
    """Put each order's line items into it, so that a page that shows an order again replaces its lines."""
    items = {item["id"]: item for answer in document["items"] for item in answer.get("results", ())}
    for item in items.values():
        item["our"] = {"quantity": item["properties"].get("quantity") or 1}
    return [
        {**order, "lines": [items[item] for item in linked_items[order["id"]] if item in items]} for order in orders
    ]


def _order_status(says: Mapping[str, Any], own: frozenset[str]) -> str:
    """Read what was paid before where it stands: a pipeline of orders is about shipping."""
    stage, payment, outside = (
        str(says.get(name) or "") for name in ("hs_pipeline_stage", "hs_payment_status", "hs_external_order_status")
    )
    for word in (stage, payment, outside):
        if word and word.lower() in own:
            return word
    if stage == _CANCELLED_STAGE:
        return "cancelled"
    known = (to_status(payment, _ANYWHERE), _ORDER_STAGES.get(stage, "unknown"), to_status(outside, _ANYWHERE))
    return next((status for status in known if status != "unknown"), "unknown")


def _deal_status(says: Mapping[str, Any], own: frozenset[str]) -> str:
    stage = str(says.get("dealstage") or "")
    if stage.lower() in own:
        return stage
    if says.get("hs_is_closed_won") == "true":
        return "paid"
    if says.get("hs_is_closed") == "true":
        return _DEAL_STAGES.get(stage, "cancelled")
    return _DEAL_STAGES.get(stage, "pending")


def _with_refund(status: str, total: Any, refunded: Any) -> str:
    """Tell a paid order from one whose money went back, in part or whole."""
    try:
        back, whole = Decimal(str(refunded or 0)), Decimal(str(total))
    except InvalidOperation:
        return status
    if status != "paid" or not back:
        return status
    return "refunded" if abs(back) >= whole else "partially_refunded"
