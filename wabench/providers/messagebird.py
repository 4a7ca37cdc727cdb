"""MessageBird, now Bird: one provider with the three APIs its customers hold keys of, each in a module of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from wabench.events import MessageEvent
from wabench.providers import _bird_channels, _bird_v1, _bird_v1_events, _messagebird_classic, _messagebird_signatures
from wabench.providers._bird_values import not_theirs, not_understood
from wabench.providers._json import decode
from wabench.providers._options import one_of, pace
from wabench.providers.base import (
    Accepted,
    Capabilities,
    Channel,
    Check,
    Failed,
    History,
    Message,
    Options,
    Secrets,
    TemplateDraft,
    Templates,
    TemplateState,
)
from wabench.providers.errors import ErrorFamily

name = "messagebird"
secrets = ("token", "webhook_secret", "access_key", "signing_key")
webhook_secrets = (("webhook_secret",), ("signing_key",))
OPTIONS = {
    "dialect": "which API the key is for: v1 (Bird of 2026, the default), channels or classic",
    "region": "v1: where the workspace is, eu1 (the default) or us1",
    "workspace": "channels: the workspace's id",
    "namespace": "classic: the namespace of the WhatsApp account's templates",
    "messages_per_second": "the throughput granted to the number, where it is not WhatsApp's usual 80",
}
sends_json = True
acknowledgement = ("text/plain", b"")

ERRORS: Mapping[str, ErrorFamily] = {
    **_messagebird_classic.ERRORS,
    **_bird_channels.ERRORS,
    **_bird_v1.TYPES,
    **_bird_v1.NAMES,
    **_bird_v1.ERRORS,
}
"""All three APIs' codes; they don't collide but for `internal_error`, which means one thing."""

_BROKEN = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """One API: how a send is built, what is asked, and what it can do."""

    request: Callable[[Message, Channel], httpx.Request]
    check_request: Callable[[Channel], httpx.Request]
    describe: Callable[[Options], Capabilities]
    history_request: Callable[[Channel, datetime, str | None], httpx.Request] | None = None


def _capabilities(options: Options, base_url: str, secret: str, history: str, **more: Any) -> Capabilities:
    return Capabilities(base_url, (secret,), pace(options), history, **more)


def _v1(options: Options) -> Capabilities:
    return _capabilities(
        options,
        _bird_v1.base_url(one_of(options, "region", *_bird_v1.REGIONS, usual="eu1")),
        "token",
        "messages with each status and its time, by when they were made; a cost, too, which no webhook tells",
        receiving_secrets=(("webhook_secret",),),
        user_id_recipients=True,
        idempotency_key=True,
        named_parameters=True,
    )


def _channels(options: Options) -> Capabilities:
    return _capabilities(
        options,
        _bird_channels.BASE_URL,
        "access_key",
        "messages with their present status; readings, and statuses that another has followed, can't be read back",
        receiving_secrets=(("signing_key",),),
        user_id_recipients=True,
        named_parameters=True,
        has_templates=False,
    )


def _classic(options: Options) -> Capabilities:
    return _capabilities(
        options,
        _messagebird_classic.BASE_URL,
        "access_key",
        "none: messages can be listed only conversation by conversation, so what was not received is lost",
        receiving_secrets=(("signing_key",),),
        has_history=False,
        has_templates=False,
    )


_DIALECTS: Mapping[str, _Dialect] = {
    "v1": _Dialect(_bird_v1.request, _bird_v1.check_request, _v1, _bird_v1.history_request),
    "channels": _Dialect(
        _bird_channels.request, _bird_channels.check_request, _channels, _bird_channels.history_request
    ),
    "classic": _Dialect(_messagebird_classic.request, _messagebird_classic.check_request, _classic),
}
_FAILURES: Mapping[str, Callable[[httpx.Response, object], Failed]] = {
    "errors": _messagebird_classic.failure,
    "error": _bird_v1.failure,
    "code": _bird_channels.failure,
}
"""A refusal's telling field -> who reads it. A message that was taken is told alike, but that v1 tells more."""


