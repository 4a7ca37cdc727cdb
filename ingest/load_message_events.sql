-- One row an event however often it is received: event_id tells two events apart.
insert into raw.message_events by name
select
    incoming.*,
    $load_id as load_id
from incoming
where not exists (select 1 from raw.message_events as known where known.event_id = incoming.event_id)
