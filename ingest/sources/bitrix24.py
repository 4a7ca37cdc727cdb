"""Bitrix24: deals, smart invoices or a smart process as orders, contacts as customers, through an inbound webhook.

Both lists are asked for by `crm.item.list` without a count (`start` -1), each page from where the last one ended: the
whole list by id, what changed by (updatedTime, id). So a record that changes between two pages only moves ahead of us.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from ingest.sources.base import AccessRefused, Api, Cursor, Feeds, Page, Table, combine
from wabench.errors import UsageError, WabenchError
from wabench.settings import SourceSettings

kind = "bitrix24"
base_url = ""
secrets = ("webhook",)
OPTIONS = {
    "entity_type_id": "what an order is: 2 deals (the default), 31 smart invoices, from 128 a smart process",
    "lines": "no: orders without their product rows, in half as many requests",
}
IDENTITY: tuple[str, ...] = ("entity_type_id",)
page_size = 50
per_second = 2.0
tells_deletions = False

PAGE = 50
"""Records a page, and calls a batch: Bitrix24 has no other."""

BLOCKED_FOR = 90.0
"""Seconds to wait where a method has used up its time: it is counted over ten minutes and let go minute by minute."""

CONTACT = 3
_OWNERS = {1: "L", 2: "D", 7: "Q", 31: "SI"}
_SEMANTICS = {"S": "won", "P": "open", "F": "lost"}
_STAGES = {
    "WON": "won", "SUCCESS": "won", "P": "won",
    "LOSE": "lost", "APOLOGY": "lost", "FAIL": "lost", "D": "lost",
    "NEW": "open", "N": "open", "S": "open",
}  # fmt: skip
"""How a stage's id ends where its semantics are not told (invoices and smart processes): DT31_2:P is a paid invoice."""

_ORDERS = {
    "order_id": "id",
    "customer_ref": "contactId | contactIds[0]",
    "ordered_at": "our.ordered_at",
    "updated_at": "updatedTime",
    "status": "our.status",
    "total": "our.total",
    "currency": "currencyId",
}
_LINES = {
    "order_id": "ownerId",
    "sku": "productId",
    "title": "productName",
    "quantity": "quantity",
    "unit_price": "price",
}
_CUSTOMERS = {
    "customer_ref": "id",
    "phone": "phoneMobile | fm[typeId=PHONE].value | phone",
    "email": "fm[typeId=EMAIL].value | email",
    "name": "name & secondName & lastName",
    "updated_at": "updatedTime",
}


def feeds(settings: SourceSettings) -> Feeds:
    """Give orders with their lines, and customers."""
    shape = partial(shape_orders, frozenset(stage.lower() for stage in settings.statuses))
    orders = (
        Table("orders", "orders", _ORDERS, shape=shape),
        Table("order_lines", "orders[].lines[]", _LINES, shape=shape),
    )
    return {"orders": orders, "customers": (Table("customers", "result.items", _CUSTOMERS),)}


def is_whole(settings: SourceSettings, feed: str) -> bool:
    """Every record that the webhook's user may read is listed."""
    return True


