with

orders as (

    select * from {{ ref("int_orders_converted_to_currency") }}

),

attributed as (

    select * from {{ ref("int_orders_attributed_to_messages") }}
    where is_main

),

final as (

    select
        orders.order_key,
        orders.source,
        orders.order_id,
        orders.customer_id,
        orders.customer_ref,
        orders.ordered_at,
        orders.updated_at,
        orders.status,
        orders.is_paid,
        orders.total,
        orders.refunded,
        {{ money("orders.net") }} as net,
        orders.margin,
        orders.currency,
        orders.original_currency,
        orders.original_total,
        attributed.message_key as attributed_message_key,
        attributed.campaign_id as attributed_campaign_id
    from orders
    left join attributed on orders.order_key = attributed.order_key

)

select * from final
