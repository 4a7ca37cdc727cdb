"""The lists of Bird's platform API v1: messages as they stand, templates, numbers."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from wabench.sandbox._bird_v1 import SEND, error_of, event_of, message_id, message_of, person_of
from wabench.sandbox._messagebird_checks import by_message, encoded, iso, pages
from wabench.sandbox.base import Answer, Call, Happening, Shop


def look_up(call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
    """Answer the lists of messages, templates and numbers."""
    if call.method != "GET" or call.path not in _LISTS:
        return None
    items, ids = _LISTS[call.path](call, shop, happened)
    page, cursor = pages(items, ids, call.query.get("starting_after", ""), call.query.get("limit", ""))
    body = {"data": page, "next_cursor": cursor, "prev_cursor": None, "refresh_cursor": None}
    return Answer(200, encoded(body), {"Content-Type": "application/json"})


_Items = tuple[list[dict[str, Any]], list[str]]


def _messages(call: Call, shop: Shop, happened: Sequence[Happening]) -> _Items:
    since = call.query.get("created_after", "")
    found = [item for told in by_message(happened).values() for item in _became(told, shop)]
    found = sorted((item for item in found if item["created_at"] > since), key=lambda item: str(item["created_at"]))
    return found[::-1], [item["id"] for item in reversed(found)]


def _became(told: Sequence[Happening], shop: Shop) -> list[dict[str, Any]]:
    first, found = told[0], message_of(told[0].taken, told[0].message_id, told[0].at)
    items = [found]
    for happening in told[1:]:
        if happening.value == "reply":
            items.append(_inbound(happening, shop))
        elif happening.value != "opt_out":
            found |= {f"{happening.value}_at": iso(happening.at)} if f"{happening.value}_at" in found else {}
            found |= {} if happening.value == "read" else {"status": happening.value}
            found |= {"last_error": error_of(happening)} if happening.failure else {}
            found["to"] = person_of(happening.phone, happening.user_id)
    if "template" in found:
        found["template"]["category"] = first.category
    return items


def _inbound(happening: Happening, shop: Shop) -> dict[str, Any]:
    data = event_of(happening, shop)[1]
    kept = {key: data[key] for key in ("direction", "from", "to", "text", "in_reply_to_message_id")}
    return {"id": happening.reply_id, **kept, "status": "received", "created_at": iso(happening.at)}


def _templates(call: Call, shop: Shop, happened: Sequence[Happening]) -> _Items:
    found = [
        {
            "id": known.ids.get("messagebird") or f"wat_{message_id(sha256(name.encode()).hexdigest()[:32])[4:]}",
            "slug": name,
            "category": known.category,
            "status": "active" if known.status == "approved" else "inactive",
            "languages": {known.language.replace("_", "-"): {"status": known.status}},
        }
        for name, known in shop.templates.items()
    ]
    return found, [str(item["id"]) for item in found]


def _numbers(call: Call, shop: Shop, happened: Sequence[Happening]) -> _Items:
    asked = call.query.get("phone_number", shop.channel_id)
    number = {"id": "wan_sandbox", "phone_number": shop.channel_id, "status": "connected"}
    found = [{**number, "quality_rating": "green", "messaging_limit": "TIER_UNLIMITED"}]
    return (found, ["wan_sandbox"]) if asked == shop.channel_id else ([], [])


_LISTS = {SEND: _messages, "/whatsapp/templates": _templates, "/whatsapp/numbers": _numbers}
