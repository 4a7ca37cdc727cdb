"""Zenvia's API v2 for WhatsApp: one content a message out, webhooks with a header of the shop's own in."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import httpx

from wabench.events import MessageEvent
from wabench.providers import _zenvia_errors, _zenvia_events, _zenvia_templates
from wabench.providers._options import pace
from wabench.providers.base import (
    Accepted,
    Capabilities,
    Channel,
    Content,
    Failed,
    History,
    Media,
    Message,
    Options,
    Secrets,
    Template,
    Text,
)

name = "zenvia"
secrets = ("token", "webhook_secret")
webhook_secrets = (("webhook_secret",),)
OPTIONS = {
    "messages_per_second": "the most a second, where Zenvia agreed on other than the 80 that Meta gives a number",
    "sender_id": "the sender's id in the list of templates, where it is not `channel_id`",
}
sends_json = True
acknowledgement = ("text/plain", b"")
history: History | None = None
templates = _zenvia_templates.TEMPLATES
checks = _zenvia_templates.CHECKS

ERRORS = _zenvia_errors.ERRORS
SECRET_HEADER = "x-wabench-secret"  # noqa: S105 - the header's name
"""Set in the subscription's webhook headers, with `webhook_secret` as its value: Zenvia signs nothing."""

# Where a name says nothing, Zenvia takes the type from the file's server.
_MIME = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def challenge(query: Mapping[str, str], secrets: Secrets) -> str | None:
    """Answer no handshake: Zenvia has none."""
    return None


def verify(body: bytes, headers: Mapping[str, str], url: str, secrets: Secrets, now: datetime) -> bool:
    """Tell in constant time whether the post carries the shop's own secret; header names are lower case."""
    ours, given = secrets.get("webhook_secret", ""), headers.get(SECRET_HEADER, "")
    return hmac.compare_digest(ours.encode(errors="replace"), given.encode(errors="replace")) and bool(ours)


def parse(body: bytes, query: str = "") -> list[MessageEvent]:
    """Normalise one webhook body; raises Unparsable where it is no JSON, and nothing else."""
    return _zenvia_events.parse(body)


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message; `externalId` comes back in every status.

    Raises ValueError for a person without a phone and a template without Zenvia's id.
    """
    if not message.phone:
        raise ValueError("Zenvia reaches people by phone alone")
    body = {
        "from": channel.channel_id,
        "to": message.phone.removeprefix("+"),
        "contents": [_content(message.content)],
        "externalId": message.callback_data,
    }
    url = f"{channel.base_url.rstrip('/')}/channels/whatsapp/messages"
    return httpx.Request("POST", url, json=body, headers={"X-API-TOKEN": channel.secrets["token"]})


def _content(content: Content) -> dict[str, Any]:
    match content:
        case Text():  # a link gets its picture without being asked
            return {"type": "text", "text": content.body}
        case Media():
            return _file(content)
        case Template():
            return _template(content)


def _file(file: Media) -> dict[str, Any]:
    if file.kind == "document" and file.caption:
        raise ValueError("Zenvia shows a caption under an image only; send a document's as a text of its own")
    mime = _MIME.get(PurePosixPath(httpx.URL(file.url).path).suffix.lower(), "")
    given = {"fileUrl": file.url, "fileMimeType": mime, "fileCaption": file.caption, "fileName": file.filename}
    return {"type": "file", **{key: value for key, value in given.items() if value}}


def _template(template: Template) -> dict[str, Any]:
    if not template.provider_id:
        raise ValueError(
            f"template {template.name!r} needs Zenvia's own id: `wabench template sync`, or ids = {{ zenvia = … }}"
        )
    fields = {"fields": dict(template.parameters)} if template.parameters else {}
    return {"type": "template", "templateId": template.provider_id, **fields}


def outcome(response: httpx.Response) -> Accepted | Failed:
    """Read the answer to `request`: a message id, or an error's code and family."""
    try:
        message_id = response.json()["id"] if response.is_success else None
    except (ValueError, KeyError, TypeError, RecursionError):
        message_id = None
    return Accepted(message_id) if isinstance(message_id, str) and message_id else _zenvia_errors.failed(response)


def describe(options: Options) -> Capabilities:
    """Say what API v2 allows, as documented in 2026: it states no rate of its own, so Meta's for a number holds."""
    return Capabilities(
        base_url="https://api.zenvia.com/v2",
        sending_secrets=("token",),
        messages_per_second=pace(options),
        history="none: an event is posted 30 times at most, in about 15 minutes, and then it is gone; a slow receiver "
        "is put off, and one that failed 500 times in a row is told nothing any more",
        named_parameters=True,
    )
