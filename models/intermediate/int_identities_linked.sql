-- What belongs to one person, and who says so: a pair of identities, or one alone (`other_identity` null).

with

sightings as (

    select * from {{ ref("int_message_events_collapsed_to_sightings") }}

),

orders as (

    select * from {{ ref("int_orders_unified") }}

),

customers as (

    select * from {{ ref("stg_crm__customers") }}

),

sends as (

    select * from {{ ref("stg_campaigns__sends") }}

),

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}

),

messaged as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ user_identity("provider", "user_id") }} as other_identity,
        first_seen_at as since,
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
        'identity update' as evidence
    from sightings
    where previous is not null

),

ordered as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ ref_identity("source", "customer_ref") }} as other_identity,
        ordered_at as since,
        'order' as evidence
    from orders

),

known_to_crm as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ ref_identity("source", "customer_ref") }} as other_identity,
        received_at as since,
        'crm customer' as evidence
    from customers

),

sent as (

    select
        {{ phone_identity("sends.phone") }} as phone_identity,
        {{ user_identity("campaigns.provider", "sends.user_id") }} as other_identity,
        coalesce(sends.claimed_at, sends.planned_at, campaigns.created_at) as since,
        'send' as evidence
    from sends
    inner join campaigns on sends.campaign_id = campaigns.campaign_id

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
    select * from sent

),

phones as (

    select substr(phone_identity, 7) as phone, min(since) as since
    from told
    where phone_identity like 'phone:%'
    group by phone_identity

),

varied as (

    select
        {{ phone_identity("phone") }} as phone_identity,
        {{ phone_identity(phone_key("phone")) }} as other_identity,
        since,
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
        min(since) as since
    from together
    where phone_identity is not null or other_identity is not null
    group by 1, 2, 3

)

select * from final
