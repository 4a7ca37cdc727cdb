with

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}

),

final as (

    select
        campaign_id,
        name,
        segment,
        provider,
        channel_id,
        template_name,
        language,
        category,
        holdout_share,
        status,
        created_at,
        planned_at,
        approved_at,
        approved_by,
        started_at,
        finished_at
    from campaigns

)

select * from final
