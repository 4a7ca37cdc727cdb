"""The provider's side of the wire, in words all providers share; one module a provider turns them into its own.

The server draws what becomes of a message and keeps the limits; a stand-in only reads calls, checks them as strictly as
its provider documents, and writes answers and webhooks in its provider's shape. Pure functions on bytes, no I/O.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from wabench.settings import TemplateSettings


class Why(StrEnum):
    """Why a call is refused; each stand-in has a table from these to its provider's codes and HTTP statuses."""

    TOKEN = "token"  # noqa: S105 - wrong or revoked
    CHANNEL = "channel"  # no such number here
    INVALID = "invalid"  # a field is missing, unknown or of the wrong form
    RECIPIENT = "recipient"  # no phone or id
    TEMPLATE_MISSING = "template_missing"
    TEMPLATE_PAUSED = "template_paused"
    TEMPLATE_DISABLED = "template_disabled"
    PARAMETERS = "parameters"  # too few, too many, or of the wrong form
    WINDOW = "window"  # free-form outside the 24 h window
    THROTTLE = "throttle"  # too many calls a second
    PAIR = "pair"  # too many messages to one person
    TIER = "tier"  # too many people in 24 h
    SERVER = "server"  # failed on its side; the message may have gone


class Failure(StrEnum):
    """Why an accepted message fails after all, told by webhook."""

    UNDELIVERABLE = "undeliverable"
    MARKETING_LIMIT = "marketing_limit"  # the person's own limit of promotions
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class Shop:
    """What the stand-in knows of its customer, the shop: its number, secrets and templates, whatever their status.

    `webhook_url` is where this provider posts (`…/webhooks/<provider>`); empty where nothing is posted.
    """

    channel_id: str
    options: Mapping[str, str]
    secrets: Mapping[str, str]
    templates: Mapping[str, TemplateSettings]
    webhook_url: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call. `path` is relative to the provider's base URL and begins with a slash; header names lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """A message the provider takes. `kind` is template, text, image or document; phones are E.164 with a plus.

    `given` is whatever the stand-in needs again to write webhooks about it.
    """

    phone: str | None
    user_id: str | None
    kind: str
    template: str | None = None
    parameters: Sequence[str] = ()
    text: str | None = None
    callback_data: str | None = None
    idempotency_key: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recipient(self) -> str:
        return self.phone or self.user_id or ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is not taken, and what is said of it. `retry_after` are the seconds a throttle asks to wait.

    `code` is for the stand-in that raises it itself: the provider's own code, where `why` has several. `taken` is the
    message that was read at `at` and met a limit of WhatsApp's: some providers take such a one and reject it then.
    """

    why: Why
    detail: str
    retry_after: float | None = None
    code: str = ""
    taken: Taken | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """What a webhook tells: `value` is sent, delivered, read, failed, reply or opt_out; `at` are seconds since 1970.

    `phone` and `user_id` are who the webhook says it was: a person who hides their phone is told by the id alone.
    A reply and an opt-out have a `reply_id` and a `text`; an `opt_out` is told in the provider's own way where it has
    one (Meta: user_preferences), else as an inbound message of that text. `accepted` is for `look_up`, never posted.
    """

    message_id: str
    value: str
    at: float
    phone: str | None
    user_id: str | None
    taken: Taken
    category: str | None = None
    failure: Failure | None = None
    reply_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook as it goes out, signed."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class StandIn(Protocol):
    """A stand-in's module: `wabench/sandbox/<provider>.py`, found by its name as the providers are."""

    name: str

    def is_authorised(self, call: Call, shop: Shop) -> bool:
        """Tell whether the call carries the shop's own secrets."""

    def is_send(self, call: Call) -> bool:
        """Tell whether the call sends a message; any other goes to `look_up`."""

    def read(self, call: Call, shop: Shop) -> Taken | Refusal:
        """Check a send and read it; what the provider does not document is refused, not ignored."""

    def message_id(self, key: str) -> str:
        """Make a message id in the provider's shape from 32 hexadecimal digits."""

    def answer(self, taken: Taken, message_id: str, at: float) -> Answer:
        """Say that a message was taken."""

    def refuse(self, refusal: Refusal) -> Answer:
        """Say that a call was not taken."""

    def look_up(self, call: Call, shop: Shop, happened: Sequence[Happening]) -> Answer | None:
        """Answer a question (history, templates, the number's quality); None where there is no such call.

        `happened` is all that became of all messages so far, oldest first; a happening `accepted` begins each.
        """

    def posts(self, happenings: Sequence[Happening], shop: Shop, now: float) -> Sequence[Post]:
        """Write the webhooks that tell these happenings, signed as the provider signs, as few as it would post."""
