-- Dense: a cohort has a row in each month since its own, up to that of as_of, also where nobody bought.

with

order_days as (

    select * from {{ ref("int_orders_summed_to_days") }}

),

dated as (

    select
        *,
        cast(date_trunc('month', first_purchase_date) as date) as cohort,
        cast(date_trunc('month', order_date) as date) as month
    from order_days
    where purchases > 0

),

cohorts as (

    select cohort, count(distinct customer_id) as customers from dated
    group by cohort

),

months as (

    select
        cohort,
        customers,
        {{ date_series("cohort", "cast(date_trunc('month', " ~ last_day() ~ ") as date)", "'1' month", "month") }}
    from cohorts

),

bought as (

    select
        cohort,
        month,
        count(distinct case when is_purchase then customer_id end) as buyers,
        sum(orders) as orders,
        sum(net) as net_revenue
    from dated
    group by cohort, month

),

final as (

    select
        months.cohort,
        months.month,
        cast(
            12 * (year(months.month) - year(months.cohort)) + month(months.month) - month(months.cohort) as bigint
        ) as months_since,
        months.customers,
        coalesce(bought.buyers, 0) as buyers,
        {{ rate("coalesce(bought.buyers, 0)", "months.customers") }} as retained_share,
        cast(coalesce(bought.orders, 0) as bigint) as orders,
        {{ money("coalesce(bought.net_revenue, 0)") }} as net_revenue,
        {{ money(rate("coalesce(sum(bought.net_revenue) over since, 0)", "months.customers")) }} as net_revenue_per_customer,
        '{{ var("currency") }}' as currency
    from months
    left join bought on months.cohort = bought.cohort and months.month = bought.month
    window since as (partition by months.cohort order by months.month)

)

select * from final
