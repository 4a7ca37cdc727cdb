with

links as (

    select * from {{ ref("int_identities_linked") }}

),

parted as (

    select * from {{ ref("int_identities_parted") }}

),

pairs as (

    select distinct links.identity as a, links.other_identity as b from links
    left join parted on links.identity = parted.identity and links.other_identity = parted.other_identity
    where links.other_identity is not null and links.identity <> links.other_identity and parted.identity is null

),

components as (

    {{ connected_components("pairs") | indent(4) }}

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

-- Of identities known equally long the reference comes first, so that a record that gains a phone keeps the id.
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

final as (

    select
        identity,
        identity_type,
        since,
        evidence,
        {{ customer_id_of("""
            first_value(identity) over (
                partition by component
                order by
                    known_since nulls last,
                    case identity_type when 'customer_ref' then 1 when 'phone' then 2 else 3 end,
                    identity
            )""") }} as customer_id
    from ranked

)

select * from final