def _dialect(options: Options) -> _Dialect:
    given = options.get("dialect", "v1")
    if given not in _DIALECTS:
        raise ValueError(f"dialect is {', '.join(_DIALECTS)}, not {given!r}")
    return _DIALECTS[given]


def challenge(query: Mapping[str, str], secrets: Secrets) -> str | None:
    """Give None: Bird asks nothing before it posts."""
    return None


def verify(body: bytes, headers: Mapping[str, str], url: str, secrets: Secrets, now: datetime) -> bool:
    """Tell in constant time whether the API that the headers name signed this; each has a secret of its own."""
    return _messagebird_signatures.verify(body, headers, url, secrets, now)


def parse(body: bytes, query: str = "") -> list[MessageEvent]:
    """Normalise one webhook of whichever API; raises Unparsable where it is no JSON, and nothing else."""
    document = decode(body)
    if not isinstance(document, dict):
        return [not_understood("body", document)]
    if "payload" in document:
        return _bird_channels.parse(document)
    if "data" in document:
        return _bird_v1_events.parse(document, _bird_v1.family)
    return _messagebird_classic.parse(document, query)


def request(message: Message, channel: Channel) -> httpx.Request:
    """Build the call that sends one message, in the dialect that the channel's options name."""
    return _dialect(channel.options).request(message, channel)


def outcome(response: httpx.Response) -> Accepted | Failed:
    """Read the answer to `request`: a message id, or an error's code and family."""
    found: Accepted | Failed = _read(response, _bird_v1.read_answer)
    return found


def _failed(response: httpx.Response, answer: object) -> Failed:
    read = next((found for field, found in _FAILURES.items() if isinstance(answer, dict) and field in answer), None)
    return read(response, answer) if read else not_theirs(response)


def _read(response: httpx.Response, read: Callable[[dict[str, Any]], Any]) -> Any:
    try:
        answer = response.json()
        return read(answer) if response.is_success else _failed(response, answer)
    except _BROKEN:
        return not_theirs(response)


def _history_request(channel: Channel, since: datetime, cursor: str | None) -> httpx.Request:
    if not (asked := _dialect(channel.options).history_request):
        raise ValueError("the classic MessageBird API has no list of messages to read a gap back from")
    return asked(channel, since, cursor)


def _history_read(body: bytes) -> tuple[list[MessageEvent], str | None]:
    page = decode(body)
    if isinstance(page, dict) and "results" in page:
        return _bird_channels.read_page(body)
    return _bird_v1_events.read_page(body, _bird_v1.family)


history: History | None = History(_history_request, _history_read)


def _list_templates(channel: Channel, cursor: str | None) -> httpx.Request:
    if channel.options.get("dialect", "v1") != "v1":
        raise ValueError("templates can be listed with dialect v1 only; see them in Bird's dashboard")
    return _bird_v1.templates_request(channel, cursor)


def _read_templates(response: httpx.Response) -> tuple[Sequence[TemplateState], str | None] | Failed:
    found: tuple[Sequence[TemplateState], str | None] | Failed = _read(response, _bird_v1.read_templates)
    return found


def _submit(draft: TemplateDraft, channel: Channel, answers: Sequence[httpx.Response]) -> httpx.Request | None:
    raise ValueError(f"template {draft.name!r}: Bird takes new templates in its dashboard only, not by its API")


def _submitted(response: httpx.Response) -> TemplateState | Failed:
    return not_theirs(response)


templates: Templates | None = Templates(_list_templates, _read_templates, _submit, _submitted)


def _check_request(channel: Channel) -> httpx.Request:
    return _dialect(channel.options).check_request(channel)


def _read_check(answer: dict[str, Any]) -> Mapping[str, Any] | Failed:
    if "data" in answer:
        return _bird_v1.read_check(answer)
    return _messagebird_classic.read_check(answer) if "totalCount" in answer else _bird_channels.read_check(answer)


def _read_checked(response: httpx.Response) -> Mapping[str, Any] | Failed:
    found: Mapping[str, Any] | Failed = _read(response, _read_check)
    return found


checks: tuple[Check, ...] = (Check("number", _check_request, _read_checked),)


def describe(options: Options) -> Capabilities:
    """Say what the dialect that the options name can do, as documented in 2026."""
    return _dialect(options).describe(options)
