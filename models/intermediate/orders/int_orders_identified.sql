{{ config(materialized="view") }}

-- Orders with the identities that say whose they are. A shared reference leaves that to the phone, a shared phone to the
-- reference.

with

orders as (

    select * from {{ ref("int_orders_unified") }}

),

shared as (

    select * from {{ ref("int_identities_found_shared") }}

),

keyed as (

    select
        *,
        {{ phone_identity(phone_key("phone")) }} as phone_key,
        {{ ref_identity("source", "customer_ref") }} as ref_key
    from orders

),

final as (

    select
        keyed.* except (phone, phone_key, ref_key),
        case when shared_phones.identity is null then keyed.phone end as phone,
        case when shared_refs.identity is null then keyed.ref_key end as ref_identity,
        case
            when shared_phones.identity is null or shared_refs.identity is not null or keyed.ref_key is null
                then {{ phone_identity("keyed.phone") }}
        end as phone_identity
    from keyed
    left join shared as shared_phones on keyed.phone_key = shared_phones.identity
    left join shared as shared_refs on keyed.ref_key = shared_refs.identity

)

select * from final
