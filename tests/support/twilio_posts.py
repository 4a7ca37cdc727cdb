"""Twilio's posts for tests, in the documented shape, with invented people; signed by a reading of their own."""

import base64
import hashlib
import hmac
from urllib.parse import urlencode

ACCOUNT = "AC" + "0a" * 16
SENDER = "+15550783881"
PERSON = "+5511987654321"
USER_ID = "BR.13491208655302741918"
URL = "https://hooks.shop.example/webhooks/twilio"
TOKEN = "test-auth-token"


def signature(url: str, fields: list[tuple[str, str]], token: str = TOKEN, algorithm: str = "sha1") -> str:
    """Sign as documented: the URL, then each parameter's name and value by name, equal pairs once."""
    text = url
    for name in sorted({name for name, _ in fields}):
        for value in sorted({value for other, value in fields if other == name}):
            text += name + value
    digest = hmac.new(token.encode(), text.encode(), getattr(hashlib, algorithm)).digest()
    return base64.b64encode(digest).decode()


def form(**fields: str) -> bytes:
    """Write a form."""
    return urlencode(fields).encode()


def status(state: str, sid: str = "SM" + "1" * 32, **more: str) -> bytes:
    """A status callback."""
    fields = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "ChannelInstallSid": "XE" + "2" * 32,
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": "+5511XXXXXXXX",
        "From": f"whatsapp:{SENDER}",
        "MessageSid": sid,
        "MessageStatus": state,
        "SmsSid": sid,
        "SmsStatus": state,
        "To": f"whatsapp:{PERSON}",
    }
    return form(**fields | more)


def inbound(sid: str = "SM" + "3" * 32, **more: str) -> bytes:
    """A customer's message."""
    fields = {
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "Body": "Olá",
        "From": f"whatsapp:{PERSON}",
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "ProfileName": "Ana",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": f"whatsapp:{SENDER}",
        "WaId": PERSON.removeprefix("+"),
    }
    return form(**fields | more)
