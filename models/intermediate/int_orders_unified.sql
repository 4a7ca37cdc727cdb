{{ config(materialized="view") }}

-- Orders as their source gave them; a header of its own wins over one derived from lines. What a source no longer has
-- counts as cancelled: it says so, or its last full pull did not show it.

with

headers as (

    select * from {{ ref("stg_crm__orders") }}

),

derived as (

    select *, false as is_deleted, updated_at as received_at from {{ ref("int_order_lines_collapsed_to_orders") }}

),

pulls as (

    select * from {{ ref("stg_crm__pulls") }}

),

last_whole as (

    select source, stream, max(started_at) as started_at from pulls
    where is_full and stream in ('orders', 'order_lines')
    group by source, stream

),

{% set columns = "order_key, source, order_id, customer_ref, ordered_at, updated_at, first_received_at, status, total, refunded, margin, currency, phone, email, name, is_deleted, received_at" %}
together as (

    select {{ columns }}, 'orders' as stream from headers
    union all
    select {{ columns }}, 'order_lines' as stream from derived
    where order_key not in (select order_key from headers)

),

marked as (

    select
        together.* except (is_deleted, received_at, stream),
        together.is_deleted or coalesce(together.received_at < last_whole.started_at, false) as is_deleted
    from together
    left join last_whole on together.source = last_whole.source and together.stream = last_whole.stream

),

final as (

    select * except (status), case when is_deleted then 'cancelled' else status end as status from marked

)

select * from final
