select
    customer_id,
    name,
    '•••• ' || right(phone, 4) as phone,
    country,
    consent,
    frequency_tag,
    order_value_tag,
    engagement_tag,
    orders,
    cast(net_revenue as decimal(18, 2)) as net_revenue,
    cast(ltv_expected_12m as decimal(18, 2)) as ltv_expected_12m,
    last_order_at,
    last_interaction_at
from dim_customers
order by greatest(last_interaction_at, last_order_at) desc nulls last, customer_id
limit $size
