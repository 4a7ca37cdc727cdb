select
    source,
    rows,
    rejected,
    newest_at,
    last_received_at,
    last_loaded_at
from meta_sources
order by source
