-- What fct_campaigns counts of deliveries, readings and cost is what fct_messages holds of its sends.
with

campaigns as (

    select
        campaign_id,
        sum(delivered) as delivered,
        sum(read) as read,
        sum(cost) as cost,
        sum(messages_without_cost) as messages_without_cost,
        count(*) as variants
    from {{ ref("fct_campaigns") }}
    group by campaign_id

),

messages as (

    select
        campaign_id,
        count(distinct case when delivered_at is not null then send_id end) as delivered,
        count(distinct case when read_at is not null then send_id end) as read,
        coalesce(sum(cost), 0) as cost,
        count(*) filter (where cost is null) as messages_without_cost
    from {{ ref("fct_messages") }}
    where campaign_id is not null
    group by campaign_id

),

-- Costs are rounded in each row.
final as (

    select
        coalesce(campaigns.campaign_id, messages.campaign_id) as campaign_id,
        campaigns.delivered as counted_delivered,
        messages.delivered as expected_delivered,
        campaigns.read as counted_read,
        messages.read as expected_read,
        campaigns.cost as counted_cost,
        messages.cost as expected_cost
    from campaigns
    full join messages on campaigns.campaign_id = messages.campaign_id
    where
        coalesce(campaigns.delivered, 0) <> coalesce(messages.delivered, 0)
        or coalesce(campaigns.read, 0) <> coalesce(messages.read, 0)
        or coalesce(campaigns.messages_without_cost, 0) <> coalesce(messages.messages_without_cost, 0)
        or abs(coalesce(campaigns.cost, 0) - coalesce(messages.cost, 0)) > 0.0001 * coalesce(campaigns.variants, 0)

)

select * from final
