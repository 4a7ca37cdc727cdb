with

source as (

    select * from {{ source("runs", "test_results") }}

),

final as (

    select
        run_id,
        test,
        model,
        status,
        failures,
        seconds,
        message
    from source

)

select * from final
