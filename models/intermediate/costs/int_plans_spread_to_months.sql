-- A row per plan and month that has traffic, and for the month of as_of: the fee of that month, what its account gets
-- for nothing, and what a message costs where nothing narrower is said. Of two fees in a month the higher is paid, in its
-- own currency.

with

plans as (

    select * from {{ ref("provider_plans") }}

),

book as (

    select * from {{ ref("price_book") }}

),

counted as (

    select * from {{ ref("int_messages_counted_to_classes") }}

),

months as (

    select distinct price_month from counted
    union
    select cast(date_trunc('month', {{ as_of() }}) as date)

),

final as (

    select
        months.price_month,
        plans.provider,
        plans.plan,
        plans.is_in_use,
        plans.meta_fees,
        plans.verification_days_min,
        plans.verification_days_max,
        max(book.monthly_fee) as monthly_fee,
        {{ latest("case when book.monthly_fee is not null then book.currency end", "book.monthly_fee") }} as fee_currency
        {%- for column in ("price", "free_quota", "currency") %},
        max_by(
            case when book.category is null and book.country is null then book.{{ column }} end,
            book.valid_from
        ) filter (where book.category is null and book.country is null) as {{ column }}
        {%- endfor %}
    from months
    cross join plans
    left join book
        on plans.provider = book.provider
        and plans.plan = book.plan
        and book.valid_from < months.price_month + interval '1' month
        and (book.valid_to is null or book.valid_to > months.price_month)
    group by 1, 2, 3, 4, 5, 6, 7

)

select * from final
