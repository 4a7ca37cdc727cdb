-- A reference that too many phones have had, or that the seed identity_overrides names alone, is a house account: whoever
-- is nothing else has no phone, or they would be written to at that of somebody who refused.
with

shared as (

    select * from {{ ref("int_identities_found_shared") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

described as (

    select * from {{ ref("int_customers_described") }}

),

house as (

    select identities.customer_id
    from identities
    left join shared on identities.identity = shared.identity
    group by identities.customer_id
    having count(*) = count(shared.identity) and bool_and(identities.identity_type = 'customer_ref')

),

final as (

    select described.customer_id, described.phone from described
    inner join house on described.customer_id = house.customer_id
    where described.phone is not null

)

select * from final
