-- Who waits for an answer, as the filters of the Support page narrow them.
select dialogs.customer_id
from fct_dialogs as dialogs
left join dim_customers as customers on dialogs.customer_id = customers.customer_id
where
    dialogs.is_open
    and ($tags is null or list_contains($tags, coalesce(customers.order_value_tag, 'none')))
    and (not $is_overdue_only or dialogs.seconds_waited > 3600 * $hours)
    and ($is_open_after is null or dialogs.last_inbound_at + interval 24 hour > $is_open_after)
