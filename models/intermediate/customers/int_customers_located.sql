-- The time zone each customer lives by: the CRM's, if there is one of that name, else the one most people of their country
-- live by, else the project's. Who has no country in the CRM is where their phone is from.

with

customers as (

    select *, substr(phone, 2, {{ var("calling_code_digits") }}) as prefix from {{ ref("int_customers_described") }}

),

calling_codes as (

    select * from {{ ref("calling_codes") }}

),

zones as (

    select * from {{ ref("time_zones") }}

),

prefixes as (

    select distinct prefix from customers
    where prefix is not null

),

countries as (

    select prefixes.prefix, calling_codes.country from prefixes
    inner join calling_codes on prefixes.prefix like calling_codes.prefix || '%'
    qualify row_number() over (partition by prefixes.prefix order by length(calling_codes.prefix) desc) = 1

),

final as (

    select
        customers.customer_id,
        coalesce(own.timezone, of_country.timezone, of_phone.timezone, '{{ var("timezone") }}') as timezone
    from customers
    left join countries on customers.prefix = countries.prefix
    left join zones as own on lower(trim(customers.timezone)) = lower(own.timezone)
    left join zones as of_country on upper(trim(customers.country)) = of_country.country
    left join zones as of_phone on countries.country = of_phone.country

)

select * from final
