-- How many people were written to by template in the last 24 hours, beside how many a provider last said it allows: a
-- number (2000) or a tier (TIER_2K). Who wrote first does not count for the limit, so free text doesn't. The limit is of
-- the whole account, whichever number it was told of.

with

events as (

    select * from {{ ref("stg_messaging__message_events") }}
    where event_type = 'limit_update' and {{ in_window("occurred_at") }}

),

messages as (

    select * from {{ ref("int_messages_classified") }}
    where
        direction = 'out'
        and failed_at is null
        and (template_name is not null or category in ('marketing', 'utility', 'authentication'))
        and {{ in_window("least(accepted_at, sent_at)", 1) }}

),

told as (

    select
        provider,
        {{ latest("upper(replace(replace(body_text, 'TIER_', ''), 'tier_', ''))", "occurred_at") }} as limit_text,
        max(occurred_at) as told_at
    from events
    where body_text is not null
    group by provider

),

-- TIER_UNLIMITED is no number, so no limit.
limits as (

    select
        provider,
        told_at,
        case
            when limit_text like '%K' then try_cast(replace(limit_text, 'K', '') as bigint) * 1000
            else try_cast(limit_text as bigint)
        end as customers_allowed
    from told

),

written as (

    select provider, count(distinct coalesce(customer_id, phone, user_id, message_key)) as customers from messages
    group by provider

),

final as (

    select
        limits.provider,
        limits.customers_allowed,
        limits.told_at,
        coalesce(written.customers, 0) as customers
    from limits
    left join written on limits.provider = written.provider
    where limits.customers_allowed > 0

)

select * from final
