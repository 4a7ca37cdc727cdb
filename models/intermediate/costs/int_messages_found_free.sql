-- Messages that a plan's monthly quota pays for: the first ones of the month, by their time. `own` is among what went
-- through the plan's own provider, `all` among the whole month's traffic, as if it all went through that plan.

with

messages as (

    select * from {{ ref("int_messages_classified") }}
    where is_chargeable

),

counted as (

    select * from {{ ref("int_messages_counted_to_classes") }}

),

prices as (

    select * from {{ ref("int_prices_matched_to_classes") }}
    where free_quota > 0

),

-- Meta gives what came from an advertisement for nothing anyway; to others a message is a message.
eligible as (

    select
        counted.*,
        prices.provider as plan_provider,
        prices.plan,
        prices.free_quota,
        prices.quota_category,
        case when prices.quota_per = 'number' then counted.provider || ':' || counted.channel_id else '' end as number
    from counted
    inner join prices
        on counted.price_category = prices.price_category
        and counted.country = prices.country
        and counted.price_date = prices.price_date
    where prices.provider <> 'meta' or not counted.is_free_entry_point

),

scoped as (

    select *, 'all' as scope from eligible
    union all
    select *, 'own' from eligible
    where provider = plan_provider and provider <> 'meta'

),

{% set pool = "plan_provider, plan, scope, quota_category, number, price_month" %}
daily as (

    select {{ pool }}, price_date, sum(messages) as messages, max(free_quota) as free_quota from scoped
    group by {{ pool }}, price_date

),

-- Only the days up to the one on which a quota is used up need to be looked at message by message.
early as (

    select {{ pool }}, price_date from daily
    qualify sum(messages) over (partition by {{ pool }} order by price_date) - messages < free_quota

),

candidates as (

    select scoped.* from scoped
    inner join early
        on scoped.plan_provider = early.plan_provider
        and scoped.plan = early.plan
        and scoped.scope = early.scope
        and scoped.quota_category = early.quota_category
        and scoped.number = early.number
        and scoped.price_date = early.price_date

),

final as (

    select
        messages.message_key,
        candidates.price_month,
        candidates.price_date,
        candidates.price_category,
        candidates.country,
        candidates.plan_provider,
        candidates.plan,
        candidates.scope
    from candidates
    inner join messages
        on candidates.provider = messages.provider
        and candidates.channel_id = coalesce(messages.channel_id, '')
        and candidates.price_date = messages.price_date
        and candidates.price_category = messages.price_category
        and candidates.country = messages.country
        and candidates.is_free_entry_point = coalesce(messages.pricing_type = 'free_entry_point', false)
    qualify row_number() over (
        partition by
            candidates.plan_provider,
            candidates.plan,
            candidates.scope,
            candidates.quota_category,
            candidates.number,
            candidates.price_month
        order by coalesce(messages.delivered_at, messages.sent_at, messages.accepted_at), messages.message_key
    ) <= candidates.free_quota

)

select * from final
