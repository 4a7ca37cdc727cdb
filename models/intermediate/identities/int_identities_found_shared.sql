-- What too many people share to tell one from another: a placeholder typed in as everybody's phone, or the reference of
-- a house account. Neither links anybody to anybody, nor does what a person says links nobody.

with

orders as (

    select * from {{ ref("int_orders_unified") }}

),

customers as (

    select * from {{ ref("int_records_unified") }}

),

overrides as (

    select * from {{ ref("int_identity_overrides_keyed") }}

),

pairs as (

    select source, customer_ref, {{ phone_key("phone") }} as phone_key from orders
    where customer_ref is not null and phone is not null and not is_deleted
    union
    select source, customer_ref, {{ phone_key("phone") }} from customers
    where phone is not null and not is_deleted and merged_into is null

),

counted as (

    select source, {{ phone_identity("phone_key") }} as identity, count(*) as others from pairs
    group by source, phone_key
    union all
    select source, {{ ref_identity("source", "customer_ref") }}, count(*) from pairs
    group by source, customer_ref

),

said as (

    select distinct identity_key as identity from overrides
    where other_identity is null

),

final as (

    select identity, source, others from counted
    where others > {{ var("max_refs_per_phone") }} and identity not in (select identity from said)
    qualify row_number() over (partition by identity order by others desc, source) = 1
    union all
    select identity, cast(null as string), cast(null as bigint) from said

)

select * from final
