with

-- Summed by the quarter of an hour first, which every zone's days are made of: to tell each order's own day takes long.
quarters as (

    select
        time_bucket(interval 15 minute, ordered_at) as quarter,
        sum(net) as net,
        coalesce(sum(net) filter (where attributed_message_key is not null), 0) as attributed
    from fct_orders
    where ordered_at >= $since and ordered_at < $until
    group by quarter

),

summed as (

    select
        date_trunc($grain, timezone($zone, timezone('UTC', quarter))) as period,
        sum(net) as net_revenue,
        sum(attributed) as attributed
    from quarters
    group by period

),

-- A period without orders is a zero, not a gap.
periods as (

    select unnest(generate_series(
        min(period),
        max(period),
        case $grain when 'day' then interval 1 day when 'week' then interval 7 day else interval 1 month end
    )) as period
    from summed

)

select
    periods.period,
    coalesce(summed.net_revenue, 0) as net_revenue,
    coalesce(summed.attributed, 0) as attributed
from periods
left join summed on periods.period = summed.period
order by periods.period
