-- What customers wrote in a window, oldest first: the text as a rule would see it and as it may be shown, the shop's local
-- time, and whether they had never paid for an order by then.
select
    messages.message_key,
    messages.customer_id,
    timezone($zone, timezone('UTC', messages.received_at)) as local_at,
    messages.body_text as text,
    case when $is_masked then regexp_replace(messages.body_text, $private, $hidden, 'g') else messages.body_text end as shown,
    coalesce(customers.first_order_at >= messages.received_at, true) as is_new
from fct_messages as messages
left join dim_customers as customers on messages.customer_id = customers.customer_id
where
    messages.direction = 'in'
    and messages.body_text is not null
    and messages.received_at >= $since
    and messages.received_at < $until
order by messages.received_at, messages.message_key
