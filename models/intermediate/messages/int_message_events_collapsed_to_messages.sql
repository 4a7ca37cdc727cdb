{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="message_key") }}

-- Every event is a message of which only one thing is known, and so is the row of an earlier run. All are folded with
-- min and max, so neither the order in which events arrive nor the runs they arrive in can change the outcome.

with

events as (

    select * from {{ ref("stg_messaging__message_events") }}
    where
        message_key is not null
        and event_type in ('accepted', 'sent', 'delivered', 'read', 'failed', 'clicked', 'received', 'reaction')
        {% if is_incremental() %}
            and load_id > (select coalesce(max(load_id), 0) from {{ this }})
        {% endif %}

),

glimpses as (

    select
        message_key,
        provider,
        message_id,
        channel_id,
        phone,
        user_id,
        send_id,
        template_name,
        category,
        pricing_type,
        price,
        currency,
        reply_to_message_id,
        ad_click_id,
        load_id,
        case when event_type <> 'clicked' then content_type end as content_type,
        case when event_type <> 'clicked' then body_text end as body_text,
        case when event_type = 'failed' then error_code end as error_code,
        case when event_type = 'failed' then error_family end as error_family,
        case when event_type = 'accepted' then occurred_at end as accepted_at,
        case when event_type = 'sent' then occurred_at end as sent_at,
        case when event_type = 'delivered' then occurred_at end as delivered_at,
        case when event_type = 'read' then occurred_at end as read_at,
        case when event_type = 'failed' then occurred_at end as failed_at,
        case when event_type = 'clicked' then occurred_at end as clicked_at,
        case when event_type = 'received' then occurred_at end as received_at,
        case when event_type = 'reaction' then occurred_at end as reacted_at
    from events

),

{% if is_incremental() %}
known as (

    select * from {{ this }}
    where message_key in (select message_key from glimpses)

),

together as (

    select * from glimpses
    union all
    select * from known

),
{% endif %}

final as (

    select
        message_key,
        min(provider) as provider,
        min(message_id) as message_id,
        max(channel_id) as channel_id,
        max(phone) as phone,
        max(user_id) as user_id,
        max(send_id) as send_id,
        max(template_name) as template_name,
        max(category) as category,
        max(pricing_type) as pricing_type,
        max(price) as price,
        max(currency) as currency,
        max(reply_to_message_id) as reply_to_message_id,
        max(ad_click_id) as ad_click_id,
        max(load_id) as load_id,
        max(content_type) as content_type,
        max(body_text) as body_text,
        max(error_code) as error_code,
        max(error_family) as error_family,
        min(accepted_at) as accepted_at,
        min(sent_at) as sent_at,
        min(delivered_at) as delivered_at,
        min(read_at) as read_at,
        min(failed_at) as failed_at,
        min(clicked_at) as clicked_at,
        min(received_at) as received_at,
        min(reacted_at) as reacted_at
    from {{ "together" if is_incremental() else "glimpses" }}
    group by message_key

)

select * from final
