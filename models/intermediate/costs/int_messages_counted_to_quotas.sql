-- How much of each free quota of the plans in use the month of as_of has used so far: of its own provider's messages, of
-- Meta's quotas whatever came through anybody. The same messages as in `int_messages_found_free`.

with

counted as (

    select * from {{ ref("int_messages_counted_to_classes") }}
    where price_month = cast(date_trunc('month', {{ as_of() }}) as date)

),

prices as (

    select * from {{ ref("int_prices_matched_to_classes") }}
    where free_quota > 0

),

plans as (

    select * from {{ ref("provider_plans") }}
    where is_in_use

),

final as (

    select
        prices.provider,
        prices.plan,
        prices.quota_category,
        case when prices.quota_per = 'number' then counted.provider || ':' || counted.channel_id else '' end as number,
        counted.price_month,
        cast(sum(counted.messages) as bigint) as messages,
        max(prices.free_quota) as free_quota
    from counted
    inner join prices
        on counted.price_category = prices.price_category
        and counted.country = prices.country
        and counted.price_date = prices.price_date
    inner join plans on prices.provider = plans.provider and prices.plan = plans.plan
    where
        (prices.provider = 'meta' and not counted.is_free_entry_point)
        or (prices.provider <> 'meta' and prices.provider = counted.provider)
    group by 1, 2, 3, 4, 5

)

select * from final
