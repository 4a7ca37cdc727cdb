with

source as (

    select * from {{ source("crm", "readings") }}

),

final as (

    select
        source,
        load_id
    from source

)

select * from final
