{people},

counted as (
    select country, count(*) as reachable, count(*) filter (where {consented}) as consented
    from people
    where {decided} and is_reachable
    group by country
)

select
    prices.provider,
    prices.plan,
    bool_or(prices.is_in_use) as is_in_use,
    coalesce(sum(counted.reachable), 0)::bigint as reachable,
    coalesce(sum(counted.consented), 0)::bigint as consented,
    coalesce(sum(counted.reachable) filter (where prices.own_price + prices.meta_price is null), 0)::bigint as without_price,
    round(sum(counted.reachable * (prices.own_price + prices.meta_price)), 4) as reachable_cost,
    round(sum(counted.consented * (prices.own_price + prices.meta_price)), 4) as consented_cost,
    (sum(counted.reachable * prices.meta_price) / nullif(sum(counted.reachable * (prices.own_price + prices.meta_price)), 0))::double
        as meta_share,
    min(prices.currency) as currency
from dim_prices as prices
inner join counted on prices.country is not distinct from counted.country
group by prices.provider, prices.plan
order by consented_cost nulls last, prices.provider, prices.plan
