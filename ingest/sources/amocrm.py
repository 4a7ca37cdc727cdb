"""amoCRM and Kommo: leads as orders, contacts as customers, by a long-lived token.

Lists know pages by number alone, and a list by updated_at changes under whoever reads it. So each request asks for the
first page from the second where the last one ended, and a second with more records than a page is read on its own by
id, every page together with the one before it: what left the list in between has only moved into that one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import msgspec

from ingest import landing
from ingest.sources import base
from ingest.sources.base import AccessRefused, Api, Cursor, Feeds, Page, Table, combine
from wabench.errors import WabenchError
from wabench.settings import SourceSettings

kind = "amocrm"
base_url = ""
secrets = ("token",)
OPTIONS: Mapping[str, str] = {}
IDENTITY: tuple[str, ...] = ()
page_size = 250
per_second = 6.0
tells_deletions = False

EVENTS_PAGE = 100
"""Events a page: the most there is."""

_LISTS = {"orders": "leads", "customers": "contacts"}
_WON, _LOST = "142", "143"
_STAGES = {_WON: "paid", _LOST: "cancelled", "*": "pending"}
"""Won and lost have these ids in every pipeline of every account; any other stage is on its way."""

_ORDERS = {
    "order_id": "id",
    "customer_ref": "_embedded.contacts[is_main=True].id | _embedded.contacts[0].id",
    "ordered_at": "our.ordered_at",
    "updated_at": "updated_at",
    "status": "our.status",
    "total": "our.total",
    "currency": "our.currency",
    "is_deleted": "is_deleted",
}
_PHONES = "custom_fields_values[field_code=PHONE].values"
_CUSTOMERS = {
    "customer_ref": "id",
    "phone": f"{_PHONES}[enum_code=MOB].value | {_PHONES}[0].value",
    "email": "custom_fields_values[field_code=EMAIL].values[0].value",
    "name": "name | first_name & last_name",
    "updated_at": "updated_at",
    "is_deleted": "is_deleted",
}
_DELETED = {"customer_ref": "entity_id", "updated_at": "created_at", "is_deleted": "=true"}


class _ShutOut(AccessRefused):
    """amoCRM answers 403, whatever is asked."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What one step read, and where its part of the pull goes on."""

    answers: list[bytes]
    records: int
    next: Cursor | None


def feeds(settings: SourceSettings) -> Feeds:
    """Give orders and customers, and of both also what is only known as deleted."""
    orders = Table("orders", "leads", _ORDERS, {"status": _STAGES}, shape_leads)
    binned = Table("orders", "binned", _ORDERS, {"status": _STAGES}, shape_leads, is_note=True)
    customers = Table("customers", "answers[]._embedded.contacts", _CUSTOMERS)
    deleted = Table("customers", "answers[]._embedded.events", _DELETED, is_note=True)
    return {"orders": (orders, binned), "customers": (customers, deleted)}


def is_whole(settings: SourceSettings, feed: str) -> bool:
    """Every record that the token's user may see is listed."""
    return True


