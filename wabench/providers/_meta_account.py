"""Meta's templates, and what can be asked of the number and its business account."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from wabench.providers._meta_errors import failed
from wabench.providers.base import Channel, Check, Failed, TemplateDraft, Templates, TemplateState

_PAGE_SIZE = 100
_TEMPLATE_FIELDS = "id,name,language,category,status,quality_score,rejected_reason,components"
# Only an approved one can be sent; a word we don't know is at least no approval, so it is pending.
_STATUS = {
    **dict.fromkeys(("APPROVED", "REINSTATED", "UNARCHIVED"), "approved"),
    **dict.fromkeys(("REJECTED", "LIMIT_EXCEEDED"), "rejected"),
    **dict.fromkeys(("PAUSED", "FLAGGED", "LOCKED"), "paused"),
    **dict.fromkeys(("DISABLED", "ARCHIVED", "PENDING_DELETION", "DELETED"), "disabled"),
}
_NUMBER = {
    "quality_rating": "quality",
    "whatsapp_business_manager_messaging_limit": "messaging limit",
    "throughput": "throughput",
    "verified_name": "name",
    "name_status": "name status",
    "status": "status",
    "code_verification_status": "verification",
    "platform_type": "platform",
    "display_phone_number": "number",
}
_ACCOUNT = {
    "name": "name",
    "account_review_status": "review",
    "business_verification_status": "verification",
    "marketing_messages_lite_api_status": "marketing messages",
}


def _call(method: str, channel: Channel, path: str, **given: Any) -> httpx.Request:
    headers = {"Authorization": f"Bearer {channel.secrets['token']}"}
    return httpx.Request(method, f"{channel.base_url.rstrip('/')}/{path}", headers=headers, **given)


def _business_account(channel: Channel) -> str:
    if waba_id := channel.options.get("waba_id"):
        return waba_id
    raise ValueError("set waba_id, the WhatsApp Business Account's id, in [providers.meta.options]")


def _list_request(channel: Channel, cursor: str | None) -> httpx.Request:
    params = {"fields": _TEMPLATE_FIELDS, "limit": str(_PAGE_SIZE), **({"after": cursor} if cursor else {})}
    return _call("GET", channel, f"{_business_account(channel)}/message_templates", params=params)


def _read_list(response: httpx.Response) -> tuple[Sequence[TemplateState], str | None] | Failed:
    answer = _object(response)
    items = answer.get("data") if answer else None
    if not isinstance(items, list):
        return failed(response)
    paging = _part(answer, "paging")
    after = _part(paging, "cursors").get("after") if paging.get("next") else None  # the last page has cursors too
    return [_state(item) for item in items if isinstance(item, dict)], str(after) if after else None


def _state(item: Mapping[str, Any]) -> TemplateState:
    reason = str(item.get("rejected_reason") or "")
    return TemplateState(
        name=str(item.get("name") or ""),
        language=str(item.get("language") or ""),
        category=str(item.get("category") or "").lower(),
        status=_STATUS.get(str(item.get("status")), "pending"),
        body=_body(item.get("components")),
        provider_id=str(item.get("id") or ""),
        quality=str(_part(item, "quality_score").get("score") or "unknown").lower(),
        reason="" if reason == "NONE" else reason,
    )


def _body(components: Any) -> str:
    parts = components if isinstance(components, list) else []
    bodies = (p for p in parts if isinstance(p, dict) and str(p.get("type")).upper() == "BODY")
    return str(next(bodies, {}).get("text") or "")


def _submit_request(draft: TemplateDraft, channel: Channel, answers: Sequence[httpx.Response]) -> httpx.Request | None:
    if answers:
        return None
    is_named = any(not key.isdigit() for key in draft.examples)
    body: dict[str, Any] = {
        "name": draft.name,
        "language": draft.language,
        "category": draft.category.upper(),
        "parameter_format": "NAMED" if is_named else "POSITIONAL",
        "components": [{"type": "BODY", "text": draft.body, **_example(draft.examples, is_named)}],
    }
    return _call("POST", channel, f"{_business_account(channel)}/message_templates", json=body)


def _example(examples: Mapping[str, str], is_named: bool) -> dict[str, Any]:
    if not examples:
        return {}
    named = [{"param_name": name, "example": example} for name, example in examples.items()]
    return {"example": {"body_text_named_params": named} if is_named else {"body_text": [list(examples.values())]}}


def _read_submitted(response: httpx.Response) -> TemplateState | Failed:
    """Read what became of a submission: its id, state and category; Meta repeats neither name nor text."""
    answer = _object(response)
    return _state(answer) if answer and answer.get("id") else failed(response)


def _finds(names: Mapping[str, str]) -> Callable[[httpx.Response], Mapping[str, Any] | Failed]:
    """Make a reader of those fields that are there, in our words."""

    def read(response: httpx.Response) -> Mapping[str, Any] | Failed:
        answer = _object(response)
        if not answer or not answer.get("id"):
            return failed(response)
        return {ours: _plain(answer[theirs]) for theirs, ours in names.items() if theirs in answer}

    return read


def _plain(value: Any) -> Any:
    return value.get("level") if isinstance(value, dict) else value


def _object(response: httpx.Response) -> dict[str, Any] | None:
    """Give a success's object, None for anything else."""
    try:
        answer = response.json() if response.is_success else None
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _part(value: Any, key: str) -> dict[str, Any]:
    part = value.get(key) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _fields(channel: Channel, node: str, names: Mapping[str, str]) -> httpx.Request:
    return _call("GET", channel, node, params={"fields": ",".join(("id", *names))})


TEMPLATES = Templates(_list_request, _read_list, _submit_request, _read_submitted)
CHECKS = (
    Check("number", lambda channel: _fields(channel, channel.channel_id, _NUMBER), _finds(_NUMBER)),
    Check("account", lambda channel: _fields(channel, _business_account(channel), _ACCOUNT), _finds(_ACCOUNT)),
)
