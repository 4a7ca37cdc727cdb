{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref("int_customers_measured") }}

),

thresholds as (

    select * from {{ ref("int_tag_thresholds_pivoted") }}

),

measured as (

    select *, {{ seconds_between("last_interaction_at", as_of()) }} / 86400.0 as days_silent from customers

),

final as (

    select
        measured.customer_id,
        {{ frequency_tag("measured.orders", "measured.orders_90d") | indent(4) }} as frequency_tag,
        {{ order_value_tag("measured.average_order_value") | indent(4) }} as order_value_tag,
        {{ engagement_tag("measured.days_silent") | indent(4) }} as engagement_tag
    from measured
    cross join thresholds

)

select * from final