def pages(api: Api, feed: str, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
    """List what was deleted since (leads in the bin, events of contacts), then what changed.

    A cursor's `from` and `at` are seconds since 1970.
    """
    if not api.secrets.get("token"):
        raise AccessRefused(f"source {api.name} needs a long-lived token in {api.variables()}")
    try:
        yield from _pages(api, feed, int(since.timestamp()) if since else 0, start)
    except _ShutOut:
        raise AccessRefused(
            f"source {api.name}: HTTP 403, it has shut out this address or the token's user: look into the account, "
            "lower options requests_per_second; the next pull goes on where this one stopped"
        ) from None


def authorise(request: httpx.Request, secrets: Mapping[str, str], token: str | None) -> None:
    """Send the long-lived token."""
    request.headers["Authorization"] = f"Bearer {secrets.get('token', '')}"


def throttled(response: httpx.Response) -> float | None:
    """Wait out 429; stop at 403, for to ask on while shut out makes it longer."""
    if response.status_code == 403:
        raise _ShutOut
    return base.throttled(response)


def renew(api: Api) -> str | None:
    """A refresh token changes with each use and could not be kept; a long-lived one is made anew by hand."""
    return None


def shape_leads(document: Any) -> Any:
    """Give a page's leads; `our` is what has to be worked out of several fields.

    A won lead counts from when it was closed, for that is when it was paid; any other from when it was made. One in
    the bin has its id and time alone.
    """
    leads = [lead for answer in document["answers"] for lead in answer["_embedded"]["leads"]]
    for lead in leads:
        status = _LOST if lead.get("is_deleted") else str(lead.get("status_id"))
        ordered_at = (lead.get("closed_at") if status == _WON else None) or lead.get("created_at")
        lead["our"] = {
            "status": status,
            "ordered_at": ordered_at or lead["updated_at"],
            "total": lead.get("price_with_minor_units") or lead.get("price") or 0,
            "currency": document["account"].get("currency"),
        }
    parts: dict[str, list[Any]] = {"leads": [], "binned": []}
    for lead in leads:
        parts["binned" if lead.get("is_deleted") else "leads"].append(lead)
    return parts


def _pages(api: Api, feed: str, since: int, start: Cursor | None) -> Iterator[Page]:
    account = api.ask(api.request("GET", "api/v4/account"))[0].content
    deleted: Cursor = {"part": "events", "page": 1} if feed == "customers" else {"part": "bin"}
    cursor: Cursor | None = start or ({**deleted, "from": since} if since else {"part": "live", "from": 0})
    while cursor is not None:
        is_live = cursor["part"] == "live"
        step = _events(api, cursor) if cursor["part"] == "events" else _list(api, _LISTS[feed], cursor)
        following = step.next or (None if is_live else {"part": "live", "from": since})
        if step.records or following is None:
            yield Page(combine(account=account, answers=step.answers), step.records, following)
        cursor = following


def _list(api: Api, name: str, cursor: Cursor) -> _Step:
    """Read the first page from a second on; where all of it is that second, read the second by itself."""
    if "at" in cursor:
        return _second(api, name, cursor)
    began = int(cursor["from"])
    asked = {"order[updated_at]": "asc", **({"filter[updated_at][from]": began} if began else {})}
    answer, records, has_more = _ask(api, name, _with(name, cursor, asked), 1)
    if records and int(records[0]["updated_at"]) < began:
        raise WabenchError(
            f"source {api.name}: its API does not filter {name} by updated_at; ask their support to turn filters on"
        )
    last = int(records[-1]["updated_at"]) if records else began
    following: Cursor | None = {"part": cursor["part"], "from": last}
    if last == began:
        following = {"part": cursor["part"], "at": began, "page": 1}
    return _Step([answer] if records else [], len(records), following if has_more else None)


def _second(api: Api, name: str, cursor: Cursor) -> _Step:
    at, page = int(cursor["at"]), int(cursor["page"])
    window = {"order[id]": "asc", "filter[updated_at][from]": at, "filter[updated_at][to]": at + 1}
    asked = _with(name, cursor, window)
    read = [_ask(api, name, asked, number) for number in (page, page - 1) if number]
    following: Cursor = {"part": cursor["part"], "from": at + 1}
    if read[0][2]:
        following = {**cursor, "page": page + 1}
    return _Step([a for a, records, _ in read if records], sum(len(records) for _, records, _ in read), following)


def _with(name: str, cursor: Cursor, asked: dict[str, Any]) -> dict[str, Any]:
    wanted = {"bin": "only_deleted", "live": "contacts"}[str(cursor["part"])]
    return {**asked, "with": wanted} if name == "leads" else asked


def _events(api: Api, cursor: Cursor) -> _Step:
    """Read a page of deletions; new events come on top, so a list that grows shows some twice and loses none."""
    asked = {"filter[type]": "contact_deleted", "filter[created_at][from]": cursor["from"]}
    answer, records, has_more = _ask(api, "events", asked, int(cursor["page"]))
    following: Cursor | None = {**cursor, "page": int(cursor["page"]) + 1} if has_more else None
    return _Step([answer] if records else [], len(records), following)


def _ask(api: Api, name: str, asked: dict[str, Any], page: int) -> tuple[bytes, list[dict[str, Any]], bool]:
    """Ask for one page: the answer, its records, and whether there is another; none is 204, and that alone."""
    limit = EVENTS_PAGE if name == "events" else api.page_size
    request = api.request("GET", f"api/v4/{name}", params={**asked, "limit": limit, "page": page})
    response = api.send(request)
    if response.status_code == 204:
        return b"", [], False
    try:
        document = landing.read_json(response.content)
        records, links = document["_embedded"][name], document.get("_links", {})
    except (msgspec.DecodeError, KeyError, TypeError):
        said = api.hide(response.text)
        raise WabenchError(f"source {api.name}: api/v4/{name} answered without its {name}, but: {said}") from None
    return response.content, records, bool(records) and "next" in links
