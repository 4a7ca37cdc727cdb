-- Who everybody is: a customer is what links connect, named after the identity that was received first.

with

links as (

    select * from {{ ref("int_identities_linked") }}

),

records as (

    select * from {{ ref("int_records_identified") }}

),

overrides as (

    select * from {{ ref("int_identity_overrides_keyed") }}

),

components as (

    {{ connected_components(ref("int_identities_paired")) | indent(4) }}

),

nodes as (

    select identity, since, known_since, evidence from links
    union all
    select other_identity, since, known_since, evidence from links where other_identity is not null

),

identities as (

    select identity, since, evidence, min(known_since) over (partition by identity) as known_since from nodes
    qualify row_number() over (partition by identity order by since nulls last, evidence) = 1

),

ranked as (

    select
        identities.identity,
        identities.since,
        identities.known_since,
        identities.evidence,
        coalesce(components.component, identities.identity) as component,
        case
            when identities.identity like 'phone:%' then 'phone'
            when identities.identity like 'user_id:%' then 'user_id'
            else 'customer_ref'
        end as identity_type
    from identities
    left join components on identities.identity = components.node

),

overridden as (

    select identity_key as identity from overrides
    union
    select other_key from overrides
    where other_key is not null

),

reachable as (

    select distinct component from ranked
    where identity_type <> 'customer_ref'

),

-- A deleted record leads nowhere, but the customer at its phone keeps the name that its reference gave them, unless that
-- still leads to somebody who can be reached.
lent as (

    select
        records.ref_identity as identity,
        owners.component,
        records.first_received_at as known_since
    from records
    inner join ranked as owners on {{ identity_key("records.phone_identity") }} = owners.identity
    left join ranked as refs on records.ref_identity = refs.identity
    left join reachable on refs.component = reachable.component
    where
        records.is_deleted
        and reachable.component is null
        and records.ref_identity not in (select identity from overridden)
        and owners.identity not in (select identity from overridden)

),

candidates as (

    select component, identity, identity_type, known_since from ranked
    where identity not in (select identity from lent)
    union all
    select component, identity, 'customer_ref', known_since from lent

),

-- Of identities known equally long the reference comes first, so that a record that gains a phone keeps the id.
names as (

    select component, identity as name from candidates
    qualify row_number() over (
        partition by component
        order by
            known_since nulls last,
            case identity_type when 'customer_ref' then 1 when 'phone' then 2 else 3 end,
            identity
    ) = 1

),

final as (

    select
        ranked.identity,
        ranked.identity_type,
        ranked.since,
        ranked.evidence,
        {{ customer_id_of("coalesce(names.name, 'left of ' || ranked.component)") }} as customer_id
    from ranked
    left join names on ranked.component = names.component

)

select * from final
