with

orders as (

    select
        date_trunc($grain, timezone($zone, timezone('UTC', ordered_at))) as period,
        net,
        attributed_message_key is not null as is_attributed
    from fct_orders
    where ordered_at >= $since and ordered_at < $until

),

summed as (

    select
        period,
        sum(net) as net_revenue,
        coalesce(sum(net) filter (where is_attributed), 0) as attributed
    from orders
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
