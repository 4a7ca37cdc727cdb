-- How far each source reaches, and how long it has brought nothing at as-of.
select
    source,
    rows,
    rejected,
    newest_at,
    last_received_at,
    last_rejected_at,
    last_loaded_at,
    epoch($as_of::timestamp - last_received_at) / 3600.0 as hours_silent
from meta_sources
order by hours_silent desc nulls first, source
