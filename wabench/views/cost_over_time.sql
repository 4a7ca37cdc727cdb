-- The same over time: messages by when they were sent, orders by when they were placed.
with

-- By quarter of an hour first: a local time is then looked up for some thousand of them and not for each message.
messages as (

    select
        time_bucket(interval 15 minutes, coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at)) as happened_at,
        sum(cost) as cost,
        count(*) as messages,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(*) filter (where is_replied) as replied,
        count(*) filter (where cost is null) as messages_without_cost,
        0 as orders
    from fct_messages
    where direction = 'out'
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
    group by 1

),

orders as (

    select
        time_bucket(interval 15 minutes, ordered_at) as happened_at,
        count(*) as orders
    from fct_orders
    where attributed_message_key is not null
        and is_paid
        and ordered_at >= $since
        and ordered_at < $until
    group by 1

),

happened as (

    select * from messages
    union all by name
    select * from orders

)

select
    date_trunc($grain, timezone($zone, timezone('UTC', happened_at))) as period,
    coalesce(sum(cost), 0) as cost,
    coalesce(sum(messages), 0)::bigint as messages,
    coalesce(sum(delivered), 0)::bigint as delivered,
    coalesce(sum(read), 0)::bigint as read,
    coalesce(sum(replied), 0)::bigint as replied,
    coalesce(sum(orders), 0)::bigint as orders,
    coalesce(sum(messages_without_cost), 0)::bigint as messages_without_cost
from happened
group by 1
order by period
