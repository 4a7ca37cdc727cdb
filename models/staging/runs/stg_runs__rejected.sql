with

source as (

    select * from {{ source("runs", "rejected") }}

),

final as (

    select
        source,
        stream,
        landing_ref,
        received_at,
        reason,
        body,
        load_id
    from source

)

select * from final
