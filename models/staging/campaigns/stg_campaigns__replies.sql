with

source as (

    select * from {{ source("campaigns", "replies") }}

),

final as (

    select
        reply_id,
        customer_id,
        provider,
        channel_id,
        written_by,
        canned,
        state,
        reason,
        message_id,
        error_code,
        error_family,
        asked_at,
        claimed_at,
        outcome_at
    from source

)

select * from final
