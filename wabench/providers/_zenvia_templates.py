"""Zenvia's templates, and what can be asked of the account."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from wabench.providers._zenvia_errors import failed
from wabench.providers.base import Channel, Check, Failed, TemplateDraft, Templates, TemplateState

_PAGE_SIZE = 500
_STATUS = {
    "WAITING_REVIEW": "pending",
    "WAITING_APPROVAL": "pending",
    "APPROVED": "approved",
    "REJECTED": "rejected",
    "PAUSED": "paused",
    "DISABLED": "disabled",
}
_HEARD = ("MESSAGE", "MESSAGE_STATUS")


def _call(method: str, channel: Channel, path: str, **given: Any) -> httpx.Request:
    headers = {"X-API-TOKEN": channel.secrets["token"]}
    return httpx.Request(method, f"{channel.base_url.rstrip('/')}{path}", headers=headers, **given)


def _sender(channel: Channel) -> str:
    return channel.options.get("sender_id") or channel.channel_id


def _list_request(channel: Channel, cursor: str | None) -> httpx.Request:
    params = {"channel": "WHATSAPP", "senderId": _sender(channel), "page": cursor or "1", "size": str(_PAGE_SIZE)}
    return _call("GET", channel, "/templates", params=params)


def _read_list(response: httpx.Response) -> tuple[Sequence[TemplateState], str | None] | Failed:
    items = _json(response)
    if not isinstance(items, list):
        return failed(response)
    page = _number(response, "x-page") or _asked_page(response)
    size = _number(response, "x-page-size") or _PAGE_SIZE
    has_total = response.headers.get("x-total", "").isdecimal()
    is_last = page * size >= _number(response, "x-total") if has_total else len(items) < size
    is_last = is_last or not items
    return [_state(item) for item in items if isinstance(item, dict)], None if is_last else str(page + 1)


def _asked_page(response: httpx.Response) -> int:
    """Give the page that was asked for: a proxy may have dropped the headers that say it."""
    try:
        given = response.request.url.params.get("page", "")
    except RuntimeError:  # an answer that was not asked for, as in a test
        return 1
    return int(given) if given.isdecimal() and given.isascii() else 1


def _state(item: Mapping[str, Any]) -> TemplateState:
    body = _part(_part(item, "components"), "body").get("text") or item.get("text")
    status, comments = str(item.get("status")), item.get("comments")
    last = comments[-1] if isinstance(comments, list) and comments else None
    return TemplateState(
        name=str(item.get("name") or ""),
        language=str(item.get("locale") or ""),
        category=str(item.get("category") or "").lower(),
        status=_STATUS.get(status, "pending"),  # a word we don't know is at least no approval
        body=str(body or ""),
        provider_id=str(item.get("id") or ""),
        quality=str(item.get("qualityScore") or "unknown").lower(),
        reason=str(last.get("text") or "") if isinstance(last, dict) else "",
    )


def _submit_request(draft: TemplateDraft, channel: Channel, answers: Sequence[httpx.Response]) -> httpx.Request | None:
    if answers:
        return None
    body: dict[str, Any] = {
        "name": draft.name,
        "locale": draft.language,
        "channel": "WHATSAPP",
        "senderId": _sender(channel),
        "category": draft.category.upper(),
        "components": {"body": {"type": "TEXT_TEMPLATE" if "{{" in draft.body else "TEXT_FIXED", "text": draft.body}},
    }
    return _call(
        "POST", channel, "/templates", json=body | ({"examples": dict(draft.examples)} if draft.examples else {})
    )


def _read_submitted(response: httpx.Response) -> TemplateState | Failed:
    item = _json(response)
    return _state(item) if isinstance(item, dict) and item.get("id") else failed(response)


def _read_webhooks(response: httpx.Response) -> Mapping[str, Any] | Failed:
    """Say for each kind of event whether anything is subscribed to it, and whether it carries our header."""
    items = _json(response)
    if not isinstance(items, list):
        return failed(response)
    found: dict[str, Any] = dict.fromkeys(_HEARD, "no subscription")
    for item in items:
        kind = item.get("eventType") if isinstance(item, dict) else None
        if kind in _HEARD and _part(item, "criteria").get("channel") in (None, "whatsapp"):
            found[kind] = _webhook(item)
    return found


def _webhook(subscription: Mapping[str, Any]) -> list[str]:
    webhook = _part(subscription, "webhook")
    has_header = any(name.lower() == "x-wabench-secret" for name in _part(webhook, "headers"))
    where = re.sub(r"(?<=//)[^/@]*@|\?.*", "", str(webhook.get("url")))  # neither may be a secret of somebody's
    return [str(subscription.get("status", "ACTIVE")), where, *([] if has_header else ["without X-Wabench-Secret"])]


def _json(response: httpx.Response) -> Any:
    """Give a success's value, None for anything else."""
    try:
        return response.json() if response.is_success else None
    except (ValueError, RecursionError):
        return None


def _part(value: Any, key: str) -> dict[str, Any]:
    part = value.get(key) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _number(response: httpx.Response, header: str) -> int:
    value = response.headers.get(header, "")
    return int(value) if value.isdecimal() and value.isascii() else 0


TEMPLATES = Templates(_list_request, _read_list, _submit_request, _read_submitted)
CHECKS = (Check("webhooks", lambda channel: _call("GET", channel, "/subscriptions"), _read_webhooks),)
