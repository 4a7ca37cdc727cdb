-- For each currency and day that an order, a price or a monthly fee has, the rate that was valid: the newest not after
-- it.

with

rates as (

    select * from {{ ref("exchange_rates") }}

),

orders as (

    select * from {{ ref("int_orders_unified") }}

),

messages as (

    select * from {{ ref("int_messages_classified") }}

),

prices as (

    select * from {{ ref("int_prices_matched_to_classes") }}

),

fees as (

    select * from {{ ref("int_plans_spread_to_months") }}

),

wanted as (

    select distinct currency, cast(ordered_at as date) as rate_date from orders
    union
    select distinct price_currency, price_date from messages where price > 0 and price_currency is not null
    union
    select distinct currency, price_date from prices where price > 0
    union
    select distinct fee_currency, price_month from fees where monthly_fee > 0
    union
    select distinct currency, price_month from fees where price > 0

),

valued as (

    select
        wanted.currency,
        wanted.rate_date,
        max_by(own.value, own.valid_from) as own_value
    from wanted
    left join rates as own on wanted.currency = own.currency and own.valid_from <= wanted.rate_date
    group by wanted.currency, wanted.rate_date

),

projected as (

    select
        wanted.rate_date,
        max_by(rates.value, rates.valid_from) as project_value
    from (select distinct rate_date from wanted) as wanted
    inner join rates on rates.valid_from <= wanted.rate_date
    where rates.currency = '{{ var("currency") }}'
    group by wanted.rate_date

),

final as (

    select
        valued.currency,
        valued.rate_date,
        case
            when valued.currency = '{{ var("currency") }}' then 1.0
            else valued.own_value / nullif(projected.project_value, 0)
        end as rate
    from valued
    left join projected on valued.rate_date = projected.rate_date

)

select * from final
