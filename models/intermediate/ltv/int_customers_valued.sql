{{ config(materialized="view") }}

-- Expected figures of customers who ever bought, in money and with names. How likely they are to be gone is told only
-- where a model says it, and a next order only where it is expected within ten years.

with

customers as (

    select * from {{ ref("int_customers_forecast") }}

),

thresholds as (

    select * from {{ ref("int_tag_thresholds_pivoted") }}

),

final as (

    select
        customers.customer_id,
        {{ money("customers.value") }} as ltv_expected_12m,
        {{ money("customers.value_low") }} as ltv_expected_12m_low,
        {{ money("customers.value_high") }} as ltv_expected_12m_high,
        case
            when customers.value < thresholds.ltv_low_below then 'low'
            when customers.value <= thresholds.ltv_high_above then 'medium'
            when customers.value is not null then 'high'
            else 'none'
        end as ltv_band,
        customers.value_variance as ltv_expected_12m_variance,
        customers.orders as expected_orders_12m,
        customers.p_alive,
        case
            when customers.p_alive < thresholds.churn_risk_high_below then 'high'
            when customers.p_alive < thresholds.churn_risk_medium_below then 'medium'
            when customers.p_alive is not null then 'low'
            else 'none'
        end as churn_risk,
        case
            when customers.days_to_next_order <= 3650
                then cast(date_trunc('second', {{ as_of() }} + customers.days_to_next_order * interval '1' day) as timestamp)
        end as expected_next_order_at,
        customers.basis as ltv_basis
    from customers
    cross join thresholds

)

select * from final
