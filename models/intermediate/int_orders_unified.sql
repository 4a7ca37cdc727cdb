{{ config(materialized="view") }}

-- Orders as their source gave them; a header of its own wins over one derived from lines.

with

headers as (

    select * from {{ ref("stg_crm__orders") }}

),

derived as (

    select * from {{ ref("int_order_lines_collapsed_to_orders") }}

),

{% set columns = "order_key, source, order_id, customer_ref, ordered_at, updated_at, first_received_at, status, total, refunded, margin, currency, phone, email, name" %}
final as (

    select {{ columns }} from headers
    union all
    select {{ columns }} from derived
    where order_key not in (select order_key from headers)

)

select * from final
