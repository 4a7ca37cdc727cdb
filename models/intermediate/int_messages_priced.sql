-- What each message costs, in the currency it is priced in: as the provider charged it, nothing where it says so or
-- where nothing was delivered, else as the price table says for where it went on that day.

with

messages as (

    select * from {{ ref("int_messages_resolved_to_customers") }}

),

prices as (

    select
        provider,
        coalesce(calling_code, '') as calling_code,
        category,
        valid_from,
        price,
        currency
    from {{ ref("message_prices") }}

),

charged as (

    select
        *,
        coalesce(category, 'service') as price_category,
        substr(phone, 2, 4) as prefix,
        cast(coalesce(delivered_at, sent_at, accepted_at) as date) as price_date,
        price is null
        and direction = 'out'
        and delivered_at is not null
        and coalesce(pricing_type, '') not like 'free%' as is_by_table
    from messages

),

wanted as (

    select distinct provider, price_category, coalesce(prefix, '') as prefix, price_date from charged
    where is_by_table

),

-- Of the prices that fit, the longest calling code wins, then the newest.
priced as (

    select wanted.*, prices.price, prices.currency
    from wanted
    inner join prices
        on wanted.provider = prices.provider
        and wanted.price_category = prices.category
        and wanted.price_date >= prices.valid_from
        and wanted.prefix like prices.calling_code || '%'
    qualify row_number() over (
        partition by wanted.provider, wanted.price_category, wanted.prefix, wanted.price_date
        order by length(prices.calling_code) desc, prices.valid_from desc
    ) = 1

),

final as (

    select
        charged.* except (price, price_currency, price_category, prefix, is_by_table),
        case
            when charged.direction = 'in' then 0
            when charged.price is not null then charged.price
            when not charged.is_by_table then 0
            else priced.price
        end as price,
        coalesce(charged.price_currency, priced.currency) as currency
    from charged
    left join priced
        on charged.is_by_table
        and charged.provider = priced.provider
        and charged.price_category = priced.price_category
        and coalesce(charged.prefix, '') = priced.prefix
        and charged.price_date = priced.price_date

)

select * from final
