with

source as (

    select * from {{ source("campaigns", "variants") }}

),

final as (

    select
        campaign_id,
        variant,
        share,
        template_name,
        language,
        template_body
    from source

)

select * from final
