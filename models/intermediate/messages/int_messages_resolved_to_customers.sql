{{ config(materialized="view") }}

-- A row per message with its customer and its send. Statuses only go forward: what is read was delivered, what is
-- delivered was sent and has not failed. A send that was accepted but of which nothing came back is a message too. What
-- followed is counted from `touched_at`: a message of which only the reading was told may be answered before that.

with

messages as (

    select * from {{ ref("int_message_events_collapsed_to_messages") }}

),

sends as (

    select * from {{ ref("int_sends_resolved_to_customers") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

sent_messages as (

    select provider, message_id, min(send_id) as send_id from sends
    where message_id is not null
    group by provider, message_id

),

keyed as (

    select
        messages.*,
        coalesce(messages.message_key, sent_messages.provider || ':' || sent_messages.message_id) as final_key,
        coalesce(messages.provider, sent_messages.provider) as final_provider,
        coalesce(messages.message_id, sent_messages.message_id) as final_id,
        coalesce(sent_messages.send_id, messages.send_id) as found_send_id,
        coalesce(
            {{ user_identity("messages.provider", "messages.user_id") }}, {{ phone_identity("messages.phone") }}
        ) as identity,
        coalesce(messages.received_at, messages.reacted_at) is not null as is_inbound,
        coalesce(messages.delivered_at, messages.read_at) as reached_at
    from messages
    full join sent_messages
        on messages.provider = sent_messages.provider
        and messages.message_id = sent_messages.message_id

),

final as (

    select
        keyed.final_key as message_key,
        keyed.final_provider as provider,
        keyed.final_id as message_id,
        coalesce(keyed.channel_id, sends.channel_id) as channel_id,
        case when keyed.is_inbound then 'in' else 'out' end as direction,
        coalesce(sends.customer_id, identities.customer_id) as customer_id,
        sends.send_id,
        sends.campaign_id,
        sends.variant,
        coalesce(keyed.phone, sends.phone) as phone,
        coalesce(keyed.user_id, sends.user_id) as user_id,
        coalesce(sends.template_name, keyed.template_name) as template_name,
        coalesce(keyed.category, sends.category) as category,
        keyed.content_type,
        keyed.body_text,
        keyed.reply_to_message_id,
        keyed.ad_click_id,
        keyed.pricing_type,
        keyed.price,
        keyed.currency as price_currency,
        coalesce(keyed.accepted_at, case when sends.state = 'accepted' then sends.outcome_at end) as accepted_at,
        least(keyed.sent_at, keyed.reached_at, keyed.read_at) as sent_at,
        least(keyed.reached_at, keyed.read_at) as delivered_at,
        case
            when keyed.delivered_at is not null then least(keyed.delivered_at, keyed.read_at)
            when keyed.read_at is not null then least(keyed.accepted_at, keyed.sent_at, sends.outcome_at, keyed.read_at)
        end as touched_at,
        keyed.read_at,
        case when keyed.reached_at is null then keyed.failed_at end as failed_at,
        keyed.clicked_at,
        keyed.received_at,
        keyed.reacted_at,
        case when keyed.reached_at is null then keyed.error_code end as error_code,
        case when keyed.reached_at is null then keyed.error_family end as error_family
    from keyed
    left join sends on keyed.found_send_id = sends.send_id
    left join identities on keyed.identity = identities.identity

)

select * from final
