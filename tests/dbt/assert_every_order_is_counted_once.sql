-- Orders are the headers and, of sources without them, the distinct orders of their lines.
with

orders as (

    select count(*) as orders from {{ ref("fct_orders") }}

),

given as (

    select order_key from {{ ref("stg_crm__orders") }}
    union
    select order_key from {{ ref("stg_crm__order_lines") }}

),

expected as (

    select count(*) as orders from given

),

final as (

    select orders.orders as found, expected.orders as expected from orders
    cross join expected
    where orders.orders <> expected.orders

)

select * from final
