-- The whole month's traffic on each plan, whoever it went through.

with

plans as (

    select * from {{ ref("int_plans_spread_to_months") }}

),

counted as (

    select * from {{ ref("int_messages_counted_to_classes") }}

),

prices as (

    select * from {{ ref("int_prices_matched_to_classes") }}

),

rates as (

    select * from {{ ref("int_exchange_rates_spread_to_days") }}

),

found_free as (

    select * from {{ ref("int_messages_found_free") }}

),

messages as (

    select
        *,
        cast(date_trunc('month', price_date) as date) as price_month,
        is_chargeable and meta_fee = 0 as is_free_of_meta
    from {{ ref("int_messages_priced") }}

),

converted as (

    select prices.*, {{ unit_price("case when prices.price = 0 then 0 else prices.price * rates.rate end") }} as own_price
    from prices
    left join rates on prices.currency = rates.currency and prices.price_date = rates.rate_date
    where prices.provider <> 'meta'

),

on_plans as (

    select
        counted.price_month,
        converted.provider,
        converted.plan,
        sum(counted.messages) as messages,
        sum(counted.messages * converted.own_price) as own_price
    from counted
    inner join converted
        on counted.price_category = converted.price_category
        and counted.country = converted.country
        and counted.price_date = converted.price_date
    group by counted.price_month, converted.provider, converted.plan

),

in_quotas as (

    select
        found_free.price_month,
        converted.provider,
        converted.plan,
        count(*) as messages,
        sum(converted.own_price) as own_price
    from found_free
    inner join converted
        on found_free.plan_provider = converted.provider
        and found_free.plan = converted.plan
        and found_free.price_category = converted.price_category
        and found_free.country = converted.country
        and found_free.price_date = converted.price_date
    where found_free.scope = 'all'
    group by found_free.price_month, converted.provider, converted.plan

),

by_provider as (

    select
        price_month,
        provider,
        count(*) filter (where is_chargeable) as messages,
        count(*) filter (where is_free_of_meta) as messages_free_of_meta,
        count(*) filter (where is_chargeable and meta_fee is null) as messages_without_meta_fee,
        count(*) filter (where cost is null) as messages_without_cost,
        sum(meta_fee) as meta_fees,
        sum(cost) as cost
    from messages
    group by price_month, provider

),

fees as (

    select
        plans.* except (monthly_fee, price, currency),
        {{ money("case when plans.monthly_fee = 0 then 0 else plans.monthly_fee * rates.rate end") }} as monthly_fee,
        {{ unit_price("case when plans.price = 0 then 0 else plans.price * rates.rate end") }} as list_price
    from plans
    left join rates on plans.currency = rates.currency and plans.price_month = rates.rate_date

),

by_month as (

    select
        by_provider.price_month,
        sum(by_provider.messages) as messages,
        sum(by_provider.messages_free_of_meta) as messages_free_of_meta,
        sum(by_provider.messages_without_meta_fee) as messages_without_meta_fee,
        sum(by_provider.messages_without_cost) as messages_without_cost,
        sum(by_provider.meta_fees) as meta_fees,
        sum(by_provider.cost) as cost,
        sum(case when by_provider.messages > 0 then fees.monthly_fee end) as fees_in_use
    from by_provider
    left join fees
        on by_provider.provider = fees.provider
        and by_provider.price_month = fees.price_month
        and fees.is_in_use
    group by by_provider.price_month

),

-- Meta direct takes nothing for itself; what is free there is what Meta asks nothing for.
compared as (

    select
        fees.*,
        fees.provider = 'meta' as is_meta,
        coalesce(by_month.messages, 0) as messages,
        coalesce(case when fees.is_in_use then by_provider.messages end, 0) as messages_on_plan,
        coalesce(
            case when fees.provider = 'meta' then by_month.messages_free_of_meta else in_quotas.messages end, 0
        ) as free_messages,
        case
            when fees.provider = 'meta' then 0
            else coalesce(on_plans.own_price, 0) - coalesce(in_quotas.own_price, 0)
        end as message_cost,
        case when fees.meta_fees = 'added' then coalesce(by_month.meta_fees, 0) else 0 end as added_fees,
        case when fees.provider = 'meta' then 0 else coalesce(on_plans.own_price, 0) end as list_cost,
        case when fees.provider = 'meta' then 0 else coalesce(by_month.messages, 0) - coalesce(on_plans.messages, 0) end
        + case when fees.meta_fees = 'added' then coalesce(by_month.messages_without_meta_fee, 0) else 0 end
            as messages_without_price,
        coalesce(by_month.cost, 0) + coalesce(by_month.fees_in_use, 0) as charged,
        coalesce(by_month.messages_without_cost, 0) as messages_without_cost
    from fees
    left join by_month on fees.price_month = by_month.price_month
    left join by_provider on fees.price_month = by_provider.price_month and fees.provider = by_provider.provider
    left join on_plans
        on fees.price_month = on_plans.price_month
        and fees.provider = on_plans.provider
        and fees.plan = on_plans.plan
    left join in_quotas
        on fees.price_month = in_quotas.price_month
        and fees.provider = in_quotas.provider
        and fees.plan = in_quotas.plan

),

final as (

    select
        price_month as month,
        provider,
        plan,
        is_in_use,
        cast(messages as bigint) as messages,
        cast(messages_on_plan as bigint) as messages_on_plan,
        cast(free_messages as bigint) as free_messages,
        cast(messages - free_messages as bigint) as charged_messages,
        case when is_meta then 0 else coalesce(free_quota, 0) end as free_quota,
        case
            when is_meta then 0
            when messages > 0 and messages_without_price = 0 then {{ unit_price("list_cost / messages") }}
            else list_price
        end as price_per_message,
        monthly_fee,
        {{ money("message_cost") }} as message_cost,
        {{ money("monthly_fee + message_cost") }} as own_cost,
        {{ money("added_fees") }} as meta_fees,
        cast(messages_without_price as bigint) as messages_without_price,
        case when messages_without_price = 0 then {{ money("monthly_fee + message_cost + added_fees") }} end as total_cost,
        {{ money("charged") }} as charged_cost,
        cast(messages_without_cost as bigint) as messages_without_cost,
        '{{ var("currency") }}' as currency,
        meta_fees = 'added' as is_meta_added,
        verification_days_min,
        verification_days_max
    from compared

)

select * from final
