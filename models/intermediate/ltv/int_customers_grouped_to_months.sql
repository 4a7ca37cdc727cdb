{{ config(materialized="view") }}

-- Customers at the end of each of the last months (the current one: at as_of), those of the same channel, frequency,
-- recency and age in one row: of them the same number of orders is expected, and on average the same spend as of their
-- average. That is so of spend above zero; who gave back as much as they bought counts as having spent nothing, so they are
-- in rows of their own. Refunds of who never bought are in a row without a frequency.

with

order_days as (

    select * from {{ ref("int_orders_summed_to_days") }}

),

served as (

    select * from {{ ref("int_customers_served") }}

),

bounds as (

    select
        greatest(
            cast(date_trunc('month', min(order_date)) as date),
            cast(date_trunc('month', {{ last_day() }}) - interval '{{ var("ltv_history_months") - 1 }}' month as date)
        ) as first_month,
        cast(date_trunc('month', {{ last_day() }}) as date) as last_month
    from order_days

),

months as (

    select {{ date_series("first_month", "last_month", "'1' month", "month") }} from bounds

),

ends as (

    select
        month,
        least(cast(month + interval '1' month - interval '1' day as date), {{ last_day() }}) as ends_on
    from months

),

known as (

    select
        ends.month,
        ends.ends_on,
        case when served.served_since <= ends.ends_on then 'whatsapp' else 'other' end as channel,
        order_days.*
    from order_days
    inner join ends
        on order_days.order_date <= ends.ends_on
        and (order_days.next_date is null or order_days.next_date > ends.ends_on)
    left join served on order_days.customer_id = served.customer_id

),

measured as (

    select
        month,
        channel,
        case when purchases > 0 then purchases - 1 end as frequency,
        case when purchases > 0 then {{ days_between("first_purchase_date", "last_purchase_date") }} end as recency_days,
        case when purchases > 0 then {{ days_between("first_purchase_date", "ends_on") }} end as age_days,
        spend,
        first_spend,
        spend > 0 as has_spent,
        spend > first_spend as has_spent_again,
        net_to_date
    from known

),

final as (

    select
        month,
        channel,
        frequency,
        recency_days,
        age_days,
        has_spent,
        has_spent_again,
        count(*) as customers,
        {{ rate("sum(first_spend)", "count(*)") }} as first_spend,
        {{ rate("sum(spend - first_spend)", "count(*) * frequency") }} as repeat_spend,
        {{ money("sum(net_to_date)") }} as net_to_date
    from measured
    group by month, channel, frequency, recency_days, age_days, has_spent, has_spent_again

)

select * from final
