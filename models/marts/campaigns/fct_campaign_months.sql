with

months as (

    select *, case when messages_without_cost = 0 then cost end as known_cost
    from {{ ref("int_sends_summed_to_months") }}

),

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}

),

texts as (

    select * from {{ ref("int_campaigns_spread_to_texts") }}

),

final as (

    select
        months.campaign_id,
        months.variant,
        months.month,
        campaigns.segment,
        campaigns.provider,
        coalesce(texts.template_name, campaigns.template_name) as template_name,
        campaigns.category,
        months.planned,
        months.suppressed,
        months.holdout,
        months.held,
        months.waiting,
        months.unknown,
        months.accepted,
        months.rejected,
        months.failed,
        months.delivered,
        months.read,
        months.customers_delivered,
        months.customers_replied as replied,
        months.customers_converted as converted,
        months.customers_opted_out as opted_out,
        months.opted_out_value,
        months.cost,
        months.messages_without_cost,
        months.attributed_orders,
        months.attributed_net_revenue,
        months.attributed_margin,
        months.attributed_orders_without_margin,
        '{{ var("currency") }}' as currency,
        {{ rate("months.attributed_net_revenue", "months.known_cost") }} as revenue_per_1_spent,
        {{ rate("months.attributed_net_revenue - months.known_cost", "months.known_cost") }} as roi
    from months
    inner join campaigns on months.campaign_id = campaigns.campaign_id
    left join texts on months.campaign_id = texts.campaign_id and months.variant = texts.variant

)

select * from final
