{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref("int_customers_measured") }}

),

thresholds as (

    select
        {%- for name in (
            "frequency_monthly_orders", "order_value_low_below", "order_value_high_above",
            "engagement_active_days", "engagement_recent_days", "engagement_inactive_days"
        ) %}
        max(case when threshold = '{{ name }}' then value end) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref("tag_thresholds") }}

),

measured as (

    select *, {{ seconds_between("last_interaction_at", as_of()) }} / 86400.0 as days_silent from customers

),

final as (

    select
        customer_id,
        case
            when orders_90d >= frequency_monthly_orders then 'monthly'
            when orders_90d > 0 then 'quarterly'
            when orders > 0 then 'rare'
            else 'none'
        end as frequency_tag,
        case
            when average_order_value < order_value_low_below then 'low'
            when average_order_value <= order_value_high_above then 'medium'
            when average_order_value > order_value_high_above then 'high'
            else 'none'
        end as order_value_tag,
        case
            when days_silent <= engagement_active_days then 'active_7d'
            when days_silent <= engagement_recent_days then 'recent_30d'
            when days_silent <= engagement_inactive_days then 'inactive_90d'
            else 'cold'
        end as engagement_tag
    from measured
    cross join thresholds

)

select * from final
