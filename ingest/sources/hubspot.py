"""HubSpot: orders (or deals) with their line items, contacts as customers.

A whole pull lists by HubSpot's own cursor. What changed is searched for from the moment the last page ended, never by
page number: a search gives 10,000 results at most, and a list by modification changes under whoever pages through it.
A moment with more records than a page is read by id.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

import httpx
import msgspec

from ingest.sources import base
from ingest.sources._hubspot_pages import STEPS, order_object
from ingest.sources._hubspot_shape import shape_contacts, shape_deals, shape_orders
from ingest.sources.base import AccessRefused, Api, Cursor, Feeds, Page, PageRefused, Table
from wabench.settings import SourceSettings

kind = "hubspot"
base_url = "https://api.hubapi.com"
secrets = ("token", "client_id", "client_secret", "refresh_token")
OPTIONS = {
    "object": "what an order is: orders (the default) or deals",
    "lines": "no: orders without their line items, in half as many requests",
    "properties": "further properties to ask for, with commas between, for the shop's own map",
    "api_version": "the date in the API's paths, 2026-09",
}
IDENTITY: tuple[str, ...] = ("object",)
page_size = 100
per_second = 4.0
tells_deletions = True

_OAUTH = ("client_id", "client_secret", "refresh_token")
_WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "TEN_SECONDLY": 10.0}
_COMMON = {
    "order_id": "id",
    "customer_ref": "our.contact",
    "updated_at": "updatedAt",
    "status": "our.status",
    "total": "our.total",
    "is_deleted": "archived",
}
_ORDERS = {
    "orders": {
        **_COMMON,
        "ordered_at": "properties.hs_external_created_date | properties.hs_createdate | createdAt",
        "refunded": "properties.hs_refund_amount",
        "currency": "properties.hs_currency_code",
        "phone": "properties.hs_billing_address_phone",
        "email": "properties.hs_billing_address_email",
        "name": "properties.hs_billing_address_name",
    },
    "deals": {**_COMMON, "ordered_at": "our.ordered_at", "currency": "properties.deal_currency_code"},
}
_LINES = {
    "order_id": "^.id",
    "sku": "properties.hs_sku | properties.hs_product_id",
    "title": "properties.name",
    "quantity": "our.quantity",
    "unit_price": "properties.price | properties.amount",
}
_GONE = {
    "order_id": "id", "ordered_at": "updatedAt", "updated_at": "updatedAt",
    "total": "=0", "status": "=cancelled", "is_deleted": "=true",
}  # fmt: skip
_CUSTOMERS = {
    "customer_ref": "id",
    "phone": "properties.hs_whatsapp_phone_number | properties.mobilephone | properties.phone"
    " | properties.hs_calculated_phone_number",
    "email": "properties.email",
    "name": "properties.firstname & properties.lastname",
    "locale": "properties.hs_language",
    "country": "properties.hs_country_region_code | properties.country",
    "updated_at": "updatedAt",
    "is_deleted": "archived",
}
_MERGED_CUSTOMERS = {"customer_ref": "id", "merged_into": "into", "updated_at": "updatedAt"}


class _Stopped(AccessRefused):
    """HubSpot will not go on today, or not with what the token may do; its own words say why."""


def feeds(settings: SourceSettings) -> Feeds:
    """Give orders with their lines, and customers; of both also those that were merged into another."""
    own, what = frozenset(word.lower() for word in settings.statuses), order_object(settings.options)
    shape = partial(shape_deals if what == "deals" else shape_orders, own)
    orders = (
        Table("orders", "orders", _ORDERS[what], shape=shape),
        Table("orders", "merged", _GONE, shape=shape, is_note=True),
        Table("order_lines", "orders[].lines[]", _LINES, shape=shape),
    )
    customers = (
        Table("customers", "contacts", _CUSTOMERS, shape=shape_contacts),
        Table("customers", "merged", _MERGED_CUSTOMERS, shape=shape_contacts, is_note=True),
    )
    return {"orders": orders, "customers": customers}


def is_whole(settings: SourceSettings, feed: str) -> bool:
    """Every record that is not archived is listed."""
    return True


def pages(api: Api, feed: str, since: datetime | None, start: Cursor | None) -> Iterator[Page]:
    """List everything; or what was archived since, then what changed. Moments of a cursor are milliseconds."""
    if not api.secrets.get("token") and not all(api.secrets.get(name) for name in _OAUTH):
        raise AccessRefused(
            f"source {api.name} needs {api.variables(('token',))} (of a private app), or {api.variables(_OAUTH)}"
        )
    cursor: Cursor | None = start or {"part": "archived" if since else "all"}
    try:
        while cursor is not None:
            page = STEPS[str(cursor["part"])](api, feed, cursor, since)
            if page.records or page.next is None:
                yield page
            cursor = page.next
    except _Stopped as stopped:
        raise AccessRefused(f"source {api.name}: {api.hide(str(stopped))}; it goes on where it stopped") from None


def authorise(request: httpx.Request, secrets: Mapping[str, str], token: str | None) -> None:
    """Send the renewed token, or a private app's."""
    if said := token or secrets.get("token"):
        request.headers["Authorization"] = f"Bearer {said}"


def throttled(response: httpx.Response) -> float | None:
    """Wait as long as the policy that was hit lasts; stop where it is the day's, and where a scope is missing."""
    if response.status_code not in (403, 429):
        return None
    policy, said = _reason(response)
    if response.status_code == 403 or policy == "DAILY":
        raise _Stopped(f"HTTP {response.status_code}: {said}")
    return base.throttled(response) or _WAITS.get(policy, 0.0)


def renew(api: Api) -> str | None:
    """Fetch an access token by the refresh token, which stays the same."""
    if not all(api.secrets.get(name) for name in _OAUTH):
        return None
    form = {"grant_type": "refresh_token", **{name: api.secrets[name] for name in _OAUTH}}
    try:
        response = api.send(api.request("POST", "oauth/v1/token", data=form), is_authorised=False)
        return str(msgspec.json.decode(response.content)["access_token"])
    except (PageRefused, msgspec.DecodeError, KeyError, TypeError):
        raise AccessRefused(f"source {api.name} does not renew its token; set {api.variables(_OAUTH)}") from None


def _reason(response: httpx.Response) -> tuple[str, str]:
    try:
        said = msgspec.json.decode(response.content)
        return str(said.get("policyName") or ""), str(said.get("message") or response.text)
    except (msgspec.DecodeError, AttributeError):
        return "", response.text
