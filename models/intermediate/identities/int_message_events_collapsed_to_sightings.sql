{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="sighting_key") }}

-- Who was seen together in one event: phone, business-scoped id, the names they had, and who they were before. Only
-- some events prove that the phone is one WhatsApp reaches: a send that failed has the phone we guessed.

with

events as (

    select * from {{ ref("stg_messaging__message_events") }}
    where
        (phone is not null or user_id is not null)
        {% if is_incremental() %}
            and load_id > (select coalesce(max(load_id), 0) from {{ this }})
        {% endif %}

),

seen as (

    select
        provider,
        phone,
        user_id,
        profile_name,
        username,
        case when event_type = 'identity_update' then body_text end as previous,
        occurred_at as first_seen_at,
        occurred_at as last_seen_at,
        case
            when event_type in ('received', 'reaction', 'delivered', 'read', 'clicked', 'identity_update') then occurred_at
        end as last_reached_at,
        received_at as first_received_at,
        load_id
    from events

),

glimpses as (

    select
        seen.*,
        provider || '|' || coalesce(phone, '') || '|' || coalesce(user_id, '') || '|' || coalesce(previous, '')
        || '|' || coalesce(profile_name, '') || '|' || coalesce(username, '') as sighting_key
    from seen

),

{% if is_incremental() %}
known as (

    select * from {{ this }}
    where sighting_key in (select sighting_key from glimpses)

),

together as (

    select * from glimpses
    union all
    select * from known

),
{% endif %}

final as (

    select
        min(provider) as provider,
        min(phone) as phone,
        min(user_id) as user_id,
        min(profile_name) as profile_name,
        min(username) as username,
        min(previous) as previous,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        max(last_reached_at) as last_reached_at,
        min(first_received_at) as first_received_at,
        max(load_id) as load_id,
        sighting_key
    from {{ "together" if is_incremental() else "glimpses" }}
    group by sighting_key

)

select * from final
