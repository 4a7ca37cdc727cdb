{{ config(materialized="view") }}

-- What each message costs in the project's currency: what its provider charged for it, or nothing where it says so,
-- else what the plan in use takes for itself and, where they come on top, Meta's fees. A price that a provider tells
-- may be its own share only. A plan's monthly fee is no message's.

with

messages as (

    select * from {{ ref("int_messages_classified") }}

),

prices as (

    select * from {{ ref("int_prices_matched_to_classes") }}

),

plans as (

    select * from {{ ref("provider_plans") }}
    where is_in_use

),

rates as (

    select * from {{ ref("int_exchange_rates_spread_to_days") }}

),

free as (

    select * from {{ ref("int_messages_found_free") }}

),

own_prices as (

    select prices.* from prices
    inner join plans on prices.provider = plans.provider and prices.plan = plans.plan
    where prices.provider <> 'meta'

),

meta_prices as (

    select * from prices
    where provider = 'meta'

),

own_free as (

    select message_key from free
    where scope = 'own'

),

meta_free as (

    select message_key from free
    where plan_provider = 'meta'

),

priced as (

    select
        messages.*,
        case
            when messages.price is not null then messages.price
            when not messages.is_chargeable or messages.provider = 'meta' or own_free.message_key is not null then 0
            else own_prices.price
        end as own_price,
        coalesce(messages.price_currency, own_prices.currency) as own_currency,
        case
            when
                not messages.is_chargeable
                or messages.pricing_type like 'free%'
                or meta_free.message_key is not null
                then 0
            else meta_prices.price
        end as meta_price,
        meta_prices.currency as meta_currency,
        messages.provider = 'meta' and messages.price is not null as is_told_by_meta,
        messages.provider = 'meta'
        or (plans.meta_fees = 'added' and (messages.price is null or not plans.is_told_price_whole)) as has_meta_fee
    from messages
    left join plans on messages.provider = plans.provider
    left join own_prices
        on messages.is_chargeable
        and messages.provider = own_prices.provider
        and messages.price_category = own_prices.price_category
        and messages.country = own_prices.country
        and messages.price_date = own_prices.price_date
    left join meta_prices
        on messages.is_chargeable
        and messages.price_category = meta_prices.price_category
        and messages.country = meta_prices.country
        and messages.price_date = meta_prices.price_date
    left join own_free on messages.message_key = own_free.message_key
    left join meta_free on messages.message_key = meta_free.message_key

),

converted as (

    select
        priced.*,
        case when priced.own_price = 0 then 0 else {{ unit_price("priced.own_price * own_rates.rate") }} end as own_fee,
        case when priced.meta_price = 0 then 0 else {{ unit_price("priced.meta_price * meta_rates.rate") }} end
            as book_fee
    from priced
    left join rates as own_rates
        on priced.own_currency = own_rates.currency and priced.price_date = own_rates.rate_date
    left join rates as meta_rates
        on priced.meta_currency = meta_rates.currency and priced.price_date = meta_rates.rate_date

),

-- What Meta itself told is its fee, and there is nothing beside it.
final as (

    select
        * except (
            own_price, own_currency, meta_price, meta_currency, is_told_by_meta, has_meta_fee, own_fee, book_fee
        ),
        case when is_told_by_meta then own_fee else book_fee end as meta_fee,
        case when has_meta_fee and not is_told_by_meta then own_fee + book_fee else own_fee end as cost
    from converted

)

select * from final
