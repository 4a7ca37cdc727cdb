-- An order belongs to a message of its own customer that touched them before it, less than `attribution_days` ago.
with

orders as (

    select * from {{ ref("fct_orders") }}

),

messages as (

    select * from {{ ref("int_messages_priced") }}

),

final as (

    select
        orders.order_key,
        orders.ordered_at,
        messages.touched_at,
        orders.customer_id,
        messages.customer_id as messaged_customer_id
    from orders
    inner join messages on orders.attributed_message_key = messages.message_key
    where
        messages.touched_at is null
        or orders.ordered_at < messages.touched_at
        or orders.ordered_at >= messages.touched_at + interval '{{ var("attribution_days") }}' day
        or orders.customer_id <> messages.customer_id
        or coalesce(orders.attributed_campaign_id, '') <> coalesce(messages.campaign_id, '')

)

select * from final
