{{ config(severity="warn") }}

-- A line of seeds/identity_overrides.csv that names an identity nobody has does nothing: it is misspelt, or gone.
with

overrides as (

    select * from {{ ref("int_identity_overrides_keyed") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

named as (

    select identity, identity_key from overrides
    union
    select other_identity, other_key from overrides
    where other_identity is not null

),

final as (

    select identity from named
    where
        identity not in (select identity from identities)
        and identity_key not in (select identity from identities)

)

select * from final
