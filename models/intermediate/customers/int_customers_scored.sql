{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref("int_customers_measured") }}

),

cut_points as (

    select * from {{ ref("int_rfm_cut_points") }}

),

named as (

    select * from {{ ref("rfm_groups") }}

),

scored as (

    select
        customers.customer_id,
        {{ rfm_score("recency", rfm_recency("customers.last_order_at", as_of())) | indent(4) }} as rfm_recency,
        {{ rfm_score("frequency", "customers.orders") | indent(4) }} as rfm_frequency,
        {{ rfm_score("monetary", "customers.net_revenue") | indent(4) }} as rfm_monetary
    from customers
    cross join cut_points
    where customers.orders > 0

),

final as (

    select
        scored.customer_id,
        scored.rfm_recency,
        scored.rfm_frequency,
        scored.rfm_monetary,
        named.rfm_group
    from scored
    left join named
        on scored.rfm_recency between named.recency_from and named.recency_to
        and scored.rfm_frequency between named.frequency_from and named.frequency_to
        and scored.rfm_monetary between named.monetary_from and named.monetary_to

)

select * from final
