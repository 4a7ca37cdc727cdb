-- A customer is first seen with their first paid order at the latest; an earlier one went to the wrong person.
with

orders as (

    select * from {{ ref("fct_orders") }}

),

customers as (

    select * from {{ ref("dim_customers") }}

),

final as (

    select orders.order_key, orders.customer_id, orders.ordered_at, customers.first_seen_at
    from orders
    inner join customers on orders.customer_id = customers.customer_id
    where orders.is_paid and (customers.first_seen_at is null or orders.ordered_at < customers.first_seen_at)

)

select * from final
