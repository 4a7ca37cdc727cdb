select
    customer_id,
    name,
    '•••• ' || right(phone, 4) as phone,
    country,
    locale,
    consent,
    frequency_tag,
    order_value_tag,
    engagement_tag,
    orders,
    net_revenue,
    average_order_value,
    ltv_expected_12m,
    last_order_at,
    currency
from dim_customers
where customer_id = $customer_id
