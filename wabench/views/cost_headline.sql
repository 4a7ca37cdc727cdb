-- What messages of a window cost and brought; `orders` of the window that follow a message, by the shop's attribution.
with

messages as (

    select
        sum(cost) as cost,
        count(*) as messages,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(*) filter (where is_replied) as replied,
        count(*) filter (where cost is null) as messages_without_cost,
        max(currency) as currency
    from fct_messages
    where direction = 'out'
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until

),

orders as (

    select
        count(*) filter (where is_paid) as orders,
        coalesce(sum(net), 0) as revenue
    from fct_orders
    where attributed_message_key is not null
        and ordered_at >= $since
        and ordered_at < $until

)

select * from messages, orders
