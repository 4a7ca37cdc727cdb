{{ config(materialized="view") }}

-- Orders as their source gave them; a header of its own wins over one derived from lines. What a source no longer has
-- counts as cancelled: it says so, or a whole pull did not show it.

with

headers as (

    select * from {{ ref("stg_crm__orders") }}

),

lines_summed as (

    select * from {{ ref("int_order_lines_collapsed_to_orders") }}

),

readings as (

    select * from {{ ref("stg_crm__readings") }}

),

pulls as (

    select * from {{ ref("int_pulls_found_whole") }}

),

-- What was summed of lines that were forgotten since is left in an incremental model.
derived as (

    select lines_summed.*, false as is_deleted, lines_summed.updated_at as seen_at from lines_summed
    left join readings on lines_summed.source = readings.source
    where lines_summed.load_id > coalesce(readings.load_id, 0)

),

last_whole as (

    select source, stream, max(started_at) as started_at from pulls
    where is_whole
    group by source, stream

),

short as (

    select * from pulls
    where not is_whole

),

{% set columns = "order_key, source, order_id, customer_ref, ordered_at, updated_at, first_received_at, status, total, refunded, margin, currency, phone, email, name, is_deleted, seen_at, is_from_file" %}
together as (

    select {{ columns }}, 'orders' as stream from headers
    union all
    select {{ columns }}, 'order_lines' as stream from derived
    where order_key not in (select order_key from headers)

),

marked as (

    select
        together.* except (is_deleted, seen_at, is_from_file, stream),
        together.is_deleted
        or (
            coalesce(together.seen_at < last_whole.started_at, false)
            and short.source is null
            and not together.is_from_file
        ) as is_deleted
    from together
    left join last_whole on together.source = last_whole.source and together.stream = last_whole.stream
    left join short
        on together.source = short.source
        and together.stream = short.stream
        and together.seen_at >= short.last_started_at
        and together.seen_at < short.started_at

),

final as (

    select * except (status), case when is_deleted then 'cancelled' else status end as status from marked

)

select * from final
