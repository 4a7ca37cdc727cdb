-- The links that a line of the seed identity_overrides undoes. Two identities that are not one person are parted
-- wherever they are connected, over any number of steps: what is nearer to one stays with it, and what is as near to
-- both with the one named first. So a phone that led to both has one owner, in all its spellings.

with

links as (

    select distinct
        identity,
        other_identity,
        {{ identity_key("identity") }} as identity_key,
        {{ identity_key("other_identity") }} as other_key
    from {{ ref("int_identities_linked") }}
    where other_identity is not null and identity <> other_identity

),

overrides as (

    select * from {{ ref("int_identity_overrides_keyed") }}

),

told_apart as (

    select *, identity || '|' || other_identity as line from overrides
    where other_identity is not null

),

-- Both ways of looking at the links: spellings of a phone as one, and each for itself.
seen as (

    select identity, other_identity, identity_key as a, other_key as b, false as is_of_spellings from links
    where identity_key <> other_key
    union all
    select identity, other_identity, identity, other_identity, true from links
    where exists (select 1 from told_apart where is_of_spellings)

),

nearest as (

    {{ nearest_ends("told_apart", "seen") | indent(4) }}

),

apart as (

    select seen.identity, seen.other_identity from nearest as one
    inner join seen on one.node = seen.a and one.is_of_spellings = seen.is_of_spellings
    inner join nearest as other on seen.b = other.node and one.line = other.line
    where one.side <> other.side

),

alone as (

    select links.identity, links.other_identity from links
    inner join overrides
        on overrides.other_identity is null
        and overrides.identity_key in (links.identity_key, links.other_key)
    where links.identity_key <> links.other_key

),

final as (

    select identity, other_identity from apart
    union
    select identity, other_identity from alone

)

select * from final
