with

measured as (

    select
        sum(net) filter (where ordered_at >= $since and ordered_at < $until) as net_revenue,
        -- Nothing to compare with where the shop's orders begin within the window before.
        case when min(ordered_at) <= $before then
            sum(net) filter (where ordered_at >= $before and ordered_at < $since)
        end as net_revenue_before,
        count(*) filter (where is_paid and ordered_at >= $since and ordered_at < $until) as orders,
        count(*) filter (where is_paid and ordered_at >= $before and ordered_at < $since) as orders_before,
        sum(net) filter (
            where attributed_message_key is not null and ordered_at >= $since and ordered_at < $until
        ) as attributed_net_revenue,
        case when min(ordered_at) <= $before then
            sum(net) filter (where attributed_message_key is not null and ordered_at >= $before and ordered_at < $since)
        end as attributed_before,
        min(ordered_at) as first_order_at,
        max(currency) as currency
    from fct_orders

),

people as (

    select
        count(*) as customers,
        count(*) filter (where is_reachable) as reachable,
        count(*) filter (where is_reachable and consent = 'opted_in') as opted_in
    from dim_customers

)

select * from measured, people
