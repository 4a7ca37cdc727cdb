-- Who got messages of ours of a category in a window, or wrote ones (`inbound`).
select customer_id
from fct_messages
where coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at, received_at, reacted_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at, received_at, reacted_at) < $until
    and case direction when 'in' then 'inbound' else coalesce(category, 'unknown') end = $kind
