select
    customer_id,
    name,
    case when $is_masked then '•••• ' || right(phone, 4) else phone end as phone,
    country,
    consent,
    frequency_tag,
    order_value_tag,
    engagement_tag,
    orders,
    cast(net_revenue as decimal(18, 2)) as net_revenue,
    cast(ltv_expected_12m as decimal(18, 2)) as ltv_expected_12m,
    currency,
    last_order_at,
    last_interaction_at
from dim_customers
where customer_id in (select customer_id from ({behind}))
order by net_revenue desc, customer_id
limit $size
