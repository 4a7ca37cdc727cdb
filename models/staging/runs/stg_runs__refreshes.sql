with

source as (

    select * from {{ source("runs", "refreshes") }}

),

final as (

    select
        run_id,
        started_at,
        finished_at,
        as_of,
        status,
        step,
        version,
        events,
        orders,
        customers,
        tests_passed,
        tests_failed,
        error
    from source

)

select * from final
