"""What a provider is to the rest of wabench: pure functions on bytes in both directions, one module a provider.

The caller does the I/O: the receiver hands in raw bodies, the sender puts the request on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from wabench.events import MessageEvent
from wabench.providers.errors import ErrorFamily

Secrets = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Channel:
    """One sending number at one provider: where to call and as whom."""

    base_url: str
    channel_id: str
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class TemplateMessage:
    """One template message to one person.

    `phone` (E.164) wins over `user_id` where both are known. `parameters` are the body's, in order; their keys are
    the template's own names when `is_named`, else "1", "2", ….
    """

    phone: str | None
    user_id: str | None
    template_name: str
    language: str
    category: str
    parameters: Mapping[str, str]
    is_named: bool
    callback_data: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message; delivery is told by webhooks."""

    message_id: str
    wa_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider refused, or its answer does not say; `family` tells what may be done."""

    family: ErrorFamily
    code: str
    detail: str
    retry_after: float | None = None


class Provider(Protocol):
    """A provider's module. `secrets` names its settings `WABENCH_<PROVIDER>_<SECRET>`."""

    name: str
    secrets: tuple[str, ...]
    default_base_url: str
    webhook_secrets: tuple[str, ...]
    """Those of `secrets` that receiving needs."""
    sends_json: bool
    """Whether a webhook's body must be JSON; one that isn't is answered 400 and kept as rejected."""

    def challenge(self, query: Mapping[str, str], secrets: Secrets) -> str | None:
        """Answer the subscription handshake, or None when it is not ours."""

    def verify(self, body: bytes, headers: Mapping[str, str], url: str, secrets: Secrets) -> bool:
        """Tell in constant time whether our secret signed the body (and the URL it was sent to, where that counts)."""

    def parse(self, body: bytes) -> list[MessageEvent]:
        """Normalise one webhook body; raises `Unparsable`, and nothing else, whatever the bytes."""

    def request(self, message: TemplateMessage, channel: Channel) -> httpx.Request:
        """Build the call that sends one template message."""

    def outcome(self, response: httpx.Response) -> Accepted | Failed:
        """Read the provider's answer to `request`; never raises."""

    def describe(self) -> Mapping[str, Any]:
        """Say what the provider can do (limits, capabilities), for `provider list` and the docs."""
