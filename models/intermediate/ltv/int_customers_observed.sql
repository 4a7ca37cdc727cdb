-- Customers as they were known at the end of today and of some days before, a quarter apart, and, of the past ones, what
-- they bought in the quarter after. A past end counts only if the shop had been there for a while. What "last year repeats itself" would say of that quarter is what they spent in the
-- same days a year before; where the shop is younger, in the quarter before.

{%- set days = var("ltv_backtest_days") %}

with

order_days as (

    select * from {{ ref("int_orders_summed_to_days") }}

),

shop_days as (

    select min(order_date) as first_date from {{ ref("int_shop_days_counted") }}

),

numbered as (

    {%- for number in range(var("ltv_backtests") + 1) %}
    select
        {{ number }} as quarters_ago,
        cast({{ last_day() }} - interval '{{ number * days }}' day as date) as ends_on,
        cast({{ last_day() }} - interval '{{ (number - 1) * days }}' day as date) as outcome_ends_on,
        cast({{ last_day() }} - interval '{{ number * days + 365 }}' day as date) as year_before,
        cast({{ last_day() }} - interval '{{ (number - 1) * days + 365 }}' day as date) as year_before_ends_on,
        cast({{ last_day() }} - interval '{{ (number + 1) * days }}' day as date) as quarter_before
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

ends as (

    select
        numbered.quarters_ago,
        numbered.ends_on,
        numbered.outcome_ends_on,
        case when shop_days.first_date <= numbered.year_before then numbered.year_before else numbered.quarter_before end
            as repeats_after,
        case when shop_days.first_date <= numbered.year_before then numbered.year_before_ends_on else numbered.ends_on end
            as repeats_until
    from numbered
    cross join shop_days
    where
        numbered.quarters_ago = 0
        or {{ days_between("shop_days.first_date", "numbered.ends_on") }} >= {{ var("ltv_least_history_days") }} - 1

),

known as (

    select
        ends.quarters_ago,
        ends.ends_on,
        order_days.*
    from order_days
    inner join ends
        on order_days.order_date <= ends.ends_on
        and (order_days.next_date is null or order_days.next_date > ends.ends_on)
    where order_days.purchases > 0

),

outcomes as (

    select
        order_days.customer_id,
        ends.quarters_ago,
        count(*) filter (
            where order_days.is_purchase
            and order_days.order_date > ends.ends_on
            and order_days.order_date <= ends.outcome_ends_on
        ) as orders_after,
        sum(order_days.net) filter (
            where order_days.order_date > ends.ends_on and order_days.order_date <= ends.outcome_ends_on
        ) as value_after,
        sum(order_days.net) filter (
            where order_days.order_date > ends.repeats_after and order_days.order_date <= ends.repeats_until
        ) as value_repeated
    from order_days
    inner join ends
        on order_days.order_date > least(ends.repeats_after, ends.ends_on)
        and order_days.order_date <= ends.outcome_ends_on
    where ends.quarters_ago > 0
    group by order_days.customer_id, ends.quarters_ago

),

final as (

    select
        known.customer_id,
        known.quarters_ago,
        known.ends_on,
        known.purchases - 1 as frequency,
        {{ days_between("known.first_purchase_date", "known.last_purchase_date") }} as recency_days,
        {{ days_between("known.first_purchase_date", "known.ends_on") }} as age_days,
        cast(known.first_spend as double) as first_spend,
        {{ rate("known.spend - known.first_spend", "known.purchases - 1") }} as repeat_spend,
        case when known.quarters_ago > 0 then coalesce(outcomes.orders_after, 0) end as orders_after,
        case when known.quarters_ago > 0 then cast(coalesce(outcomes.value_after, 0) as double) end as value_after,
        case when known.quarters_ago > 0 then cast(coalesce(outcomes.value_repeated, 0) as double) end as value_repeated
    from known
    left join outcomes
        on known.customer_id = outcomes.customer_id
        and known.quarters_ago = outcomes.quarters_ago

)

select * from final
