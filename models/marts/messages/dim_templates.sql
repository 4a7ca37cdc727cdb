-- Everything that is known of a template without asking the provider: what events told and what was sent with it.

with

events as (

    select * from {{ ref("stg_messaging__message_events") }}

),

campaigns as (

    select * from {{ ref("int_campaigns_spread_to_texts") }}

),

messages as (

    select * from {{ ref("fct_messages") }}

),

updates as (

    select
        provider,
        template_name,
        occurred_at,
        category,
        case when event_type = 'template_update' then lower(content_type) end as status,
        case when event_type = 'quality_update' then lower(content_type) end as quality
    from events
    where event_type in ('template_update', 'quality_update') and template_name is not null

),

told as (

    select
        provider,
        template_name,
        {{ latest("case when status in ('approved', 'pending', 'rejected', 'paused', 'disabled', 'flagged', 'reinstated',"
            " 'in_appeal', 'limit_exceeded', 'locked', 'archived', 'unarchived', 'pending_deletion', 'deleted')"
            " then status end", "occurred_at") }} as status,
        {{ latest("case when quality in ('green', 'yellow', 'red', 'unknown') then quality end", "occurred_at") }} as quality,
        {{ latest("lower(category)", "occurred_at") }} as category,
        max(occurred_at) as updated_at
    from updates
    group by provider, template_name

),

planned as (

    select
        provider,
        template_name,
        max(language) as language,
        max(lower(category)) as category,
        count(distinct campaign_id) as campaigns
    from campaigns
    where template_name is not null
    group by provider, template_name

),

sent as (

    select
        provider,
        template_name,
        count(*) as messages,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(failed_at) as failed,
        max(coalesce(sent_at, accepted_at)) as last_sent_at
    from messages
    where direction = 'out' and template_name is not null
    group by provider, template_name

),

named as (

    select provider, template_name from told
    union
    select provider, template_name from planned
    union
    select provider, template_name from sent

),

final as (

    select
        named.provider || ':' || named.template_name as template_key,
        named.provider,
        named.template_name,
        planned.language,
        coalesce(told.category, planned.category) as category,
        coalesce(told.status, 'unknown') as status,
        coalesce(told.quality, 'unknown') as quality,
        told.updated_at,
        coalesce(planned.campaigns, 0) as campaigns,
        coalesce(sent.messages, 0) as messages,
        coalesce(sent.delivered, 0) as delivered,
        coalesce(sent.read, 0) as read,
        coalesce(sent.failed, 0) as failed,
        sent.last_sent_at
    from named
    left join told on named.provider = told.provider and named.template_name = told.template_name
    left join planned on named.provider = planned.provider and named.template_name = planned.template_name
    left join sent on named.provider = sent.provider and named.template_name = sent.template_name

)

select * from final
