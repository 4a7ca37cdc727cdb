-- What dim_customers counts is what fct_orders holds of customers before as_of.
with

customers as (

    select sum(orders) as orders, sum(net_revenue) as net_revenue from {{ ref("dim_customers") }}

),

orders as (

    select count(*) filter (where is_paid) as orders, coalesce(sum(net), 0) as net_revenue from {{ ref("fct_orders") }}
    where customer_id is not null and {{ in_window("ordered_at") }}

),

final as (

    select
        customers.orders as counted,
        orders.orders as expected,
        customers.net_revenue as counted_revenue,
        orders.net_revenue as expected_revenue
    from customers
    cross join orders
    where coalesce(customers.orders, 0) <> orders.orders or coalesce(customers.net_revenue, 0) <> orders.net_revenue

)

select * from final
