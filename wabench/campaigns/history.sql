-- What came of the shop's earlier sends of a category: each campaign (each of its variants), and, of what was sent
-- outside campaigns, each month of a number. The newest first. What can't be known of the latter is null: of what
-- failed there is often no category, so how many were sent is not known either.
with

campaigns as (

    select
        dim.started_at,
        fct.accepted as sent,
        fct.customers_delivered as delivered,
        fct.read,
        fct.replied,
        fct.converted,
        fct.opted_out,
        fct.attributed_orders::double as orders
    from fct_campaigns as fct
    inner join dim_campaigns as dim on fct.campaign_id = dim.campaign_id
    where dim.category = $category and dim.campaign_id <> $campaign_id and fct.accepted > 0

),

other_messages as (

    select
        min(coalesce(sent_at, accepted_at, delivered_at)) as started_at,
        null::bigint as sent,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(*) filter (where is_replied and delivered_at is not null) as replied,
        count(converted_at) filter (where delivered_at is not null) as converted,
        null::bigint as opted_out,
        null::double as orders
    from fct_messages
    where
        direction = 'out'
        and category = $category
        and campaign_id is null
        and coalesce(sent_at, accepted_at, delivered_at) >= $since
    group by provider, channel_id, date_trunc('month', coalesce(sent_at, accepted_at, delivered_at))

),

final as (

    select *, true as is_campaign from campaigns
    union all by name
    select *, false as is_campaign from other_messages

)

select * from final
order by started_at desc
limit $most
