-- The shop's purchases of every day from its first to the last that as_of saw, also the days without any.

with

days as (

    select * from {{ ref("int_orders_summed_to_days") }}
    where is_purchase

),

counted as (

    select order_date, count(*) as purchases from days
    group by order_date

),

bounds as (

    select min(order_date) as first_date from counted

),

dates as (

    select {{ date_series("first_date", last_day(), "'1' day", "order_date") }} from bounds

),

final as (

    select dates.order_date, coalesce(counted.purchases, 0) as purchases from dates
    left join counted on dates.order_date = counted.order_date

)

select * from final
