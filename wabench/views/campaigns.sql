with

totals as (

    select
        campaign_id,
        sum(planned) as planned,
        sum(suppressed) as suppressed,
        sum(accepted) as accepted,
        sum(delivered) as delivered,
        sum(read) as read,
        sum(customers_delivered) as customers_delivered,
        sum(replied) as replied,
        sum(converted) as converted,
        sum(cost) as cost,
        sum(messages_without_cost) as messages_without_cost,
        sum(attributed_net_revenue) as revenue,
        max(currency) as currency
    from fct_campaigns
    group by campaign_id

)

select
    campaigns.name,
    campaigns.status,
    campaigns.segment,
    campaigns.template_name,
    coalesce(campaigns.started_at, campaigns.planned_at, campaigns.created_at) as since,
    totals.* exclude (campaign_id),
    case when totals.messages_without_cost = 0
        then cast(totals.revenue - totals.cost as double) / nullif(totals.cost, 0)
    end as roi
from dim_campaigns as campaigns
left join totals on campaigns.campaign_id = totals.campaign_id
order by since desc nulls last, campaigns.name
limit 200
