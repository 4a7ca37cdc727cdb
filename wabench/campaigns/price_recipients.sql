-- What one message of a category costs on each plan of the price book, to each country of the recipients, on a day. As
-- the models price it: of the lines that hold that day the one for the category first, then the one for the country,
-- then the newest.
with

book as (

    select * from read_csv($book, header = true, types = {'category': 'text', 'country': 'text', 'quota_per': 'text',
        'monthly_fee': 'decimal(18, 4)', 'price': 'decimal(18, 6)', 'valid_from': 'date', 'valid_to': 'date'})
    where valid_from <= $day and (valid_to is null or valid_to > $day)

),

plans as (

    select * from read_csv($plans, header = true)

),

calling_codes as (

    select * from read_csv($calling_codes, header = true, all_varchar = true)

),

rates as (

    select currency, arg_max(value::decimal(18, 6), valid_from::date) as value
    from read_csv($exchange_rates, header = true, all_varchar = true)
    where valid_from::date <= $day
    group by currency

),

countries as (

    select
        coalesce(
            (
                select arg_max(country, length(prefix)) from calling_codes
                where starts_with(substr(phone, 2), prefix)
            ),
            case when phone is null and user_id like '__.%' then upper(substr(user_id, 1, 2)) end,
            ''
        ) as country
    from recipients

),

counted as (

    select country, count(*) as messages from countries
    group by country

),

matched as (

    select counted.country, counted.messages, book.*, counted.country as to_country
    from counted
    inner join book
        on coalesce(book.category, $category) = $category
        and coalesce(book.country, counted.country) = counted.country
    qualify row_number() over (
        partition by book.provider, book.plan, counted.country
        order by length(coalesce(book.category, '')) desc, book.country nulls last, book.valid_from desc
    ) = 1

),

converted as (

    select
        matched.to_country as country,
        matched.messages,
        matched.provider,
        matched.plan,
        matched.free_quota,
        if(matched.currency = $currency, 1, rates.value / home.value) as rate,
        if(matched.price = 0, 0, matched.price * rate) as price,
        if(matched.monthly_fee = 0, 0, matched.monthly_fee * rate) as monthly_fee
    from matched
    left join rates on matched.currency = rates.currency
    left join rates as home on home.currency = $currency

),

meta_fees as (

    select country, price from converted
    where provider = 'meta'

),

final as (

    select
        plans.provider,
        plans.plan,
        plans.is_in_use::boolean as is_in_use,
        sum(counted.messages)::bigint as messages,
        coalesce(max(if(plans.provider = 'meta', 0, converted.free_quota)), 0)::bigint as free_quota,
        max(converted.monthly_fee)::double as monthly_fee,
        (sum(counted.messages * if(plans.provider = 'meta', 0, converted.price)) / sum(counted.messages))::double as price,
        (sum(counted.messages * if(plans.meta_fees = 'added', meta_fees.price, 0)) / sum(counted.messages))::double
            as meta_price,
        sum(counted.messages) filter (
            where converted.price is null or (plans.meta_fees = 'added' and meta_fees.price is null)
        )::bigint as messages_without_price
    from plans
    cross join counted
    left join converted
        on plans.provider = converted.provider and plans.plan = converted.plan and counted.country = converted.country
    left join meta_fees on counted.country = meta_fees.country
    group by plans.provider, plans.plan, plans.is_in_use

)

select * from final
order by provider, plan
