with

sends as (

    select * from {{ ref("int_sends_followed_to_outcomes") }}

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
        variant,
        count(*) as planned,
        {%- for state in ("suppressed", "held", "waiting", "unknown", "accepted", "rejected") %}
        count(*) filter (where state = '{{ state }}') as {{ state }},
        {%- endfor %}
        count(failed_at) as failed,
        count(delivered_at) as delivered,
        count(read_at) as read,
        {%- for outcome in ("delivered", "replied", "converted", "opted_out") %}
        count(distinct case when {{ outcome }}_at is not null then customer_id end) as customers_{{ outcome }},
        {%- endfor %}
        {{ money("sum(cost)") }} as cost,
        cast(sum(messages_without_cost) as bigint) as messages_without_cost,
        cast(sum(attributed_orders) as bigint) as attributed_orders,
        {{ money("sum(attributed_net_revenue)") }} as attributed_net_revenue
    from sends
    group by campaign_id, variant

),

-- What brought so much for each unit spent can't be told while part of the spending is unknown.
costed as (

    select *, case when messages_without_cost = 0 then cost end as known_cost from counted

),

final as (

    select
        costed.campaign_id,
        costed.variant,
        costed.planned,
        costed.suppressed,
        suppressed.suppressed_by_reason,
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
        costed.cost,
        costed.messages_without_cost,
        costed.attributed_orders,
        costed.attributed_net_revenue,
        '{{ var("currency") }}' as currency,
        {{ rate("costed.delivered", "costed.accepted") }} as delivery_rate,
        {{ rate("costed.failed", "costed.accepted") }} as failure_rate,
        {{ rate("costed.read", "costed.delivered") }} as read_rate,
        {{ rate("costed.customers_replied", "costed.customers_delivered") }} as reply_rate,
        {{ rate("costed.customers_converted", "costed.customers_delivered") }} as conversion_rate,
        {{ rate("costed.customers_opted_out", "costed.customers_delivered") }} as opt_out_rate,
        {{ rate("costed.attributed_net_revenue", "costed.known_cost") }} as revenue_per_1_spent,
        {{ rate("costed.attributed_net_revenue - costed.known_cost", "costed.known_cost") }} as roi
    from costed
    left join suppressed on costed.campaign_id = suppressed.campaign_id and costed.variant = suppressed.variant

)

select * from final
