"""The webhooks Zenvia posts: statuses and messages, one event a body."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from wabench.sandbox.base import Failure, Happening, Post, Shop

_STATUS = {
    "sent": ("SENT", "The message has been forwarded to the provider"),
    "delivered": ("DELIVERED", "The message has been delivered by the provider"),
    "read": ("READ", "The message has been read by the recipient"),
    "failed": ("NOT_DELIVERED", "The provider was unable to deliver the message"),
}
_CAUSES = {
    Failure.UNDELIVERABLE: ("131026", "Message undeliverable"),
    Failure.MARKETING_LIMIT: ("131049", "Healthy ecosystem engagement"),
    Failure.OPTED_OUT: ("131050", "User stopped marketing messages"),
}


def posts(happenings: Sequence[Happening], shop: Shop, now: float) -> Sequence[Post]:
    """Write the webhooks that tell these happenings, one event each, with the header of the shop's own."""
    headers = {"Content-Type": "application/json", "X-Wabench-Secret": shop.secrets.get("webhook_secret", "")}
    events = [event for happening in happenings if (event := _event(happening, shop, now))]
    return [Post(shop.webhook_url, json.dumps(event).encode(), headers) for event in events]


def _event(happening: Happening, shop: Shop, now: float) -> dict[str, Any] | None:
    """Compose a webhook's body; None for what Zenvia tells nobody."""
    frame = {
        "id": f"{happening.message_id}-{happening.value}",
        "timestamp": iso(now),
        "subscriptionId": "sandbox",
        "channel": "whatsapp",
    }
    if happening.value in _STATUS:
        return {**frame, "type": "MESSAGE_STATUS", **_status(happening, shop)}
    if happening.value in ("reply", "opt_out"):
        return {**frame, "type": "MESSAGE", "direction": "IN", "message": _reply(happening, shop)}
    return None


def _status(happening: Happening, shop: Shop) -> dict[str, Any]:
    code, description = _STATUS[happening.value]
    message = {
        "id": happening.message_id,
        "contentIndex": 0,
        "direction": "OUT",
        "from": shop.channel_id,
        "to": _digits(happening),
    }
    if happening.taken.callback_data is not None:
        message["externalId"] = happening.taken.callback_data
    status: dict[str, Any] = {"timestamp": iso(happening.at), "code": code, "description": description}
    if happening.failure:
        error, reason = _CAUSES[happening.failure]
        status["causes"] = [{"channelErrorCode": error, "reason": reason, "details": "decided by the sandbox"}]
    return {"messageId": happening.message_id, "contentIndex": 0, "message": message, "messageStatus": status}


def _reply(happening: Happening, shop: Shop) -> dict[str, Any]:
    """Compose a customer's message; who wants no promotions can say so to Zenvia in words alone."""
    return {
        "id": happening.reply_id or f"{happening.message_id}-{happening.value}",
        "from": _digits(happening),
        "to": shop.channel_id,
        "direction": "IN",
        "channel": "whatsapp",
        "contents": [{"type": "text", "text": happening.text or "STOP"}],
        "timestamp": iso(happening.at),
        "visitor": {"name": "Sandbox"},
        "idRef": happening.message_id,
    }


def _digits(happening: Happening) -> str:
    """Give the customer's phone: Zenvia knows no other identity."""
    return (happening.phone or happening.taken.phone or "").removeprefix("+")


def iso(at: float) -> str:
    """Write a time as Zenvia does."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
