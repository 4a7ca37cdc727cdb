-- What campaigns cost and brought, by the month of their sends. Per 1 spent only where every message's cost is known.
select
    month,
    count(distinct campaign_id) as campaigns,
    sum(accepted)::bigint as accepted,
    sum(delivered)::bigint as delivered,
    sum(converted)::bigint as converted,
    sum(cost) as cost,
    sum(messages_without_cost)::bigint as messages_without_cost,
    sum(attributed_orders) as orders,
    sum(attributed_net_revenue) as revenue,
    case when sum(messages_without_cost) = 0 then sum(attributed_net_revenue)::double / nullif(sum(cost), 0) end
        as revenue_per_1_spent
from fct_campaign_months
group by month
having sum(accepted) > 0
order by month
