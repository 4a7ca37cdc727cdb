-- Who ordered in a window; with `is_attributed`, only orders that count, or do not count, for a message.
select customer_id
from fct_orders
where ordered_at >= $since
    and ordered_at < $until
    and ($is_attributed is null or (attributed_message_key is not null) = $is_attributed)
