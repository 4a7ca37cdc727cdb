-- What each plan takes for itself for the whole month's traffic, whoever that went through. Meta's own takes nothing.

with

plans as (

    select * from {{ ref("int_plans_spread_to_months") }}

),

counted as (

    select * from {{ ref("int_messages_counted_to_classes") }}

),

prices as (

    select * from {{ ref("int_prices_matched_to_classes") }}
    where provider <> 'meta'

),

rates as (

    select * from {{ ref("int_exchange_rates_spread_to_days") }}

),

found_free as (

    select * from {{ ref("int_messages_found_free") }}
    where scope = 'all'

),

converted as (

    select
        prices.*,
        {{ unit_price("case when prices.price = 0 then 0 else prices.price * rates.rate end") }} as own_price
    from prices
    left join rates on prices.currency = rates.currency and prices.price_date = rates.rate_date

),

counted_free as (

    select
        price_month,
        plan_provider,
        plan,
        price_date,
        price_category,
        country,
        cast(count(*) as integer) as messages
    from found_free
    group by price_month, plan_provider, plan, price_date, price_category, country

),

priced as (

    select price_month, price_date, price_category, country, cast(sum(messages) as integer) as messages from counted
    group by price_month, price_date, price_category, country

),

summed as (

    select
        priced.price_month,
        converted.provider,
        converted.plan,
        sum(priced.messages) as messages,
        sum(priced.messages * converted.own_price) as list_cost,
        sum(coalesce(counted_free.messages, 0)) as free_messages,
        sum((priced.messages - coalesce(counted_free.messages, 0)) * converted.own_price) as message_cost
    from priced
    inner join converted
        on priced.price_category = converted.price_category
        and priced.country = converted.country
        and priced.price_date = converted.price_date
    left join counted_free
        on converted.provider = counted_free.plan_provider
        and converted.plan = counted_free.plan
        and priced.price_date = counted_free.price_date
        and priced.price_category = counted_free.price_category
        and priced.country = counted_free.country
    group by priced.price_month, converted.provider, converted.plan

),

final as (

    select
        plans.* except (monthly_fee, fee_currency, price, free_quota, currency),
        plans.provider = 'meta' as is_meta,
        {{ money("case when plans.monthly_fee = 0 then 0 else plans.monthly_fee * fee_rates.rate end") }} as monthly_fee,
        case when plans.provider = 'meta' then 0 else coalesce(plans.free_quota, 0) end as free_quota,
        case
            when plans.provider = 'meta' or plans.price = 0 then 0
            else {{ unit_price("plans.price * rates.rate") }}
        end as list_price,
        coalesce(summed.messages, 0) as messages_priced,
        coalesce(summed.list_cost, 0) as list_cost,
        coalesce(summed.free_messages, 0) as free_messages,
        coalesce(summed.message_cost, 0) as message_cost
    from plans
    left join rates as fee_rates on plans.fee_currency = fee_rates.currency and plans.price_month = fee_rates.rate_date
    left join rates on plans.currency = rates.currency and plans.price_month = rates.rate_date
    left join summed
        on plans.price_month = summed.price_month
        and plans.provider = summed.provider
        and plans.plan = summed.plan

)

select * from final
