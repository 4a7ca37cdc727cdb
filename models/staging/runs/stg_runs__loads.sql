with

source as (

    select * from {{ source("runs", "loads") }}

),

final as (

    select
        load_id,
        file,
        offset_from,
        offset_to,
        rows,
        rejected,
        loaded_at
    from source

)

select * from final
