-- Nobody in the ledger is lost on the way to fct_campaigns, nobody counts twice, and all that was attributed is there.
with

ledger as (

    select campaign_id, count(*) as sends from {{ ref("stg_campaigns__sends") }}
    group by campaign_id

),

campaigns as (

    select
        campaign_id,
        sum(planned) as sends,
        sum(attributed_orders) as orders,
        sum(attributed_net_revenue) as revenue
    from {{ ref("fct_campaigns") }}
    group by campaign_id

),

attributed as (

    select campaign_id, sum(weight) as orders, sum(net) as revenue from {{ ref("int_orders_attributed_to_messages") }}
    group by campaign_id

),

final as (

    select
        ledger.campaign_id,
        ledger.sends as in_ledger,
        campaigns.sends as in_campaigns,
        attributed.orders as orders_attributed,
        campaigns.orders as orders_in_campaigns,
        attributed.revenue as revenue_attributed,
        campaigns.revenue as revenue_in_campaigns
    from ledger
    full join campaigns on ledger.campaign_id = campaigns.campaign_id
    left join attributed on campaigns.campaign_id = attributed.campaign_id
    where
        coalesce(ledger.sends, 0) <> coalesce(campaigns.sends, 0)
        or coalesce(campaigns.orders, 0) <> coalesce(attributed.orders, 0)
        or coalesce(campaigns.revenue, 0) <> coalesce(attributed.revenue, 0)

)

select * from final
