{{ config(materialized="view") }}

with

loads as (

    select * from {{ ref("stg_runs__loads") }}

),

rejected as (

    select * from {{ ref("stg_runs__rejected") }}

),

events as (

    select * from {{ ref("stg_messaging__message_events") }}

),

orders as (

    select * from {{ ref("stg_crm__orders") }}

),

order_lines as (

    select * from {{ ref("stg_crm__order_lines") }}

),

customers as (

    select * from {{ ref("stg_crm__customers") }}

),

-- A landing file's first folder is its source.
loaded as (

    select split_part(file, '/', 1) as source, max(loaded_at) as last_loaded_at from loads
    group by split_part(file, '/', 1)

),

brought as (

    select provider as source, received_at, occurred_at as newest_at from events
    union all
    select source, received_at, ordered_at from orders
    union all
    select source, received_at, ordered_at from order_lines
    union all
    select source, received_at, updated_at from customers

),

counted as (

    select source, count(*) as rows, max(received_at) as last_received_at, max(newest_at) as newest_at from brought
    group by source

),

refused as (

    select source, count(*) as rejected, max(received_at) as last_rejected_at from rejected
    group by source

),

named as (

    select source from loaded
    union
    select source from counted
    union
    select source from refused

),

final as (

    select
        named.source,
        coalesce(counted.rows, 0) as rows,
        coalesce(refused.rejected, 0) as rejected,
        counted.newest_at,
        greatest(counted.last_received_at, refused.last_rejected_at) as last_received_at,
        refused.last_rejected_at,
        loaded.last_loaded_at
    from named
    left join loaded on named.source = loaded.source
    left join counted on named.source = counted.source
    left join refused on named.source = refused.source

)

select * from final
