"""The webhooks of Meta's stand-in: one body, a change for each happening."""

from collections.abc import Sequence
from typing import Any

from wabench.sandbox.base import Failure, Happening

NUMBER = "15550000000"
_FAILURES = {
    Failure.UNDELIVERABLE: (131026, "Message undeliverable"),
    Failure.MARKETING_LIMIT: (131049, "Healthy ecosystem engagement"),
    Failure.OPTED_OUT: (131050, "User stopped marketing messages"),
}


def webhook(channel_id: str, happenings: Sequence[Happening]) -> dict[str, Any]:
    """Wrap happenings into one webhook."""
    changes = [_change(happening, channel_id) for happening in happenings]
    return {"object": "whatsapp_business_account", "entry": [{"id": "sandbox", "changes": changes}]}


def _change(happening: Happening, channel_id: str) -> dict[str, Any]:
    metadata = {"display_phone_number": NUMBER, "phone_number_id": channel_id}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    match happening.value:
        case "opt_out":
            return {"field": "user_preferences", "value": value | {"user_preferences": [_preference(happening)]}}
        case "reply":
            return {"field": "messages", "value": value | {"messages": [_reply(happening)]}}
    return {"field": "messages", "value": value | {"statuses": [_status(happening)]}}


def _who(happening: Happening, phone: str, user_id: str) -> dict[str, str]:
    if happening.phone:
        return {phone: happening.phone.removeprefix("+")}
    return {user_id: happening.user_id or ""}


def _status(happening: Happening) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": happening.message_id,
        "status": happening.value,
        "timestamp": str(int(happening.at)),
        **_who(happening, "recipient_id", "recipient_user_id"),
    }
    if happening.taken.callback_data:
        given["biz_opaque_callback_data"] = happening.taken.callback_data
    if happening.value in ("sent", "delivered"):
        is_lite = happening.taken.given.get("is_marketing")
        category = "marketing_lite" if is_lite else happening.category
        given["pricing"] = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": category}
    if happening.failure:
        code, title = _FAILURES[happening.failure]
        details = {"details": "decided by the sandbox"}
        given["errors"] = [{"code": code, "title": title, "message": title, "error_data": details}]
    return given


def _reply(happening: Happening) -> dict[str, Any]:
    return {
        **_who(happening, "from", "from_user_id"),
        "id": happening.reply_id,
        "timestamp": str(int(happening.at)),
        "type": "text",
        "text": {"body": happening.text},
        "context": {"id": happening.message_id},
    }


def _preference(happening: Happening) -> dict[str, Any]:
    return {
        **_who(happening, "wa_id", "user_id"),
        "detail": "User requested to stop marketing messages",
        "category": "marketing_messages",
        "value": "stop",
        "timestamp": int(happening.at),
    }
