select
    month,
    channel,
    is_complete,
    customers,
    customers_change,
    orders,
    net_revenue,
    repeat_customers,
    repeat_share,
    ltv_historic_average,
    ltv_historic_change,
    ltv_expected_12m_average,
    ltv_expected_12m_change
from fct_ltv_months
order by channel desc, month
