"""What people say of being written to, where their provider tells it in no event of its own: a word, or a failure."""

from collections.abc import Sequence

from wabench.events import EventType, MessageEvent
from wabench.providers.errors import STOPPED_CODES
from wabench.replies.spoken import Command, command


def opt_outs(events: Sequence[MessageEvent]) -> list[MessageEvent]:
    """Give an `opt_out` for each event that states one, unless the provider's own of that person is beside it."""
    own = [event for event in events if event.event_type == EventType.OPT_OUT]
    told = {who for event in own for who in (event.phone, event.user_id) if who}
    return [_opt_out(event) for event in events if _is_stated(event) and told.isdisjoint((event.phone, event.user_id))]


def _is_stated(event: MessageEvent) -> bool:
    if event.event_type == EventType.FAILED:
        return event.error_code in STOPPED_CODES
    said = event.body_text if event.event_type == EventType.RECEIVED else None
    return said is not None and command(said) is Command.STOP


def _opt_out(event: MessageEvent) -> MessageEvent:
    return MessageEvent(
        event_id=f"{event.event_id}:opt_out",
        event_type=EventType.OPT_OUT,
        channel_id=event.channel_id,
        direction="in",
        occurred_at=event.occurred_at,
        phone=event.phone,
        user_id=event.user_id,
        body_text=event.body_text,
        error_code=event.error_code,
    )
