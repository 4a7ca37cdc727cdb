with

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}

),

texts as (

    select campaign_id, count(*) as texts from {{ ref("int_campaigns_spread_to_texts") }}
    group by campaign_id

),

final as (

    select
        campaigns.campaign_id,
        name,
        segment,
        provider,
        channel_id,
        template_name,
        language,
        category,
        texts.texts,
        holdout_share,
        status,
        created_at,
        planned_at,
        starts_at,
        retry_of,
        approved_at,
        approved_by,
        started_at,
        finished_at
    from campaigns
    inner join texts on campaigns.campaign_id = texts.campaign_id

)

select * from final
