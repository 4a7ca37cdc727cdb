with

source as (

    select * from {{ source("crm", "pulls") }}

),

final as (

    select
        source,
        stream,
        started_at,
        finished_at,
        is_full
    from source

)

select * from final
