-- Customers by what they brought or will bring, in steps of 1, 2, 5, 10: from `low` on, without `high`. Of 0 or less, and of
-- those of whom nothing is expected, neither.
with

valued as (

    select
        (case $measure when 'historic' then ltv_historic else ltv_expected_12m end)::double as value
    from dim_customers
    where orders > 0

),

scaled as (

    select
        value,
        pow(10, greatest(floor(log10(value)), 0)) as scale
    from valued
    where value > 0

),

binned as (

    select
        value,
        case when value < 1 then 0 when value < 2 * scale then scale when value < 5 * scale then 2 * scale
            else 5 * scale end as low,
        case when value < 1 then 1 when value < 2 * scale then 2 * scale when value < 5 * scale then 5 * scale
            else 10 * scale end as high
    from scaled
    union all
    select value, null, null from valued
    where value <= 0

),

counted as (

    select
        low,
        high,
        count(*) as customers,
        sum(value) as value
    from binned
    group by low, high

)

select
    low,
    high,
    customers,
    value,
    customers / sum(customers) over ()::double as share_of_customers,
    value / nullif(sum(value) over (), 0) as share_of_value
from counted
order by low nulls first
