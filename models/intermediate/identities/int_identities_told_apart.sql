{{ config(materialized="view") }}

-- Lines of the seed identity_overrides that say of two identities that they are not one person.

with

overrides as (

    select * from {{ ref("int_identity_overrides_keyed") }}

),

final as (

    select *, identity || '|' || other_identity as line from overrides
    where other_identity is not null

)

select * from final
