-- Last touch: a paid order belongs to the latest campaign message delivered to its customer at or before it, while
-- that is less than `attribution_days` ago.

with

messages as (

    select * from {{ ref("int_messages_classified") }}

),

orders as (

    select * from {{ ref("int_orders_converted_to_currency") }}

),

touches as (

    select
        message_key,
        customer_id,
        campaign_id,
        send_id,
        touched_at,
        row_number() over (partition by customer_id order by touched_at, message_key) as touch_number
    from messages
    where direction = 'out' and campaign_id is not null and touched_at is not null and customer_id is not null

),

timeline as (

    select customer_id, touched_at as happened_at, 0 as place, touch_number, null as order_key from touches
    union all
    select customer_id, ordered_at, 1, null, order_key from orders
    where is_paid and customer_id in (select customer_id from touches)

),

numbered as (

    select
        customer_id,
        order_key,
        happened_at as ordered_at,
        max(touch_number) over (
            partition by customer_id order by happened_at, place rows between unbounded preceding and current row
        ) as touch_number
    from timeline

),

final as (

    select
        numbered.order_key,
        touches.message_key,
        touches.campaign_id,
        touches.send_id
    from numbered
    inner join touches
        on numbered.customer_id = touches.customer_id
        and numbered.touch_number = touches.touch_number
    where
        numbered.order_key is not null
        and numbered.ordered_at < touches.touched_at + interval '{{ var("attribution_days") }}' day

)

select * from final
