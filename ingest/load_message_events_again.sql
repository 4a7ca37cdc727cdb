-- Of an event received twice the first arrival stands, whichever is loaded first.
update raw.message_events
set
    received_at = incoming.received_at,
    landing_ref = incoming.landing_ref
from incoming
where message_events.event_id = incoming.event_id
    and (message_events.received_at, message_events.landing_ref) > (incoming.received_at, incoming.landing_ref)
