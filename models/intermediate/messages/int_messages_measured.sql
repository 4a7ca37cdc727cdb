{{ config(materialized="view") }}

-- What had been counted of each promotional message's customer by the moment before it reached them. Everything that
-- happened to a customer is put on one line in time, and each message sees what stands before it. An order also leaves the
-- 90 days again: it is counted at its time and taken back 90 days later, which costs a row and not a second window. An order
-- belongs to the last of these messages before it. Those still within reach of an order at as_of are left out.

{% set reach = "interval '" ~ var("attribution_days") ~ "' day" %}

with

messages as (

    select * from {{ ref("int_messages_priced") }}

),

orders as (

    select * from {{ ref("int_orders_converted_to_currency") }}

),

promotions as (

    select
        message_key,
        customer_id,
        touched_at,
        read_at,
        cost,
        row_number() over (partition by customer_id, touched_at order by message_key desc) = 1 as is_last_of_moment
    from messages
    where
        direction = 'out'
        and customer_id is not null
        and (campaign_id is not null or category like 'marketing%')
        and {{ in_window("touched_at + " ~ reach, var("effectiveness_days")) }}

),

reached as (

    select distinct customer_id from promotions

),

past_orders as (

    select customer_id, ordered_at, net, case when is_paid then 1 else 0 end as orders from orders
    where customer_id in (select customer_id from reached) and {{ in_window("ordered_at") }}

),

interactions as (

    {%- for moment in ("received_at", "reacted_at", "read_at", "clicked_at") %}
    select customer_id, {{ moment }} as interacted_at from messages
    where {{ moment }} is not null and customer_id in (select customer_id from reached)
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

-- What happened at the very moment of a message comes after it.
timeline as (

    select
        customer_id,
        touched_at as happened_at,
        0 as place,
        message_key,
        touched_at,
        cast(null as timestamp) as interacted_at,
        cast(null as timestamp) as ordered_at,
        0 as orders,
        0 as orders_90d,
        0 as net
    from promotions
    union all
    select customer_id, ordered_at, 1, null, null, null, case when orders = 1 then ordered_at end, orders, orders, net
    from past_orders
    union all
    select customer_id, ordered_at + interval '90' day, 1, null, null, null, null, 0, -1, 0 from past_orders
    where orders = 1
    union all
    select customer_id, interacted_at, 1, null, null, interacted_at, null, 0, 0, 0 from interactions

),

counted as (

    select
        customer_id,
        happened_at,
        message_key,
        orders as orders_now,
        max(touched_at) over so_far as last_touched_at,
        max(interacted_at) over so_far as last_interaction_at,
        max(ordered_at) over so_far as last_order_at,
        sum(orders) over so_far as orders,
        sum(orders_90d) over so_far as orders_90d,
        sum(net) over so_far as net_revenue
    from timeline
    window so_far as (
        partition by customer_id order by happened_at, place rows between unbounded preceding and current row
    )

),

brought as (

    select customer_id, last_touched_at, count(*) as orders from counted
    where orders_now = 1 and happened_at < last_touched_at + {{ reach }}
    group by customer_id, last_touched_at

),

final as (

    select
        promotions.message_key,
        promotions.customer_id,
        promotions.touched_at,
        promotions.read_at,
        promotions.cost,
        counted.orders as orders_before,
        counted.orders_90d as orders_90d_before,
        counted.net_revenue as net_revenue_before,
        counted.last_order_at,
        counted.last_interaction_at,
        coalesce(brought.orders, 0) as orders
    from promotions
    inner join counted on promotions.message_key = counted.message_key
    left join brought
        on promotions.is_last_of_moment
        and promotions.customer_id = brought.customer_id
        and promotions.touched_at = brought.last_touched_at

)

select * from final
