-- The links that a line of the seed identity_overrides undoes. Two identities that are not one person are parted
-- wherever they are connected, over any number of steps: what is nearer to one stays with it, and what is as near to
-- both with the one named first. So a phone that led to both has one owner, in all its spellings.

with

overrides as (

    select * from {{ ref("int_identity_overrides_keyed") }}

),

links as (

    select * from {{ ref("int_identities_linked_by_spelling") }}

),

nearest as (

    {{ nearest_ends(ref("int_identities_told_apart"), ref("int_identities_linked_by_spelling")) | indent(4) }}

),

apart as (

    select links.identity, links.other_identity from nearest as one
    inner join links on one.node = links.a and one.is_of_spellings = links.is_of_spellings
    inner join nearest as other on links.b = other.node and one.line = other.line
    where one.side <> other.side

),

alone as (

    select links.identity, links.other_identity from links
    inner join overrides
        on overrides.other_identity is null
        and overrides.identity_key in (links.a, links.b)
    where not links.is_of_spellings

),

final as (

    select identity, other_identity from apart
    union
    select identity, other_identity from alone

)

select * from final
