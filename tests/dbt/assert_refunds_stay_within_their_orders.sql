{{ config(severity="warn") }}

-- More was given back than was charged. It happens (postage, goodwill), so it stops nothing; net is below zero then. An order
-- without a total is a refund of its own.
with

orders as (

    select * from {{ ref("fct_orders") }}

),

final as (

    select order_key, status, total, refunded, net from orders
    where refunded > total and total > 0

)

select * from final
