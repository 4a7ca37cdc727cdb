{{ config(materialized="view") }}

with

tests as (

    select * from {{ ref("stg_runs__test_results") }}

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
    from tests

)

select * from final
