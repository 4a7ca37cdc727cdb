-- Who has these scores.
select customer_id
from dim_customers
where rfm_recency = $recency
    and rfm_frequency = $frequency
