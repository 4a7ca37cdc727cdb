with

source as (

    select * from {{ source("campaigns", "sends") }}

),

final as (

    select
        campaign_id,
        customer_id,
        send_id,
        variant,
        arm,
        phone,
        user_id,
        state,
        reason,
        message_id,
        error_code,
        error_family,
        planned_at,
        claimed_at,
        outcome_at,
        text_length,
        is_personalised,
        stage
    from source

)

select * from final
