with

messages as (

    select
        delivered_at,
        read_at,
        failed_at,
        is_replied,
        cost,
        coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) as begun_at
    from fct_messages
    where direction = 'out'

)

select
    count(*) as accepted,
    count(delivered_at) as delivered,
    count(read_at) as read,
    count(*) filter (where is_replied) as replied,
    count(failed_at) as failed,
    sum(cost) as cost
from messages
where begun_at >= $since and begun_at < $until
