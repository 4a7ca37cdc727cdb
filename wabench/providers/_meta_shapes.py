"""The parts of Meta's `messages` webhook that wabench reads, typed; what is not named here is skipped unread."""

import msgspec


class _Shape(msgspec.Struct, gc=False):
    """Everything is optional: Meta leaves out what it does not know or may not tell."""


class Text(_Shape):
    body: str | None = None
    caption: str | None = None
    text: str | None = None
    title: str | None = None
    payload: str | None = None
    name: str | None = None
    filename: str | None = None
    message_id: str | None = None
    emoji: str | None = None
    type: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    original_message_id: str | None = None
    button_reply: "Text | None" = None
    list_reply: "Text | None" = None
    nfm_reply: "Text | None" = None


class Context(_Shape):
    id: str | None = None


class Referral(_Shape):
    ctwa_clid: str | None = None
    source_id: str | None = None


class Error(_Shape):
    code: int | str | None = None


class Message(_Shape, rename={"from_": "from"}):
    id: str | None = None
    from_: str | None = None
    from_user_id: str | None = None
    from_parent_user_id: str | None = None
    timestamp: str | int | None = None
    type: str | None = None
    context: Context | None = None
    referral: Referral | None = None
    errors: list[Error] | None = None
    text: Text | None = None
    button: Text | None = None
    interactive: Text | None = None
    reaction: Text | None = None
    image: Text | None = None
    video: Text | None = None
    audio: Text | None = None
    document: Text | None = None
    sticker: Text | None = None
    location: Text | None = None
    order: Text | None = None
    system: Text | None = None
    edit: Text | None = None
    revoke: Text | None = None


class Pricing(_Shape):
    category: str | None = None
    type: str | None = None


class Status(_Shape):
    id: str | None = None
    status: str | None = None
    timestamp: str | int | None = None
    recipient_id: str | None = None
    recipient_user_id: str | None = None
    recipient_parent_user_id: str | None = None
    parent_recipient_user_id: str | None = None  # as older pages of the documentation spell it
    recipient_type: str | None = None
    recipient_participant_id: str | None = None
    biz_opaque_callback_data: str | None = None
    pricing: Pricing | None = None
    errors: list[Error] | None = None


class Profile(_Shape):
    name: str | None = None
    username: str | None = None


class Contact(_Shape):
    wa_id: str | None = None
    user_id: str | None = None
    parent_user_id: str | None = None
    profile: Profile | None = None


class Metadata(_Shape):
    phone_number_id: str | None = None


class Value(_Shape):
    metadata: Metadata | None = None
    contacts: list[Contact] | None = None
    messages: list[Message] | None = None
    statuses: list[Status] | None = None
    errors: list[Error] | None = None


class Change(_Shape):
    field: str
    value: Value


class Entry(_Shape):
    changes: list[Change]


class Webhook(_Shape):
    entry: list[Entry]
