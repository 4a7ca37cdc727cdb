-- The parts of an order that several messages share are the whole order, no less and no more, and one is the main one.
with

parts as (

    select
        order_key,
        sum(weight) as weight,
        sum(net) as net,
        count(*) filter (where is_main) as mains
    from {{ ref("int_orders_attributed_to_messages") }}
    group by order_key

),

orders as (

    select * from {{ ref("fct_orders") }}
    where attributed_message_key is not null

),

final as (

    select
        coalesce(parts.order_key, orders.order_key) as order_key,
        parts.weight,
        parts.mains,
        parts.net as net_of_parts,
        orders.net
    from parts
    full join orders on parts.order_key = orders.order_key
    where not coalesce(parts.weight = 1 and parts.mains = 1 and parts.net = orders.net, false)

)

select * from final
