-- Both channels have a row in every month, so that a month can be compared with the one before it. Expected orders are
-- summed as decimals, too: of doubles the sum depends on the order they come in.

with

groups as (

    select * from {{ ref("int_months_forecast") }}

),

order_days as (

    select * from {{ ref("int_orders_summed_to_days") }}

),

served as (

    select * from {{ ref("int_customers_served") }}

),

valued as (

    select
        month,
        channel,
        sum(case when frequency is not null then customers end) as customers,
        sum(case when frequency > 0 then customers end) as repeat_customers,
        sum(net_to_date) as ltv_historic,
        sum({{ unit_price("customers * expected_orders") }}) as expected_orders_12m,
        sum({{ money("customers * expected_value") }}) as ltv_expected_12m
    from groups
    group by month, channel

),

months as (

    select distinct month from groups

),

channels as (

    select 'whatsapp' as channel
    union all
    select 'other'

),

ordered as (

    select
        months.month,
        case when served.served_since < months.month + interval '1' month then 'whatsapp' else 'other' end as channel,
        sum(order_days.orders) as orders,
        sum(order_days.net) as net_revenue
    from order_days
    inner join months
        on order_days.order_date >= months.month
        and order_days.order_date < months.month + interval '1' month
    left join served on order_days.customer_id = served.customer_id
    group by 1, 2

),

together as (

    select
        months.month,
        channels.channel,
        cast(coalesce(valued.customers, 0) as bigint) as customers,
        cast(coalesce(valued.repeat_customers, 0) as bigint) as repeat_customers,
        cast(coalesce(ordered.orders, 0) as bigint) as orders,
        {{ money("coalesce(ordered.net_revenue, 0)") }} as net_revenue,
        {{ money("coalesce(valued.ltv_historic, 0)") }} as ltv_historic,
        {{ money("coalesce(valued.ltv_expected_12m, 0)") }} as ltv_expected_12m,
        cast(coalesce(valued.expected_orders_12m, 0) as double) as expected_orders_12m
    from months
    cross join channels
    left join valued on months.month = valued.month and channels.channel = valued.channel
    left join ordered on months.month = ordered.month and channels.channel = ordered.channel

),

averaged as (

    select
        *,
        {{ money(rate("ltv_historic", "customers")) }} as ltv_historic_average,
        {{ money(rate("ltv_expected_12m", "customers")) }} as ltv_expected_12m_average
    from together

),

final as (

    select
        month,
        channel,
        month + interval '1' month <= {{ as_of() }} as is_complete,
        customers,
        customers - lag(customers) over channel_months as customers_change,
        orders,
        net_revenue,
        repeat_customers,
        {{ rate("repeat_customers", "customers") }} as repeat_share,
        ltv_historic,
        ltv_historic_average,
        {{ rate("ltv_historic_average", "lag(ltv_historic_average) over channel_months") }} - 1 as ltv_historic_change,
        expected_orders_12m,
        ltv_expected_12m,
        ltv_expected_12m_average,
        {{ rate("ltv_expected_12m_average", "lag(ltv_expected_12m_average) over channel_months") }} - 1
            as ltv_expected_12m_change,
        '{{ var("currency") }}' as currency
    from averaged
    window channel_months as (partition by channel order by month)

)

select * from final
