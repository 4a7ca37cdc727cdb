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

spelt as (

    select
        provider,
        occurred_at,
        upper(replace(replace(body_text, 'TIER_', ''), 'tier_', '')) as said
    from events

),

-- No limit is known as a limit of zero. What is neither says nothing, and the one told before it stands.
read as (

    select
        provider,
        occurred_at,
        case
            when said = 'UNLIMITED' then 0
            when said like '%K' then try_cast(replace(said, 'K', '') as bigint) * 1000
            else try_cast(said as bigint)
        end as customers_allowed
    from spelt

),

limits as (

    select
        provider,
        {{ latest("customers_allowed", "occurred_at") }} as customers_allowed,
        max(case when customers_allowed is not null then occurred_at end) as told_at
    from read
    group by provider

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
