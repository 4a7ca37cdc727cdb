{{ config(materialized="view") }}

-- Both ways of looking at the links, as (a, b): spellings of a phone as one, and each for itself.

with

told_apart as (

    select * from {{ ref("int_identities_told_apart") }}

),

links as (

    select distinct
        identity,
        other_identity,
        {{ identity_key("identity") }} as identity_key,
        {{ identity_key("other_identity") }} as other_key
    from {{ ref("int_identities_linked") }}
    where other_identity is not null and identity <> other_identity

),

final as (

    select identity, other_identity, identity_key as a, other_key as b, false as is_of_spellings from links
    where identity_key <> other_key
    union all
    select identity, other_identity, identity, other_identity, true from links
    where exists (select 1 from told_apart where is_of_spellings)

)

select * from final
