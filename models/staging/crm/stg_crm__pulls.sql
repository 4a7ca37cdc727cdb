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
        is_full,
        coalesce(is_confirmed, false) as is_confirmed,
        coalesce(records, 0) as records,
        split_part(landing_ref, ':', 1) as file
    from source

)

select * from final
