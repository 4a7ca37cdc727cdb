with

source as (

    select * from {{ source("messaging", "message_events") }}

),

final as (

    select
        event_id,
        provider,
        channel_id,
        provider || ':' || message_id as message_key,
        message_id,
        direction,
        event_type,
        coalesce(occurred_at, received_at) as occurred_at,
        received_at,
        phone,
        user_id,
        profile_name,
        username,
        content_type,
        body_text,
        template_name,
        case when category = 'marketing_lite' then 'marketing' else category end as category,
        pricing_type,
        price,
        currency,
        error_code,
        error_family,
        case when callback_data like 'wb:%' then substr(callback_data, 4) end as send_id,
        reply_to_message_id,
        ad_click_id,
        load_id
    from source

)

select * from final
