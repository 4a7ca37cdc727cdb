-- The newest messages customers wrote in a window, oldest first: the text as a rule would see it and as it may be shown, the
-- shop's local time, and whether they had never paid for an order by then.
with

newest as (

    select * from fct_messages
    where
        direction = 'in'
        and body_text is not null
        and received_at >= $since
        and received_at < $until
    order by received_at desc, message_key desc
    limit $most

)

select
    newest.message_key,
    newest.customer_id,
    timezone($zone, timezone('UTC', newest.received_at)) as local_at,
    newest.body_text as text,
    case when $is_masked then regexp_replace(newest.body_text, $private, $hidden, 'g') else newest.body_text end as shown,
    coalesce(customers.first_order_at >= newest.received_at, true) as is_new
from newest
left join dim_customers as customers on newest.customer_id = customers.customer_id
order by newest.received_at, newest.message_key
