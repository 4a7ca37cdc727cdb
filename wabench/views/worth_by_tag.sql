-- What the customers of each tag of a method brought and will bring.
with

tagged as (

    select
        case $method
            when 'frequency' then frequency_tag
            when 'order_value' then order_value_tag
            when 'engagement' then engagement_tag
            when 'rfm' then rfm_group
        end as tag,
        ltv_historic,
        ltv_expected_12m,
        ltv_expected_12m_variance
    from dim_customers

),

summed as (

    select
        tag,
        count(*) as customers,
        count(ltv_expected_12m) as valued,
        coalesce(sum(ltv_historic), 0) as historic,
        coalesce(sum(ltv_expected_12m), 0) as expected,
        coalesce(sum(ltv_expected_12m_variance), 0) as variance
    from tagged
    group by tag

)

select
    *,
    coalesce((select max(value_sd) from fct_ltv_fits where quarters_ago = 0), 0) as shared_sd,
    customers / sum(customers) over ()::double as share_of_customers,
    expected / nullif(sum(expected) over (), 0)::double as share_of_expected
from summed
order by expected desc, tag
