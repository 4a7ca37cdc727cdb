"""What `wabench provider check` asks: credentials, number, quality, templates, and what receiving needs."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from wabench import accounts, providers
from wabench.errors import UsageError, WabenchError
from wabench.providers._callback import is_public
from wabench.providers.base import Check, Failed
from wabench.settings import Settings
from wabench.spelling import hint

OK, WARNING, FAILED = "ok", "warning", "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a check: `status` is ok, warning or failed; `do` says what to do about the latter two."""

    provider: str
    check: str
    status: str
    what: str
    do: str = ""


_JUDGED = {
    "red": (FAILED, "stop promotions until the quality is green again; see who was written to, and how often"),
    "low": (FAILED, "stop promotions until the quality is green again; see who was written to, and how often"),
    "yellow": (WARNING, "write to fewer people, to the engaged first, until the quality is green again"),
    "medium": (WARNING, "write to fewer people, to the engaged first, until the quality is green again"),
    **dict.fromkeys(
        ("banned", "blocked", "restricted", "suspended", "disabled", "disconnected", "offline", "rejected", "closed",
         "deleted", "not_verified", "expired", "inactive"),
        (FAILED, "see the provider's console: nothing can be sent like this"),
    ),
    **dict.fromkeys(
        ("pending", "flagged", "pending_review", "degraded", "creating", "verifying", "unverified"),
        (WARNING, "see the provider's console: it is not settled yet"),
    ),
    "no subscription": (FAILED, "subscribe to it, as docs/providers/zenvia.md says: nothing of it is heard"),
    "without x-wabench-secret": (FAILED, "add the header to the subscription: its posts are refused without"),
}  # fmt: skip
"""What providers say of a number or an account that should worry; any other value is shown as it is."""

_WANTS_PUBLIC_URL = ("twilio", "messagebird")
"""Those whose signatures cover the address, or who are told it with each message."""


def check(
    settings: Settings,
    name: str,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Line]:
    """Try what can be tried without writing to anybody; nothing here raises."""
    if name not in providers.names():
        do = f"see [providers.{name}] of wabench.toml{hint(name, providers.names())}"
        return [Line(name, "settings", FAILED, "there is no such provider", do)]
    lines = [*_about_receiving(settings, name)]
    try:
        with accounts.opened(settings, name, transport, sleep) as account:
            if not account.channel.channel_id:
                do = f"put channel_id into [providers.{name}]"
                lines.append(Line(name, "number", FAILED, "there is no number to send from", do))
            for question in account.provider.checks:
                lines += _asked(account, question)
            if accounts.lists_templates(settings, name):
                lines += _about_templates(account)
    except WabenchError as error:
        lines.append(Line(name, "settings", FAILED, str(error), "correct wabench.toml or .env, then check again"))
    return lines


def _about_receiving(settings: Settings, name: str) -> Iterator[Line]:
    if lacking := accounts.missing_to_receive(settings, name):
        do = f"set {' and '.join(lacking)} in .env: statuses, replies and opt-outs are lost without"
        yield Line(name, "webhook secrets", WARNING, "not those it signs with, so no webhook is taken", do)
    else:
        yield Line(name, "webhook secrets", OK, "set")
    if name in _WANTS_PUBLIC_URL and not is_public(settings.webhook_url(name)):
        do = "set public_url to the receiver's address as the provider sees it, such as https://hooks.shop.example"
        what = "not set" if not settings.public_url else "not public"
        what += ": messages name no address for their statuses, and signatures don't match behind a proxy"
        yield Line(name, "public_url", WARNING, what, do)


def _asked(account: accounts.Account, question: Check) -> Iterator[Line]:
    name = account.provider.name
    try:
        with account.building():
            request = question.request(account.channel)
        answer = question.read(account.ask(request))
    except UsageError as error:
        yield Line(name, question.name, FAILED, str(error), "complete wabench.toml, then check again")
        return
    except WabenchError as error:
        yield Line(name, question.name, FAILED, str(error), "see that the network and base_url are right")
        return
    if isinstance(answer, Failed):
        yield Line(name, question.name, FAILED, account.why(answer), _REMEDIES.get(answer.code, _REFUSED))
        return
    for finding, value in answer.items():
        status, do = _judge(value)
        label = question.name if finding == question.name else f"{question.name}: {finding}"
        yield Line(name, label, status, account.clean(_shown(value)), do)


def _judge(value: Any) -> tuple[str, str]:
    """Give the worst that one of a finding's comma-separated words means."""
    judged = [_JUDGED[word] for part in _shown(value).split(",") if (word := part.strip().lower()) in _JUDGED]
    return min(judged, key=lambda each: each[0] != FAILED, default=(OK, ""))


_REFUSED = "see docs/registration.md and the provider's console; then check again"
_REMEDIES = {
    "190": "make a new token of the system user and set WABENCH_META_TOKEN",
    "20003": "compare WABENCH_TWILIO_ACCOUNT_SID and WABENCH_TWILIO_AUTH_TOKEN with the console",
    "http_401": "compare the token in .env with the provider's console",
    "http_404": "compare channel_id and base_url with the provider's console",
}


def _about_templates(account: accounts.Account) -> Iterator[Line]:
    name = account.provider.name
    try:
        counts = Counter(state.status for state in accounts.listed(account))
    except WabenchError as error:
        yield Line(name, "templates", FAILED, str(error), _REFUSED)
        return
    what = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none"
    if counts["approved"]:
        yield Line(name, "templates", OK, what)
    else:
        yield Line(name, "templates", WARNING, what, "submit one: wabench template lint, then wabench template submit")


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def facts(settings: Settings, name: str) -> dict[str, Any]:
    """Say what a provider can do, and what is set of it here; secrets by their names only."""
    provider, table = accounts.find(name), settings.providers.get(name)
    if wrong := accounts.problem(settings, name):
        return {"provider": name, "configured": False, "wrong": wrong, "options": dict(provider.OPTIONS)}
    can = accounts.capabilities(settings, name)
    set_here = [secret for secret in provider.secrets if settings.secret(f"{name}_{secret}")]
    return {
        "provider": name,
        "configured": table is not None and not accounts.missing_secrets(settings, name),
        "missing": accounts.missing_secrets(settings, name),
        "secrets set": [f"WABENCH_{name}_{secret}".upper() for secret in set_here],
        "number": table.channel_id if table else "",
        "address": (table.base_url if table else "") or can.base_url,
        "messages a second": can.messages_per_second,
        "seconds between messages to one customer": can.seconds_between_messages_to_one_customer,
        "content": list(can.content),
        "writes to user ids": can.user_id_recipients,
        "named variables": can.named_parameters,
        "idempotency key": can.idempotency_key,
        "gives callback data back": can.echoes_callback_data,
        "templates by its API": accounts.lists_templates(settings, name),
        "history": can.history,
        "options": dict(provider.OPTIONS),
    }
