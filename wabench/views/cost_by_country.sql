-- What messages of a window cost by the customer's country.
with

-- By customer first: there are fewer of them to look up than messages.
counted as (

    select
        customer_id,
        count(*) as messages,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(*) filter (where is_replied) as replied,
        sum(cost) as cost,
        count(*) filter (where cost is null) as messages_without_cost
    from fct_messages
    where direction = 'out'
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
    group by customer_id

)

select
    coalesce(customers.country, 'unknown') as value,
    sum(counted.messages)::bigint as messages,
    sum(counted.delivered)::bigint as delivered,
    sum(counted.read)::bigint as read,
    sum(counted.replied)::bigint as replied,
    coalesce(sum(counted.cost), 0) as cost,
    sum(counted.messages_without_cost)::bigint as messages_without_cost,
    sum(counted.cost)::double / nullif(sum(sum(counted.cost)) over (), 0)::double as share_of_cost
from counted
left join dim_customers as customers on counted.customer_id = customers.customer_id
group by 1
order by cost desc, messages desc, value
limit 50
