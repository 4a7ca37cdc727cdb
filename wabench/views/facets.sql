select
    case
        when grouping(frequency_tag) = 0 then 'frequency_tag'
        when grouping(order_value_tag) = 0 then 'order_value_tag'
        when grouping(engagement_tag) = 0 then 'engagement_tag'
        when grouping(consent) = 0 then 'consent'
        else 'country'
    end as field,
    coalesce(frequency_tag, order_value_tag, engagement_tag, consent, country) as value,
    count(*) as customers
from dim_customers
group by grouping sets (frequency_tag, order_value_tag, engagement_tag, consent, country)
order by field, customers desc, value
