{people}

-- The bucket is a stable hash, so its order is a random one that does not change between two looks.
select
    customer_id,
    name,
    '•••• ' || right(phone, 4) as phone,
    country,
    consent,
    is_reachable,
    frequency_tag,
    order_value_tag,
    engagement_tag,
    orders,
    net_revenue,
    last_order_at,
    last_interaction_at
from people
where {decided}
order by bucket, customer_id
limit $size
