-- A customer's paid orders of one UTC day are one purchase: who pays twice within an hour did not come back. A refund that
-- a source gives as an order of its own is no purchase; it lowers what the purchase before it was worth. Each row also
-- tells what was known of its customer at the end of that day, which holds until the next row's.

with

orders as (

    select * from {{ ref("fct_orders") }}

),

days as (

    select
        customer_id,
        cast(ordered_at as date) as order_date,
        count(*) filter (where is_paid) as orders,
        max(case when is_paid then 1 else 0 end) as is_purchase,
        sum(net) as net
    from orders
    where customer_id is not null and (is_paid or net <> 0) and {{ in_window("ordered_at") }}
    group by customer_id, cast(ordered_at as date)

),

numbered as (

    select
        *,
        sum(is_purchase) over (partition by customer_id order by order_date) as purchases,
        lead(order_date) over (partition by customer_id order by order_date) as next_date
    from days

),

final as (

    select
        customer_id,
        order_date,
        next_date,
        orders,
        is_purchase = 1 as is_purchase,
        {{ money("net") }} as net,
        cast(purchases as integer) as purchases,
        min(case when is_purchase = 1 then order_date end) over state as first_purchase_date,
        max(case when is_purchase = 1 then order_date end) over state as last_purchase_date,
        {{ money("sum(net) over state") }} as net_to_date,
        {{ money("sum(case when purchases > 0 then net else 0 end) over state") }} as spend,
        {{ money("sum(case when purchases = 1 then net else 0 end) over state") }} as first_spend
    from numbered
    window state as (partition by customer_id order by order_date)

)

select * from final
