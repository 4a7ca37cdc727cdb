-- What one marketing message to a country's customers costs today on each plan. As everywhere in the price book, the line
-- for the category comes before one for any, then the one for the country, then the newest. Whose country is not known
-- gets the lines that name none.

with

plans as (

    select * from {{ ref("provider_plans") }}

),

book as (

    select * from {{ ref("price_book") }}
    where
        coalesce(category, 'marketing') = 'marketing'
        and valid_from <= cast({{ as_of() }} as date)
        and (valid_to is null or valid_to > cast({{ as_of() }} as date))

),

rates as (

    select currency, max_by(value, valid_from) as value from {{ ref("exchange_rates") }}
    where valid_from <= cast({{ as_of() }} as date)
    group by currency

),

countries as (

    select distinct country from {{ ref("dim_customers") }}

),

matched as (

    select
        plans.provider,
        plans.plan,
        plans.is_in_use,
        plans.meta_fees = 'added' as is_meta_added,
        countries.country,
        case
            when book.price = 0 then 0
            when book.currency = '{{ var("currency") }}' then book.price
            else book.price * rates.value / nullif(project.value, 0)
        end as price
    from plans
    cross join countries
    inner join book
        on plans.provider = book.provider
        and plans.plan = book.plan
        and (book.country is null or book.country = countries.country)
    left join rates on book.currency = rates.currency
    left join rates as project on project.currency = '{{ var("currency") }}'
    qualify row_number() over (
        partition by plans.provider, plans.plan, countries.country
        order by length(coalesce(book.category, '')) desc, book.country nulls last, book.valid_from desc
    ) = 1

),

fees as (

    select coalesce(country, '') as country, price from matched
    where provider = 'meta'

),

final as (

    select
        matched.provider,
        matched.plan,
        matched.is_in_use,
        matched.country,
        {{ unit_price("case when matched.provider = 'meta' then 0 else matched.price end") }} as own_price,
        {{ unit_price("case when matched.provider = 'meta' or matched.is_meta_added then fees.price else 0 end") }}
            as meta_price,
        '{{ var("currency") }}' as currency
    from matched
    left join fees on coalesce(matched.country, '') = fees.country

)

select * from final