def pages(api: Api, feed: str, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
    """List records from where `start` says, with the product rows of each page's orders beside them."""
    _check(api)
    entity = _entity(api) if feed == "orders" else CONTACT
    cursor: Cursor | None = start or ({"at": since.isoformat(timespec="seconds"), "id": 0} if since else {"id": 0})
    while cursor is not None:
        response, document = api.ask(_list(api, entity, cursor))
        items = _items(api, document)
        following = _after(api, cursor, items)
        has_lines = feed == "orders" and api.options.get("lines", "yes") != "no"
        rows = _rows(api, _OWNERS.get(entity, f"T{entity:x}"), items) if has_lines else []
        body = combine(list=response.content, rows=rows) if feed == "orders" else response.content
        yield Page(body, len(items), following)
        cursor = following


def authorise(request: httpx.Request, secrets: Mapping[str, str], token: str | None) -> None:
    """Put the webhook into the address of what is sent; the request we speak of in errors never has it."""
    request.url = request.url.copy_with(path=f"/rest/{secrets['webhook']}{request.url.path}")


def throttled(response: httpx.Response) -> float | None:
    """Tell too many requests from a method that used up its time; either may also stand within a batch's answer."""
    if b"_LIMIT" not in response.content:
        return None
    codes = _codes(response)
    if "OPERATION_TIME_LIMIT" in codes:
        return BLOCKED_FOR
    return 0.0 if "QUERY_LIMIT_EXCEEDED" in codes else None


def renew(api: Api) -> str | None:
    """An inbound webhook is good until it is revoked; there is nothing to renew it by."""
    return None


def shape_orders(own_stages: frozenset[str], document: Any) -> Any:
    """Lay out a page's records and their product rows; `our` is what has to be worked out of several fields."""
    items = document["list"]["result"]["items"]
    for item in items:
        status = _status(item, own_stages)
        total = item.get("opportunity") or 0  # a smart process may go without an amount
        item["our"] = {"status": status, "ordered_at": _ordered_at(item, status), "total": total}
    answers = [answer["result"]["result"] for answer in document["rows"]]
    found = [call for answer in answers if isinstance(answer, dict) for call in answer.values()]
    lines: dict[int, list[Any]] = {item["id"]: [] for item in items}
    for row in (row for call in found for row in call["productRows"]):
        lines[int(row["ownerId"])].append(row)
    return {"orders": [{**item, "lines": lines[item["id"]]} for item in items]}


def _status(item: Mapping[str, Any], own_stages: frozenset[str]) -> str | None:
    stage = str(item.get("stageId") or "")
    if stage.lower() in own_stages:
        return stage
    semantics = _SEMANTICS.get(str(item.get("stageSemanticId") or ""))
    return semantics or _STAGES.get(stage.rpartition(":")[2], stage) or "unknown"


def _ordered_at(item: Mapping[str, Any], status: str | None) -> Any:
    """Date a won deal to when it was won, any other to when it was made.

    A deal's closedate is a day and can be set by hand (imported history); movedTime is the moment of its last stage.
    An invoice's closedate is the day it has to be paid by, so there movedTime alone counts.
    """
    created, moved = item.get("createdTime"), item.get("movedTime")
    if status != "won":
        return created
    closed = item.get("closedate") if not str(item.get("stageId")).startswith("DT31_") else None
    if closed and str(moved)[:10] != str(closed)[:10]:
        return closed
    return moved or closed or created


def _check(api: Api) -> None:
    if "/rest" in api.base_url:
        raise UsageError(
            f"[sources.{api.name}] base_url holds the webhook, which is a secret: "
            f"leave only https://PORTAL there and set {api.variables()}"
        )
    if not re.fullmatch(r"\d+/\w+", api.secrets.get("webhook", "")):
        raise AccessRefused(
            f"source {api.name} needs {api.variables()} as USER/CODE, the two last parts of the webhook's address"
        )


def _entity(api: Api) -> int:
    said = api.options.get("entity_type_id", "2")
    if not said.isdigit():
        raise UsageError(f"[sources.{api.name}] options: entity_type_id is a number, not {said!r}")
    return int(said)


def _list(api: Api, entity: int, cursor: Cursor) -> httpx.Request:
    """Ask for the page after `cursor`; only `*` brings the phones and addresses along."""
    if "at" in cursor:
        later, same = {">updatedTime": cursor["at"]}, {"=updatedTime": cursor["at"], ">id": cursor["id"]}
        wanted: dict[str, Any] = {"0": {"logic": "OR", "0": later, "1": same}}
        order = {"updatedTime": "ASC", "id": "ASC"}
    else:
        wanted, order = {">id": cursor["id"]}, {"id": "ASC"}
    asked = {"entityTypeId": entity, "select": ["*"], "filter": wanted, "order": order, "start": -1}
    return api.request("POST", "crm.item.list", json=asked)


def _items(api: Api, document: Any) -> list[dict[str, Any]]:
    result = document.get("result") if isinstance(document, dict) else None
    items = result.get("items") if isinstance(result, dict) else None
    if not isinstance(items, list):
        said = api.hide(msgspec.json.encode(document).decode())
        raise WabenchError(f"source {api.name}: crm.item.list answered without result.items, but: {said}")
    return items


def _after(api: Api, cursor: Cursor, items: list[dict[str, Any]]) -> Cursor | None:
    if len(items) < PAGE:
        return None
    last = items[-1]
    following: Cursor = {"id": int(last["id"])}
    if "at" in cursor:
        following = {"at": str(last["updatedTime"]), **following}
    elif int(last["id"]) <= int(cursor["id"]):
        raise WabenchError(f"source {api.name}: crm.item.list does not go on after id {cursor['id']}")
    if following == cursor:
        raise WabenchError(f"source {api.name}: crm.item.list names its last page as its next")
    return following


def _rows(api: Api, owner: str, items: list[dict[str, Any]]) -> list[bytes]:
    """Ask for the product rows of a page's records in one batch, and once more for those with more than a page."""
    answers: list[bytes] = []
    wanted = {f"of{item['id']}": 0 for item in items}
    while wanted:
        calls = {call: _rows_call(owner, call.removeprefix("of"), start) for call, start in wanted.items()}
        response, document = api.ask(api.request("POST", "batch", json={"halt": 0, "cmd": calls}))
        result = document.get("result", {})
        if refused := _mapping(result.get("result_error")):
            said = api.hide(str(next(iter(refused.values()))))
            raise WabenchError(
                f'source {api.name}: crm.item.productrow.list says {said}; options lines = "no" does without'
            )
        answers.append(response.content)
        wanted = {call: int(start) for call, start in _mapping(result.get("result_next")).items()}
    return answers


def _rows_call(owner: str, owner_id: str, start: int) -> str:
    asked = {"filter[=ownerType]": owner, "filter[=ownerId]": owner_id, "order[id]": "asc", "start": start}
    return f"crm.item.productrow.list?{urlencode(asked)}"


def _codes(response: httpx.Response) -> set[str]:
    """Collect the error codes of an answer and, of a batch, of each call in it."""
    try:
        document = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return set()
    result = _mapping(_mapping(document).get("result"))
    errors = [_mapping(document), *map(_mapping, _mapping(result.get("result_error")).values())]
    return {str(error["error"]) for error in errors if "error" in error}


def _mapping(value: Any) -> dict[str, Any]:
    """Read what PHP writes as [] when it is empty."""
    return value if isinstance(value, dict) else {}
