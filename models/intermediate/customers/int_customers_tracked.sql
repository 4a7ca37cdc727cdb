{{ config(materialized="view") }}

-- What snap_customer_tags keeps the history of: one more column here, and among its check_cols, is all it takes.

with

customers as (

    select * from {{ ref("dim_customers") }}

),

final as (

    select
        customer_id,
        consent,
        frequency_tag,
        order_value_tag,
        engagement_tag,
        rfm_group,
        {{ as_of() }} as as_of
    from customers

)

select * from final
