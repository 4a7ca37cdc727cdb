-- What belongs to one person, and who says so: a pair of identities, or one alone (`other_identity` null).

with

sightings as (

    select * from {{ ref("int_message_events_collapsed_to_sightings") }}

),

orders as (

    select * from {{ ref("int_orders_identified") }}

),

records as (

    select * from {{ ref("int_records_identified") }}

),

sends as (

    select * from {{ ref("stg_campaigns__sends") }}

),

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}

),

messages as (

    select * from {{ ref("int_message_events_collapsed_to_messages") }}

),

messaged as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ user_identity("provider", "user_id") }} as other_identity,
        first_seen_at as since,
        first_received_at as known_since,
        'message event' as evidence
    from sightings

),

-- WhatsApp says who somebody was before in free text or as an id; only an id leads anywhere.
renamed as (

    select
        coalesce({{ user_identity("provider", "user_id") }}, {{ phone_identity("phone") }}) as phone_identity,
        case
            when previous like '+%' then {{ phone_identity("previous") }}
            when previous like '__.%' and previous not like '% %' and substr(previous, 1, 2) = upper(substr(previous, 1, 2))
                then {{ user_identity("provider", "previous") }}
        end as other_identity,
        first_seen_at as since,
        first_received_at as known_since,
        'identity update' as evidence
    from sightings
    where previous is not null

),

ordered as (

    select
        phone_identity,
        ref_identity as other_identity,
        ordered_at as since,
        first_received_at as known_since,
        'order' as evidence
    from orders
    where not is_deleted

),

known_to_crm as (

    select
        phone_identity,
        ref_identity as other_identity,
        first_received_at as since,
        first_received_at as known_since,
        'crm customer' as evidence
    from records
    where not is_deleted

),

-- Whoever was merged is who they were merged into, also once the CRM has deleted what is left of them.
merged as (

    select
        ref_identity as phone_identity,
        merged_identity as other_identity,
        cast(null as timestamp) as since,
        cast(null as timestamp) as known_since,
        'crm merge' as evidence
    from records
    where merged_identity is not null
    union all
    select ref_identity, null, first_received_at, first_received_at, 'crm merge' from records
    where merged_identity is not null

),

addressed as (

    select sends.*, campaigns.provider from sends
    inner join campaigns on sends.campaign_id = campaigns.campaign_id

),

sent as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ user_identity("provider", "user_id") }} as other_identity,
        planned_at as since,
        planned_at as known_since,
        'send' as evidence
    from addressed

),

came_back as (

    {%- for key in ("send_id", "message_id") %}
    select
        addressed.phone,
        addressed.user_id,
        addressed.provider,
        messages.phone as told_phone,
        messages.user_id as told_user_id
    from addressed
    inner join messages on addressed.provider = messages.provider and addressed.{{ key }} = messages.{{ key }}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}

),

-- A status may name its person by another identity than the send did. When each was first seen, the others tell.
answered as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ user_identity("provider", "told_user_id") }} as other_identity,
        cast(null as timestamp) as since,
        cast(null as timestamp) as known_since,
        'send' as evidence
    from came_back
    where phone is not null and told_user_id is not null
    union all
    select
        {{ phone_identity("told_phone") }},
        {{ user_identity("provider", "user_id") }},
        null,
        null,
        'send'
    from came_back
    where told_phone is not null and user_id is not null

),

told as (

    select * from messaged
    union all
    select * from renamed where other_identity is not null
    union all
    select * from ordered
    union all
    select * from known_to_crm
    union all
    select * from merged
    union all
    select * from sent
    union all
    select * from answered

),

phones as (

    select substr(identity, 7) as phone, min(since) as since, min(known_since) as known_since
    from (
        select phone_identity as identity, since, known_since from told
        union all
        select other_identity, since, known_since from told
    ) as named
    where identity like 'phone:%'
    group by identity

),

varied as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ phone_identity(phone_key("phone")) }} as other_identity,
        since,
        known_since,
        'phone variant' as evidence
    from phones
    where phone <> {{ phone_key("phone") }}

),

together as (

    select * from told
    union all
    select * from varied

),

final as (

    select
        coalesce(phone_identity, other_identity) as identity,
        case when phone_identity is not null then other_identity end as other_identity,
        evidence,
        min(since) as since,
        min(known_since) as known_since
    from together
    where phone_identity is not null or other_identity is not null
    group by 1, 2, 3

)

select * from final
