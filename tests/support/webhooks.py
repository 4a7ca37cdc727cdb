"""Meta webhook bodies for tests, in the documented shape, with invented people."""

import hashlib
import hmac
import json
from typing import Any

SECRET = "test-app-secret"
CHANNEL = "106540352242922"


def sign(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Give the headers Meta would send with the body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}


def body(value: dict[str, Any], field: str = "messages") -> bytes:
    """Wrap one change's value."""
    change = {"field": field, "value": value}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


def messages(*items: dict[str, Any], name: str = "Ana", **contact: str) -> bytes:
    """A body of inbound messages from one person."""
    who = {"wa_id": "5511987654321"} | contact
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": CHANNEL},
        "contacts": [{"profile": {"name": name}, **who}],
        "messages": list(items),
    }
    return body(value)


def text(message_id: str, said: str, at: int = 1_780_000_000, **more: Any) -> dict[str, Any]:
    """One inbound text."""
    wrote = {"from": "5511987654321", "id": message_id, "timestamp": str(at), "type": "text", "text": {"body": said}}
    return wrote | more


def statuses(*items: dict[str, Any]) -> bytes:
    """A body of statuses."""
    metadata = {"display_phone_number": "15550783881", "phone_number_id": CHANNEL}
    return body({"messaging_product": "whatsapp", "metadata": metadata, "statuses": list(items)})


def status(message_id: str, state: str, at: int = 1_780_000_000, **more: Any) -> dict[str, Any]:
    """One status of an outbound message."""
    return {"id": message_id, "status": state, "timestamp": str(at), "recipient_id": "5511987654321"} | more
