{{ config(materialized="view") }}

-- Lines that undo a wrong join, with the identities as they are written here. A key stands for all spellings of a
-- phone, but where a line is about two spellings of one.

with

overrides as (

    select * from {{ ref("identity_overrides") }}

),

written as (

    select
        identity_type || ':' || identity as identity,
        other_identity_type || ':' || other_identity as other_identity
    from overrides

),

keyed as (

    select
        identity,
        other_identity,
        {{ identity_key("identity") }} as identity_key,
        {{ identity_key("other_identity") }} as other_key
    from written

),

final as (

    select
        identity,
        other_identity,
        coalesce(identity_key = other_key, false) as is_of_spellings,
        case when identity_key = other_key then identity else identity_key end as identity_key,
        case when identity_key = other_key then other_identity else other_key end as other_key
    from keyed

)

select * from final
