{%- set columns = (
    "planned", "suppressed", "holdout", "held", "waiting", "unknown", "accepted", "rejected", "failed", "delivered", "read",
    "customers_delivered", "replied", "converted", "opted_out", "opted_out_value", "cost", "messages_without_cost",
    "attributed_orders", "attributed_net_revenue", "attributed_margin", "attributed_orders_without_margin"
) %}
-- A campaign is the sum of its months.
with

months as (

    select
        campaign_id,
        variant
        {%- for column in columns %},
        sum({{ column }}) as {{ column }}
        {%- endfor %}
    from {{ ref("fct_campaign_months") }}
    group by campaign_id, variant

),

campaigns as (

    select * from {{ ref("fct_campaigns") }}

),

final as (

    select
        campaigns.campaign_id,
        campaigns.variant,
        months.planned as planned_in_months,
        campaigns.planned
    from campaigns
    full join months on campaigns.campaign_id = months.campaign_id and campaigns.variant = months.variant
    where
        {%- for column in columns %}
        {{ "or " if not loop.first }}not coalesce(months.{{ column }} = campaigns.{{ column }}, false)
        {%- endfor %}

)

select * from final
