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
        count(replied_at) as replied,
        count(converted_at) as converted,
        count(opted_out_at) as opted_out,
        {{ money("sum(cost)") }} as cost,
        cast(sum(attributed_orders) as bigint) as attributed_orders,
        {{ money("sum(attributed_net_revenue)") }} as attributed_net_revenue
    from sends
    group by campaign_id, variant

),

final as (

    select
        counted.campaign_id,
        counted.variant,
        counted.planned,
        counted.suppressed,
        suppressed.suppressed_by_reason,
        counted.held,
        counted.waiting,
        counted.unknown,
        counted.accepted,
        counted.rejected,
        counted.failed,
        counted.delivered,
        counted.read,
        counted.replied,
        counted.converted,
        counted.opted_out,
        counted.cost,
        counted.attributed_orders,
        counted.attributed_net_revenue,
        '{{ var("currency") }}' as currency,
        {{ rate("counted.delivered", "counted.accepted") }} as delivery_rate,
        {{ rate("counted.failed", "counted.accepted") }} as failure_rate,
        {{ rate("counted.read", "counted.delivered") }} as read_rate,
        {{ rate("counted.replied", "counted.delivered") }} as reply_rate,
        {{ rate("counted.converted", "counted.delivered") }} as conversion_rate,
        {{ rate("counted.opted_out", "counted.delivered") }} as opt_out_rate,
        {{ rate("counted.attributed_net_revenue", "counted.cost") }} as revenue_per_1_spent,
        {{ rate("counted.attributed_net_revenue - counted.cost", "counted.cost") }} as roi
    from counted
    left join suppressed on counted.campaign_id = suppressed.campaign_id and counted.variant = suppressed.variant

)

select * from final
