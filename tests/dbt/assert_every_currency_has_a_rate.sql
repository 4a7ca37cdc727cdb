-- Money in a currency without a rate on its day can't be added up: put the currency into seeds/exchange_rates.csv.
with

rates as (

    select * from {{ ref("int_exchange_rates_spread_to_days") }}

),

final as (

    select
        currency,
        '{{ var("currency") }}' as into_currency,
        min(rate_date) as first_date,
        max(rate_date) as last_date,
        count(*) as days
    from rates
    where rate is null and rate_date is not null
    group by currency

)

select * from final
