-- What too many people share to tell one from another: a placeholder typed in as everybody's phone, or the reference of
-- a house account. Neither links anybody to anybody.

with

orders as (

    select * from {{ ref("int_orders_unified") }}

),

customers as (

    select * from {{ ref("stg_crm__customers") }}

),

pairs as (

    select source, customer_ref, {{ phone_key("phone") }} as phone_key from orders
    where customer_ref is not null and phone is not null
    union
    select source, customer_ref, {{ phone_key("phone") }} from customers
    where phone is not null

),

counted as (

    select source, {{ phone_identity("phone_key") }} as identity, count(*) as others from pairs
    group by source, phone_key
    union all
    select source, {{ ref_identity("source", "customer_ref") }}, count(*) from pairs
    group by source, customer_ref

),

final as (

    select identity, source, others from counted
    where others > {{ var("max_refs_per_phone") }}
    qualify row_number() over (partition by identity order by others desc, source) = 1

)

select * from final
