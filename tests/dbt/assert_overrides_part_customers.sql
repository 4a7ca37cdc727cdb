-- Two identities that a line of seeds/identity_overrides.csv tells apart belong to two customers.
with

overrides as (

    select * from {{ ref("int_identity_overrides_keyed") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

final as (

    select overrides.identity, overrides.other_identity, one.customer_id
    from overrides
    inner join identities as one on overrides.identity = one.identity
    inner join identities as other on overrides.other_identity = other.identity
    where one.customer_id = other.customer_id

)

select * from final
