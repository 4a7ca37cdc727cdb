-- Who waits for an answer for too long by now, high order value first, then who waits longest.
select
    dialogs.dialog_id,
    dialogs.customer_id,
    dialogs.last_inbound_at,
    right(customers.phone, 4) as phone_end,
    coalesce(customers.order_value_tag, 'none') as order_value_tag,
    date_diff('second', dialogs.started_at, $now) as seconds_waited
from fct_dialogs as dialogs
left join dim_customers as customers on dialogs.customer_id = customers.customer_id
where
    dialogs.is_open
    and date_diff('second', dialogs.started_at, $now) >= 3600 * $hours
order by dialogs.priority, dialogs.started_at, dialogs.dialog_id
limit $most
