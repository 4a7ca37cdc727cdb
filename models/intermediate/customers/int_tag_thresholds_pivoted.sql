{{ config(materialized="view") }}

with

thresholds as (

    select * from {{ ref("tag_thresholds") }}

),

final as (

    select
        {%- for name in (
            "frequency_monthly_orders", "order_value_low_below", "order_value_high_above",
            "engagement_active_days", "engagement_recent_days", "engagement_inactive_days"
        ) %}
        max(case when threshold = '{{ name }}' then value end) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from thresholds

)

select * from final
