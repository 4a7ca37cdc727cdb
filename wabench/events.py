"""The message event: what every provider's webhooks and history are normalised to."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Direction(StrEnum):
    """Which way a message went, seen from the shop."""

    IN = "in"
    OUT = "out"


class EventType(StrEnum):
    """Everything a provider can tell about a message, a person, a template or the account."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    RECEIVED = "received"
    REACTION = "reaction"
    CLICKED = "clicked"
    DELETED = "deleted"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    TEMPLATE_UPDATE = "template_update"
    QUALITY_UPDATE = "quality_update"
    LIMIT_UPDATE = "limit_update"
    IDENTITY_UPDATE = "identity_update"
    UNKNOWN = "unknown"


class MessageEvent(msgspec.Struct, frozen=True, gc=False):
    """One normalised event, without where and when it was received (the loader knows that).

    `event_id` is deterministic, so that the same event received twice is one row. Times are aware and UTC.
    `phone` is E.164; `user_id` is the provider's business-scoped id; either, both or neither may be known.
    """

    event_id: str
    event_type: str
    channel_id: str | None = None
    message_id: str | None = None
    direction: str | None = None
    occurred_at: datetime | None = None
    phone: str | None = None
    user_id: str | None = None
    profile_name: str | None = None
    username: str | None = None
    content_type: str | None = None
    body_text: str | None = None
    template_name: str | None = None
    category: str | None = None
    pricing_type: str | None = None
    price: float | None = None
    currency: str | None = None
    error_code: str | None = None
    error_family: str | None = None
    callback_data: str | None = None
    reply_to_message_id: str | None = None
    ad_click_id: str | None = None
    template_language: str | None = None
    template_id: str | None = None
