-- Each campaign over its variants. What one caused, with its interval, only where it has a single text: the intervals of
-- several don't add up.
select
    campaign_id,
    sum(planned) as planned,
    sum(suppressed) as suppressed,
    sum(holdout) as holdout,
    sum(accepted) as accepted,
    sum(delivered) as delivered,
    sum(read) as read,
    sum(customers_delivered) as customers_delivered,
    sum(replied) as replied,
    sum(converted) as converted,
    sum(opted_out) as opted_out,
    sum(cost) as cost,
    sum(messages_without_cost) as messages_without_cost,
    sum(attributed_orders) as orders,
    sum(attributed_net_revenue) as revenue,
    case when sum(messages_without_cost) = 0
        then cast(sum(attributed_net_revenue) - sum(cost) as double) / nullif(sum(cost), 0)::double
    end as roi,
    if(count(*) = 1, max(incremental_orders), null) as incremental_orders,
    if(count(*) = 1, max(incremental_orders_low), null) as incremental_orders_low,
    if(count(*) = 1, max(incremental_orders_high), null) as incremental_orders_high,
    max(currency) as currency
from fct_campaigns
group by campaign_id
