with

campaigns as (

    select * from {{ ref("dim_campaigns") }}

),

results as (

    select * from {{ ref("fct_campaigns") }}

),

templates as (

    select * from {{ ref("dim_templates") }}

),

sources as (

    select * from {{ ref("meta_sources") }}

),

rejected as (

    select * from {{ ref("stg_runs__rejected") }}

),

orders as (

    select * from {{ ref("stg_crm__orders") }}

),

events as (

    select * from {{ ref("stg_messaging__message_events") }}

),

shared as (

    select * from {{ ref("int_identities_found_shared") }}

),

pulls as (

    select * from {{ ref("int_pulls_found_whole") }}

),

dialogs as (

    select * from {{ ref("fct_dialogs") }}

),

quotas as (

    select * from {{ ref("int_messages_counted_to_quotas") }}

),

limits as (

    select * from {{ ref("int_customers_counted_to_limits") }}

),

thresholds as (

    select * from {{ ref("alert_thresholds") }}

),

totals as (

    select
        campaigns.campaign_id,
        campaigns.name,
        campaigns.started_at,
        sum(results.accepted) as accepted,
        sum(results.failed) as failed,
        sum(results.customers_delivered) as delivered,
        sum(results.replied) as replied
    from campaigns
    inner join results on campaigns.campaign_id = results.campaign_id
    group by campaigns.campaign_id, campaigns.name, campaigns.started_at

),

recently_rejected as (

    select source, count(*) as rejected from rejected
    where {{ in_window("received_at", 7) }}
    group by source

),

-- Replies take their time: a campaign is judged by them from a day after its start.
measured as (

    select
        'low_reply_rate' as alert,
        campaign_id as subject,
        name as subject_name,
        {{ rate("replied", "delivered") }} as value,
        delivered as denominator
    from totals
    where started_at <= {{ as_of() }} - interval '24' hour
    union all
    select 'high_failure_rate', campaign_id, name, {{ rate("failed", "accepted") }}, accepted from totals
    union all
    select 'template_stopped', template_key, template_name || ' is ' || status, 1.0, 1 from templates
    where status in ('paused', 'disabled')
    union all
    select 'template_quality_red', template_key, template_name, 1.0, 1 from templates
    where quality = 'red'
    union all
    select 'stale_source', source, source, {{ seconds_between("last_received_at", as_of()) }} / 3600.0, 1 from sources
    union all
    select 'rejected_rows', source, source, rejected, 1 from recently_rejected
    union all
    select 'unknown_order_status', source, source, count(*), 1 from orders
    where status = 'unknown' and not is_deleted
    group by source
    union all
    select 'refund_over_order', source, source, count(*), 1 from orders
    where refunded > total and total > 0 and not is_deleted
    group by source
    union all
    select 'future_event', provider, provider, count(*), 1 from events
    where occurred_at > received_at + interval '{{ var("clock_tolerance_minutes") }}' minute
    group by provider
    union all
    select
        'shrunken_source',
        source || ':' || stream,
        stream || ' of ' || source || ': wabench ingest ' || source || ' --full, if they are gone',
        sum(missed),
        1
    from pulls
    where not is_whole
    group by source, stream
    union all
    select 'shared_identity', identity, identity || ' in ' || source, others, 1 from shared
    union all
    select
        'dialogs_waiting',
        provider || coalesce(':' || channel_id, ''),
        coalesce(channel_id || ' at ', '') || provider,
        {{ rate("max(seconds_waited)", 3600) }},
        count(*)
    from dialogs
    where is_open and is_overdue
    group by provider, channel_id
    union all
    select 'tier_nearly_used', provider, provider, {{ rate("customers", "customers_allowed") }}, customers_allowed
    from limits
    union all
    select
        'quota_nearly_used',
        provider || ':' || plan || ':' || quota_category || ':' || number,
        provider || coalesce(', ' || nullif(quota_category, ''), '') || coalesce(', ' || nullif(number, ''), ''),
        {{ rate("messages", "free_quota") }},
        free_quota
    from quotas

),

final as (

    select
        measured.alert || ':' || measured.subject as alert_id,
        measured.alert,
        thresholds.severity,
        measured.subject,
        measured.subject_name,
        cast(measured.value as double) as value,
        cast(thresholds.threshold as double) as threshold,
        cast(measured.denominator as bigint) as denominator,
        {{ as_of() }} as raised_at
    from measured
    inner join thresholds on measured.alert = thresholds.alert
    where
        measured.denominator >= thresholds.at_least
        and case
            when thresholds.side = 'below' then measured.value < thresholds.threshold
            else measured.value > thresholds.threshold
        end

)

select * from final
