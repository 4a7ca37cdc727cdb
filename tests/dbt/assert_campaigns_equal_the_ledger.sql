-- Nobody in the ledger is lost on the way to fct_campaigns, and nobody counts twice.
with

ledger as (

    select campaign_id, count(*) as sends from {{ ref("stg_campaigns__sends") }}
    group by campaign_id

),

campaigns as (

    select campaign_id, sum(planned) as sends, sum(attributed_net_revenue) as revenue from {{ ref("fct_campaigns") }}
    group by campaign_id

),

orders as (

    select attributed_campaign_id as campaign_id, sum(net) as revenue from {{ ref("fct_orders") }}
    where attributed_campaign_id is not null
    group by attributed_campaign_id

),

final as (

    select
        ledger.campaign_id,
        ledger.sends as in_ledger,
        campaigns.sends as in_campaigns,
        orders.revenue as attributed_in_orders,
        campaigns.revenue as attributed_in_campaigns
    from ledger
    full join campaigns on ledger.campaign_id = campaigns.campaign_id
    left join orders on campaigns.campaign_id = orders.campaign_id
    where
        coalesce(ledger.sends, 0) <> coalesce(campaigns.sends, 0)
        or coalesce(campaigns.revenue, 0) <> coalesce(orders.revenue, 0)

)

select * from final
