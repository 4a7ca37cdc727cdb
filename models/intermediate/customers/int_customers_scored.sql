{{ config(materialized="view") }}

with

customers as (

    select * from {{ ref("int_customers_measured") }}

),

cut_points as (

    select * from {{ ref("int_rfm_cut_points") }}

),

groups as (

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
        groups.rfm_group
    from scored
    left join groups
        on scored.rfm_recency between groups.recency_from and groups.recency_to
        and scored.rfm_frequency between groups.frequency_from and groups.frequency_to
        and scored.rfm_monetary between groups.monetary_from and groups.monetary_to

)

select * from final
