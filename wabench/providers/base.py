"""What a provider is to the rest of wabench: pure functions on bytes in both directions, one module a provider.

The caller does the I/O: the receiver hands in raw bodies, the sender puts the request on the wire. What not every
provider has (a history, templates, an account that can be asked) is a value of the module or None.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import httpx

from wabench.events import MessageEvent
from wabench.providers.errors import ErrorFamily

Secrets = Mapping[str, str]
Options = Mapping[str, str]
"""`[providers.NAME.options]` of wabench.toml: what only this provider knows, each explained by `OPTIONS`."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One sending number at one provider: where to call and as whom.

    `webhook_url` is our receiver's address for this provider as the provider sees it; empty where none is set.
    """

    base_url: str
    channel_id: str
    options: Options = field(default_factory=dict)
    secrets: Secrets = field(default_factory=dict, repr=False)
    webhook_url: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template and one person's values for it.

    `parameters` are the body's, in order; their keys are the template's own names when `is_named`, else "1", "2", ….
    `provider_id` is the provider's own id of the template, where it has one that differs from the name.
    """

    name: str
    language: str
    category: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    is_named: bool = False
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Free text, only inside the 24 h window; `previews_link` asks for a picture of the first link in it."""

    body: str
    previews_link: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """A file that the provider fetches from a public `url`, only inside the 24 h window."""

    kind: Literal["image", "document"]
    url: str
    caption: str = ""
    filename: str = ""


Content = Template | Text | Media


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person: `phone` (E.164) wins over `user_id` where both are known.

    `spent_keys` counts the idempotency keys of this send under which the provider keeps a refusal.
    """

    phone: str | None
    user_id: str | None
    content: Content
    callback_data: str
    spent_keys: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message; delivery is told by webhooks."""

    message_id: str
    wa_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider refused, or its answer does not say; `family` tells what may be done.

    `spends_key` says that the refusal is kept under the call's idempotency key, and would be answered to it again.
    """

    family: ErrorFamily
    code: str
    detail: str
    retry_after: float | None = None
    spends_key: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, by its documentation; for the policy, the pace, `provider list` and the docs.

    `history` says in a sentence what can be read back after an outage, or what it means that nothing can;
    `has_history` and `has_templates` are False where the module has them, but not with these options.
    `receiving_secrets` are those of its `webhook_secrets` that check what is posted with these options; empty: all.
    """

    base_url: str
    sending_secrets: tuple[str, ...]
    messages_per_second: float
    history: str
    seconds_between_messages_to_one_customer: float = 6
    user_id_recipients: bool = False
    idempotency_key: bool = False
    named_parameters: bool = False
    echoes_callback_data: bool = True
    has_history: bool = True
    has_templates: bool = True
    receiving_secrets: tuple[tuple[str, ...], ...] = ()
    content: tuple[str, ...] = ("template", "text", "image", "document", "link")


@dataclass(frozen=True, slots=True)
class History:
    """How to read back what was missed: messages from a moment on, page by page.

    `request` asks for the page a cursor names (None: the first) of what happened since; `read` gives the page's events,
    with the ids the webhooks would have given them, and the next page's cursor, None on the last. `read` raises
    `Unparsable` for what is no page.
    """

    request: Callable[[Channel, datetime, str | None], httpx.Request]
    read: Callable[[bytes], tuple[list[MessageEvent], str | None]]


@dataclass(frozen=True, slots=True)
class TemplateState:
    """A template as the provider has it; `status` in our words: approved, pending, rejected, paused, disabled."""

    name: str
    language: str
    category: str
    status: str
    body: str
    provider_id: str = ""
    quality: str = "unknown"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template to submit; `examples` has a value for each variable of `body`, in its order."""

    name: str
    language: str
    category: str
    body: str
    examples: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Templates:
    """How to list a provider's templates and submit one.

    `list_request` asks for the page a cursor names; `read_list` gives its templates and the next cursor. A submission
    may take several calls (create, then ask for approval): `submit_requests` builds the next one from the answers so
    far, or gives None when it is done; `read_submitted` reads the last answer.
    """

    list_request: Callable[[Channel, str | None], httpx.Request]
    read_list: Callable[[httpx.Response], tuple[Sequence[TemplateState], str | None] | Failed]
    submit_request: Callable[[TemplateDraft, Channel, Sequence[httpx.Response]], httpx.Request | None]
    read_submitted: Callable[[httpx.Response], TemplateState | Failed]


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the account, harmless to ask; `read` gives its findings by their names, or why it failed."""

    name: str
    request: Callable[[Channel], httpx.Request]
    read: Callable[[httpx.Response], Mapping[str, Any] | Failed]


class Provider(Protocol):
    """A provider's module. `secrets` names its settings `WABENCH_<PROVIDER>_<SECRET>`."""

    name: str
    secrets: tuple[str, ...]
    webhook_secrets: tuple[tuple[str, ...], ...]
    """Those of `secrets` that receiving needs; any of these sets is enough, each checks one kind of signature."""
    OPTIONS: Mapping[str, str]
    """Each option the module reads, and what it is."""
    sends_json: bool
    """Whether a webhook's body must be JSON; one that isn't is answered 400 and kept as rejected."""
    acknowledgement: tuple[str, bytes]
    """Content type and body of our 200."""
    history: History | None
    templates: Templates | None
    checks: Sequence[Check]

    def challenge(self, query: Mapping[str, str], secrets: Secrets) -> str | None:
        """Answer the subscription handshake, or None when it is not ours."""

    def verify(self, body: bytes, headers: Mapping[str, str], url: str, secrets: Secrets, now: datetime) -> bool:
        """Tell in constant time whether one of our secrets signed the body (and the URL and time, where they count).

        Header names are lower case; `url` is the whole one, as the provider sees it.
        """

    def parse(self, body: bytes, query: str = "") -> list[MessageEvent]:
        """Normalise one webhook body and the query it was posted with; raises `Unparsable`, and nothing else."""

    def request(self, message: Message, channel: Channel) -> httpx.Request:
        """Build the call that sends one message; raises ValueError for what this provider can't say."""

    def outcome(self, response: httpx.Response) -> Accepted | Failed:
        """Read the provider's answer to `request`; never raises."""

    def describe(self, options: Options) -> Capabilities:
        """Say what the provider can do with these options; raises ValueError for a value that is none of theirs."""
