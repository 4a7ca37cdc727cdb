with

source as (

    select * from {{ source("campaigns", "campaigns") }}

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
        status,
        created_at,
        planned_at,
        approved_at,
        approved_by,
        started_at,
        finished_at,
        template_body,
        holdout_share,
        starts_at,
        open_stage,
        retry_of
    from source

)

select * from final
