-- Who brought, or will bring, an amount from `low` on, without `high`; without `low`, nothing or less.
with

valued as (

    select
        customer_id,
        (case $measure when 'historic' then ltv_historic else ltv_expected_12m end)::double as value
    from dim_customers
    where orders > 0

)

select customer_id
from valued
where case when $low is null then value <= 0 else value > 0 and value >= $low::double and value < $high::double end
