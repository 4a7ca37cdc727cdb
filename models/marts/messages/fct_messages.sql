with

messages as (

    select * from {{ ref("int_messages_priced") }}

),

followed as (

    select * from {{ ref("int_messages_followed_to_outcomes") }}

),

final as (

    select
        messages.message_key,
        messages.provider,
        messages.message_id,
        messages.channel_id,
        messages.direction,
        messages.customer_id,
        messages.campaign_id,
        messages.send_id,
        messages.variant,
        case
            when messages.direction = 'in' then 'received'
            when messages.read_at is not null then 'read'
            when messages.delivered_at is not null then 'delivered'
            when messages.failed_at is not null then 'failed'
            when messages.sent_at is not null then 'sent'
            else 'accepted'
        end as status,
        messages.accepted_at,
        messages.sent_at,
        messages.delivered_at,
        messages.read_at,
        messages.failed_at,
        messages.clicked_at,
        messages.received_at,
        messages.reacted_at,
        followed.replied_at,
        followed.replied_at is not null as is_replied,
        messages.template_name,
        messages.category,
        messages.content_type,
        messages.body_text,
        messages.reply_to_message_id,
        messages.ad_click_id,
        messages.pricing_type,
        {{ unit_price("messages.cost") }} as cost,
        '{{ var("currency") }}' as currency,
        messages.error_code,
        messages.error_family
    from messages
    left join followed on messages.message_key = followed.message_key

)

select * from final
