"""The forms Twilio posts: a status has no time in it, and an answer of the customer comes like any message."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import urlencode

from wabench.sandbox.base import Failure, Happening, Post, Shop

NUMBER = "+15550000000"
"""The sender that a Messaging Service picks here."""
FAILED: Mapping[Failure, tuple[str, str, str]] = {
    Failure.UNDELIVERABLE: ("undelivered", "63024", "Invalid message recipient"),
    Failure.MARKETING_LIMIT: ("undelivered", "63049", "Meta chose not to deliver this WhatsApp marketing message"),
    Failure.OPTED_OUT: ("failed", "21610", "Attempt to send to unsubscribed recipient"),
}
_EVENT = {"delivered": "DELIVERED", "read": "READ"}


def post(happening: Happening, shop: Shop) -> Post | None:
    """Write what tells a happening; None where no address was given for it."""
    is_inbound = happening.reply_id is not None
    url = shop.webhook_url if is_inbound else happening.taken.given["callback"] or shop.webhook_url
    if not url:
        return None
    fields = _inbound(happening, shop) if is_inbound else _status(happening, shop)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **_signed(url, fields, shop)}
    return Post(url, urlencode(fields).encode(), headers)


def sender(shop: Shop) -> str:
    """Give the number a message goes out from."""
    return NUMBER if shop.channel_id.startswith("MG") else shop.channel_id


def _signed(url: str, fields: Mapping[str, str], shop: Shop) -> dict[str, str]:
    """Sign the address and the fields by name: with the auth token, or the shared key where only that is set."""
    text = (url + "".join(key + fields[key] for key in sorted(fields))).encode()
    if token := shop.secrets.get("auth_token"):
        return {"X-Twilio-Signature": base64.b64encode(hmac.digest(token.encode(), text, "sha1")).decode()}
    digest = hmac.new(shop.secrets["signing_key"].encode(), text, hashlib.sha256).digest()
    settings = "key=webhooks_sharedkey_sandbox,algorithm=HMAC_SHA256"
    signature = base64.b64encode(digest).decode()
    return {"X-Twilio-Signature": signature, "X-Twilio-Webhooks-Signature-Settings": settings}


def _person(happening: Happening) -> str:
    return f"whatsapp:{happening.phone or happening.user_id}"


def _common(happening: Happening, shop: Shop) -> dict[str, str]:
    fields = {"AccountSid": shop.secrets["account_sid"], "ApiVersion": "2010-04-01"}
    if shop.channel_id.startswith("MG"):
        fields["MessagingServiceSid"] = shop.channel_id
    if happening.user_id:
        fields["ExternalUserId"] = f"whatsapp:{happening.user_id}"
    return fields


def _status(happening: Happening, shop: Shop) -> dict[str, str]:
    told, code, why = FAILED[happening.failure] if happening.failure else (happening.value, "", "")
    address = happening.phone or happening.user_id or ""
    fields = {
        **_common(happening, shop),
        "MessageSid": happening.message_id,
        "SmsSid": happening.message_id,
        "MessageStatus": told,
        "SmsStatus": told,
        "From": f"whatsapp:{sender(shop)}",
        "To": _person(happening),
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": f"{address[:-4]}XXXX",
        "ChannelInstallSid": f"XE{hashlib.sha256(shop.channel_id.encode()).hexdigest()[:32]}",
    }
    if event := _EVENT.get(told):
        fields["EventType"] = event
    return {**fields, "ErrorCode": code, "ErrorMessage": why, "ChannelStatusMessage": why} if code else fields


def _inbound(happening: Happening, shop: Shop) -> dict[str, str]:
    sid = happening.reply_id or ""
    profile = {"ProfileName": "A customer", **({"WaId": happening.phone.lstrip("+")} if happening.phone else {})}
    fields = {
        **_common(happening, shop),
        **profile,
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "SmsStatus": "received",
        "MessageType": "text",
        "From": _person(happening),
        "To": f"whatsapp:{sender(shop)}",
        "Body": happening.text or "",
        "NumMedia": "0",
        "NumSegments": "1",
        "ReferralNumMedia": "0",
        "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": profile}}),
    }
    if happening.value == "reply":
        fields["OriginalRepliedMessageSid"] = happening.message_id
        fields["OriginalRepliedMessageSender"] = f"whatsapp:{sender(shop)}"
    elif "MessagingServiceSid" in fields:  # only a service with Advanced Opt-Out says what a keyword means
        fields["OptOutType"] = "STOP"
    return fields
