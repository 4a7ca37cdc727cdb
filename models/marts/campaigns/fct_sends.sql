with

sends as (

    select * from {{ ref("int_sends_followed_to_outcomes") }}

),

campaigns as (

    select * from {{ ref("dim_campaigns") }}

),

final as (

    select
        sends.send_id,
        sends.campaign_id,
        campaigns.name as campaign_name,
        sends.variant,
        sends.customer_id,
        sends.state,
        sends.reason,
        sends.made_at,
        sends.delivered_at,
        sends.read_at,
        sends.failed_at,
        sends.replied_at,
        sends.converted_at,
        sends.opted_out_at
    from sends
    inner join campaigns on sends.campaign_id = campaigns.campaign_id

)

select * from final
