with

source as (

    select * from {{ source("campaigns", "heard") }}

),

final as (

    select
        inbound_id,
        provider,
        message_id,
        customer_id,
        does as action,
        command,
        rule,
        tag,
        reason,
        reply_id,
        wrote_at,
        decided_at
    from source

)

select * from final
