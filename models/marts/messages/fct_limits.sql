-- What may run out: the free messages of this month, and how many people may be written to in 24 hours.

with

quotas as (

    select * from {{ ref("int_messages_counted_to_quotas") }}

),

tiers as (

    select * from {{ ref("int_customers_counted_to_limits") }}

),

gathered as (

    select
        'quota' as kind,
        provider,
        plan,
        nullif(quota_category, '') as category,
        nullif(number, '') as channel,
        price_month as month,
        messages as used,
        free_quota as allowed,
        cast(null as timestamp) as told_at
    from quotas
    union all
    select 'tier', provider, null, null, null, null, customers, customers_allowed, told_at from tiers

),

final as (

    select
        kind || ':' || provider || coalesce(':' || plan, '') || coalesce(':' || category, '') || coalesce(':' || channel, '')
            as limit_id,
        kind,
        provider,
        plan,
        category,
        channel,
        month,
        cast(used as bigint) as used,
        cast(allowed as bigint) as allowed,
        {{ rate("used", "allowed") }} as share_used,
        told_at
    from gathered

)

select * from final
