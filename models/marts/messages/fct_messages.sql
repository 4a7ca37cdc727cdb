-- A message of ours of which a text is known is one, whatever its template could carry: none is sent with more. Of what it
-- says only the measures are published.

{% set content_kinds = {
    "text": ("text",),
    "image": ("image", "sticker"),
    "video": ("video",),
    "audio": ("audio", "voice"),
    "document": ("document", "file"),
    "location": ("location",),
    "contacts": ("contacts", "contact"),
    "interactive": ("interactive", "button", "list", "order", "carousel", "flow"),
    "reaction": ("reaction",),
} %}
with

messages as (

    select * from {{ ref("int_messages_priced") }}

),

described as (

    select * from {{ ref("int_messages_described") }}

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
        cast(round({{ seconds_between("messages.touched_at", "followed.replied_at") }}) as bigint) as reply_seconds,
        followed.converted_at,
        messages.template_name,
        messages.category,
        messages.content_type,
        case
            {%- for kind, names in content_kinds.items() %}
            when lower(messages.content_type) in ('{{ names | join("', '") }}') then '{{ kind }}'
            {%- endfor %}
            when messages.reacted_at is not null then 'reaction'
            when described.text_length is not null then 'text'
            when
                messages.template_name is not null
                or messages.content_type = 'template'
                or messages.category in ('marketing', 'utility', 'authentication')
                then 'template'
            when messages.content_type is not null then 'other'
            else 'unknown'
        end as content_kind,
        case when messages.direction = 'in' then messages.body_text end as body_text,
        described.text_length,
        described.is_personalised,
        described.has_link,
        described.has_call_to_action,
        messages.reply_to_message_id,
        messages.ad_click_id,
        messages.pricing_type,
        {{ unit_price("messages.cost") }} as cost,
        '{{ var("currency") }}' as currency,
        messages.error_code,
        messages.error_family
    from messages
    left join described on messages.message_key = described.message_key
    left join followed on messages.message_key = followed.message_key

)

select * from final
