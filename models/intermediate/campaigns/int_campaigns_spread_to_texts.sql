-- A row per text of a campaign: its variants, or, without variants, its own as the variant ''.

with

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}

),

variants as (

    select * from {{ ref("stg_campaigns__variants") }}

),

final as (

    select
        campaigns.campaign_id,
        coalesce(variants.variant, '') as variant,
        coalesce(variants.share, 1) as share,
        campaigns.provider,
        campaigns.category,
        coalesce(variants.template_name, campaigns.template_name) as template_name,
        coalesce(variants.language, campaigns.language) as language,
        coalesce(variants.template_body, campaigns.template_body) as template_body
    from campaigns
    left join variants on campaigns.campaign_id = variants.campaign_id

)

select * from final
