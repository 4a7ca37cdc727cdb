{%- set bounds = ("", "_low", "_high") %}
{%- set counts = (
    "planned", "suppressed", "holdout", "held", "waiting", "unknown", "accepted", "rejected", "failed", "delivered", "read",
    "customers_delivered", "customers_replied", "customers_converted", "customers_opted_out", "messages_without_cost",
    "attributed_orders_without_margin"
) %}

with

months as (

    select * from {{ ref("int_sends_summed_to_months") }}

),

sends as (

    select * from {{ ref("int_sends_followed_to_outcomes") }}

),

arms as (

    select * from {{ ref("int_sends_summed_to_arms") }}

),

lifted as (

    select * from {{ ref("int_campaigns_lifted") }}

),

texts as (

    select * from {{ ref("int_campaigns_spread_to_texts") }}

),

reasons as (

    select campaign_id, variant, coalesce(reason, 'no reason') as reason, count(*) as sends from sends
    where state = 'suppressed'
    group by campaign_id, variant, coalesce(reason, 'no reason')

),

suppressed as (

    select campaign_id, variant, {{ joined_text("reason || ': ' || sends") }} as suppressed_by_reason from reasons
    group by campaign_id, variant

),

counted as (

    select
        campaign_id,
        variant
        {%- for count in counts %},
        cast(sum({{ count }}) as bigint) as {{ count }}
        {%- endfor %}
        {%- for amount in ("cost", "attributed_orders", "attributed_net_revenue", "attributed_margin", "opted_out_value") %},
        {{ money("sum(" ~ amount ~ ")") }} as {{ amount }}
        {%- endfor %}
    from months
    group by campaign_id, variant

),

-- What brought so much for each unit spent can't be told while part of the spending is unknown, or of the margin.
costed as (

    select
        *,
        case when messages_without_cost = 0 then cost end as known_cost,
        case when attributed_orders_without_margin = 0 then attributed_margin end as known_margin
    from counted

),

final as (

    select
        costed.campaign_id,
        costed.variant,
        texts.template_name,
        texts.share as variant_share,
        costed.planned,
        costed.suppressed,
        suppressed.suppressed_by_reason,
        costed.holdout,
        costed.held,
        costed.waiting,
        costed.unknown,
        costed.accepted,
        costed.rejected,
        costed.failed,
        costed.delivered,
        costed.read,
        costed.customers_delivered,
        costed.customers_replied as replied,
        costed.customers_converted as converted,
        costed.customers_opted_out as opted_out,
        costed.opted_out_value,
        costed.cost,
        costed.messages_without_cost,
        costed.attributed_orders,
        costed.attributed_net_revenue,
        costed.attributed_margin,
        costed.attributed_orders_without_margin,
        '{{ var("currency") }}' as currency,
        {{ rate("costed.delivered", "costed.accepted") }} as delivery_rate,
        {{ rate("costed.failed", "costed.accepted") }} as failure_rate,
        {{ rate("costed.read", "costed.delivered") }} as read_rate,
        {{ rate("costed.customers_replied", "costed.customers_delivered") }} as reply_rate,
        {{ rate("costed.customers_converted", "costed.customers_delivered") }} as conversion_rate,
        {{ rate("costed.customers_opted_out", "costed.customers_delivered") }} as opt_out_rate,
        {{ rate("costed.attributed_net_revenue", "costed.known_cost") }} as revenue_per_1_spent,
        {{ rate("costed.attributed_net_revenue - costed.known_cost", "costed.known_cost") }} as roi,
        {{ rate("costed.known_margin - costed.known_cost", "costed.known_cost") }} as margin_roi,
        coalesce(arms.treated_customers, 0) as customers_treated,
        coalesce(arms.held_out_customers, 0) as customers_held_out,
        arms.measured_until as lift_measured_until,
        {{ rate("arms.treated_conversions", "arms.treated_customers") }} as treated_conversion_rate,
        {{ rate("arms.held_out_conversions", "arms.held_out_customers") }} as held_out_conversion_rate,
        {%- for arm in ("treated", "held_out") %}
        {{ money("arms." ~ arm ~ "_pre_period_net_revenue / nullif(arms." ~ arm ~ "_customers, 0)") }}
            as {{ arm }}_pre_period_net_revenue,
        {%- endfor %}
        lifted.sample_ratio_p,
        lifted.sample_ratio_p < {{ var("sample_ratio_p") }} as is_sample_ratio_off,
        lifted.variance_removed
        {%- for bound in bounds %},
        lifted.incremental_conversions{{ bound }}
        {%- endfor %}
        {%- for bound in bounds %},
        lifted.incremental_orders{{ bound }}
        {%- endfor %}
        {%- for bound in bounds %},
        {{ money("lifted.incremental_net_revenue" ~ bound) }} as incremental_net_revenue{{ bound }}
        {%- endfor %}
        {%- for bound in bounds %},
        {{ money("lifted.cost_per_incremental_order" ~ bound) }} as cost_per_incremental_order{{ bound }}
        {%- endfor %}
        {%- for bound in bounds %},
        lifted.incremental_conversions_shrunk{{ bound }}
        {%- endfor %}
        {%- for bound in bounds %},
        {{ money("lifted.incremental_net_revenue_shrunk" ~ bound) }} as incremental_net_revenue_shrunk{{ bound }}
        {%- endfor %}
    from costed
    left join texts on costed.campaign_id = texts.campaign_id and costed.variant = texts.variant
    left join suppressed on costed.campaign_id = suppressed.campaign_id and costed.variant = suppressed.variant
    left join arms on costed.campaign_id = arms.campaign_id and costed.variant = arms.variant
    left join lifted on costed.campaign_id = lifted.campaign_id and costed.variant = lifted.variant

)

select * from final
