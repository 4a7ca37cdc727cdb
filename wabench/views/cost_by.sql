-- What messages of a window cost by category or by provider.
with

messages as (

    select
        case $by when 'category' then coalesce(category, 'unknown') when 'provider' then provider end as value,
        delivered_at,
        read_at,
        is_replied,
        cost
    from fct_messages
    where direction = 'out'
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until

)

select
    value,
    count(*) as messages,
    count(delivered_at) as delivered,
    count(read_at) as read,
    count(*) filter (where is_replied) as replied,
    coalesce(sum(cost), 0) as cost,
    count(*) filter (where cost is null) as messages_without_cost,
    sum(cost)::double / nullif(sum(sum(cost)) over (), 0)::double as share_of_cost
from messages
group by value
order by cost desc, messages desc, value
