"""What Twilio can be asked beside sending: content templates and their approval, the account, its senders.

These stand at other hosts than messages do. Where `base_url` is not Twilio's own (a rehearsal), they are looked for
under it, so nothing of a rehearsal ever reaches Twilio.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from wabench.providers._twilio_errors import not_theirs, refusal
from wabench.providers.base import Channel, Check, Failed, TemplateDraft, Templates, TemplateState

BASE_URL = "https://api.twilio.com/2010-04-01"
_HOSTS = {"content": "https://content.twilio.com/v1", "messaging": "https://messaging.twilio.com/v2"}
_UNDER = {"content": "/content/v1", "messaging": "/messaging/v2"}
_STATUS = {
    "unsubmitted": "pending",
    "received": "pending",
    "pending": "pending",
    "in_appeal": "pending",
    "approved": "approved",
    "rejected": "rejected",
    "paused": "paused",
    "disabled": "disabled",
}
_CATEGORY = {
    "utility": "utility",
    "transactional": "utility",  # words of before 2023, which old templates still carry
    "authentication": "authentication",
    "otp": "authentication",
}


def url(channel: Channel, path: str) -> str:
    """Give the URL of a call to the account itself."""
    return f"{channel.base_url.rstrip('/')}/Accounts/{channel.secrets['account_sid']}{path}"


def credentials(channel: Channel) -> tuple[str, str]:
    """Give the user and password of a call: an API key's where one is set, which can be revoked by itself."""
    secrets = channel.secrets
    if secrets.get("api_key") and secrets.get("api_secret"):
        return secrets["api_key"], secrets["api_secret"]
    return secrets["account_sid"], secrets["auth_token"]


def authorised(request: httpx.Request, channel: Channel) -> httpx.Request:
    """Sign a request with the account's credentials."""
    return next(httpx.BasicAuth(*credentials(channel)).auth_flow(request))


def _get(channel: Channel, address: str) -> httpx.Request:
    return authorised(httpx.Request("GET", address), channel)


def _at(channel: Channel, api: str, path: str) -> str:
    is_theirs = urlsplit(channel.base_url).hostname == urlsplit(BASE_URL).hostname
    derived = _HOSTS[api] if is_theirs else channel.base_url.rstrip("/") + _UNDER[api]
    return (channel.options.get(f"{api}_url") or derived).rstrip("/") + path


def _list_request(channel: Channel, cursor: str | None) -> httpx.Request:
    return _get(channel, _at(channel, "content", f"/ContentAndApprovals?{cursor or 'PageSize=500'}"))


def _read_list(response: httpx.Response) -> tuple[Sequence[TemplateState], str | None] | Failed:
    """Read a page; the cursor is the query that asks for the next one, whatever host the answer names."""
    if not response.is_success:
        return refusal(response)
    try:
        page = response.json()
        following = page["meta"].get("next_page_url")
        return [_state(content) for content in page["contents"]], urlsplit(following or "").query or None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return not_theirs(response)


def _state(content: Mapping[str, Any]) -> TemplateState:
    approval = content.get("approval_requests") or {}
    status = str(approval.get("status") or "unsubmitted").lower()
    return TemplateState(
        name=str(approval.get("name") or content.get("friendly_name") or content["sid"]),
        language=str(content.get("language") or ""),
        category=_category(approval),
        status=_STATUS.get(status, "pending"),
        body=_body(content.get("types") or {}),
        provider_id=str(content["sid"]),
        reason=str(approval.get("rejection_reason") or (status if _STATUS.get(status, "") != status else "")),
    )


def _category(approval: Mapping[str, Any]) -> str:
    """Read a category; one that is not said counts as marketing, which has the strictest rules."""
    return _CATEGORY.get(str(approval.get("category") or "").lower(), "marketing")


def _body(types: Mapping[str, Any]) -> str:
    texts = (kind.get("body") or kind.get("title") for kind in types.values() if isinstance(kind, dict))
    return next((str(text) for text in texts if text), "")


def _submit_request(draft: TemplateDraft, channel: Channel, answers: Sequence[httpx.Response]) -> httpx.Request | None:
    """Create the content, then ask for WhatsApp's approval of it."""
    if not answers:
        content = {
            "friendly_name": draft.name,
            "language": draft.language,
            "variables": dict(draft.examples),
            "types": {"twilio/text": {"body": draft.body}},
        }
        return authorised(httpx.Request("POST", _at(channel, "content", "/Content"), json=content), channel)
    if len(answers) > 1 or not answers[0].is_success:
        return None
    address = _at(channel, "content", f"/Content/{answers[0].json()['sid']}/ApprovalRequests/whatsapp")
    wanted = {"name": draft.name, "category": draft.category.upper()}
    return authorised(httpx.Request("POST", address, json=wanted), channel)


def _read_submitted(response: httpx.Response) -> TemplateState | Failed:
    """Read what became of the request for approval; it names neither language nor text, which the draft has."""
    if not response.is_success:
        return refusal(response)
    try:
        approval = response.json()
        status = str(approval["status"]).lower()
        return TemplateState(
            name=str(approval["name"]),
            language="",
            category=_category(approval),
            status=_STATUS.get(status, "pending"),
            body="",
            provider_id=_content_sid(response),
            reason=str(approval.get("rejection_reason") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return not_theirs(response)


def _content_sid(response: httpx.Response) -> str:
    """Find the template's id in the address that was asked: the answer does not repeat it."""
    try:
        parts = response.request.url.path.split("/")
    except RuntimeError:  # an answer that was not asked for, as in a test
        return ""
    return next((part for part in parts if part.startswith("HX")), "")


TEMPLATES = Templates(_list_request, _read_list, _submit_request, _read_submitted)


def _account_request(channel: Channel) -> httpx.Request:
    return _get(channel, url(channel, ".json"))


def _read_account(response: httpx.Response) -> Mapping[str, Any] | Failed:
    if not response.is_success:
        return refusal(response)
    try:
        account = response.json()
        return {name: account[name] for name in ("sid", "friendly_name", "status", "type")}
    except (ValueError, KeyError, TypeError, RecursionError):
        return not_theirs(response)


def _senders_request(channel: Channel) -> httpx.Request:
    return _get(channel, _at(channel, "messaging", "/Channels/Senders?Channel=whatsapp&PageSize=100"))


def _read_senders(response: httpx.Response) -> Mapping[str, Any] | Failed:
    """Give each WhatsApp sender's status, and its quality and limit where Twilio says them."""
    if not response.is_success:
        return refusal(response)
    try:
        return {str(sender["sender_id"]): _sender(sender) for sender in response.json()["senders"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return not_theirs(response)


def _sender(sender: Mapping[str, Any]) -> str:
    properties = sender.get("properties") or {}
    said = (sender["status"], properties.get("quality_rating"), properties.get("messaging_limit"))
    return ", ".join(str(each) for each in said if each)


CHECKS = (Check("account", _account_request, _read_account), Check("senders", _senders_request, _read_senders))
