-- Who waits for an answer, high order value first, then who waits longest. A text is shown without phones and e-mails to
-- who may not see them.
with

-- Those who are shown first: what they wrote last is looked up for them alone.
shown as (

    select
        dialogs.customer_id,
        customers.name,
        '•••• ' || right(customers.phone, 4) as phone,
        dialogs.started_at,
        dialogs.last_inbound_at,
        dialogs.inbound_messages,
        dialogs.seconds_waited,
        dialogs.seconds_waited > 3600 * $hours as is_overdue,
        coalesce(customers.order_value_tag, 'none') as order_value_tag,
        customers.ltv_expected_12m,
        dialogs.last_inbound_at + interval 24 hour as window_open_until,
        dialogs.priority
    from fct_dialogs as dialogs
    left join dim_customers as customers on dialogs.customer_id = customers.customer_id
    where
        dialogs.is_open
        and ($tags is null or list_contains($tags, coalesce(customers.order_value_tag, 'none')))
        and (not $is_overdue_only or dialogs.seconds_waited > 3600 * $hours)
        and ($is_open_after is null or dialogs.last_inbound_at + interval 24 hour > $is_open_after)
    order by dialogs.priority, dialogs.started_at, dialogs.customer_id
    limit $size

),

last_said as (

    select
        customer_id,
        max_by(coalesce(body_text, content_type), received_at) as text
    from fct_messages
    where
        direction = 'in'
        and received_at is not null
        and customer_id in (select customer_id from shown)
    group by customer_id

)

select
    shown.*,
    case when $is_masked then regexp_replace(last_said.text, $private, $hidden, 'g') else last_said.text end as text
from shown
left join last_said on shown.customer_id = last_said.customer_id
order by shown.priority, shown.started_at, shown.customer_id
