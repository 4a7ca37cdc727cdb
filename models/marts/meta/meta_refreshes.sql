{{ config(materialized="view") }}

with

refreshes as (

    select * from {{ ref("stg_runs__refreshes") }}

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
    from refreshes

)

select * from final
