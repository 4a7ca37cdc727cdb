"""What people say of being written to, where their provider tells it in no event of its own: a word, or a failure."""

from collections.abc import Sequence

from wabench.events import EventType, MessageEvent
from wabench.providers.errors import STOPPED_CODES
from wabench.replies.spoken import Command, command

_STATED = {Command.STOP: EventType.OPT_OUT, Command.START: EventType.OPT_IN}


def statements(events: Sequence[MessageEvent]) -> list[MessageEvent]:
    """Give an `opt_out` or `opt_in` for each event that states one, unless the provider's own of it is beside it."""
    own = [event for event in events if event.event_type in _STATED.values()]
    told = {(event.event_type, who) for event in own for who in (event.phone, event.user_id) if who}
    found = [(event, kind) for event in events if (kind := _stated(event))]
    return [
        _statement(event, kind)
        for event, kind in found
        if told.isdisjoint({(kind, event.phone), (kind, event.user_id)})
    ]  # fmt: skip


def _stated(event: MessageEvent) -> EventType | None:
    if event.event_type == EventType.FAILED:
        return EventType.OPT_OUT if event.error_code in STOPPED_CODES else None
    said = command(event.body_text) if event.event_type == EventType.RECEIVED and event.body_text else None
    return _STATED.get(said) if said else None


def _statement(event: MessageEvent, kind: EventType) -> MessageEvent:
    return MessageEvent(
        event_id=f"{event.event_id}:{kind}",
        event_type=kind,
        channel_id=event.channel_id,
        direction="in",
        occurred_at=event.occurred_at,
        phone=event.phone,
        user_id=event.user_id,
        body_text=event.body_text,
        error_code=event.error_code,
    )
