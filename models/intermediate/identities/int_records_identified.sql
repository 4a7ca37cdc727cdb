{{ config(materialized="view") }}

-- What CRMs record of people, without the phones that too many of them share, and without any phone where the reference
-- is shared: a house account's may be that of somebody who refused. Who was merged leads to who they are now; who was
-- deleted leads nowhere.

with

customers as (

    select * from {{ ref("int_records_unified") }}

),

shared as (

    select * from {{ ref("int_identities_found_shared") }}

),

keyed as (

    select
        *,
        {{ phone_identity(phone_key("phone")) }} as phone_key,
        {{ ref_identity("source", "customer_ref") }} as ref_identity,
        {{ ref_identity("source", "merged_into") }} as merged_identity
    from customers

),

final as (

    select
        keyed.* except (phone, phone_key),
        case when shared_phones.identity is null and shared_refs.identity is null then keyed.phone end as phone,
        case when shared_phones.identity is null and shared_refs.identity is null then {{ phone_identity("keyed.phone") }} end
            as phone_identity
    from keyed
    left join shared as shared_phones on keyed.phone_key = shared_phones.identity
    left join shared as shared_refs on keyed.ref_identity = shared_refs.identity

)

select * from final
