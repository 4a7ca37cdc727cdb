{{ config(materialized="view") }}

-- What CRMs record of people. Who is no longer there was deleted: their CRM says so, or a whole pull did not show them.

with

customers as (

    select * from {{ ref("stg_crm__customers") }}

),

pulls as (

    select * from {{ ref("int_pulls_found_whole") }}
    where stream = 'customers'

),

last_whole as (

    select source, max(started_at) as started_at from pulls
    where is_whole
    group by source

),

short as (

    select * from pulls
    where not is_whole

),

final as (

    select
        customers.* except (is_deleted),
        customers.is_deleted
        or (
            coalesce(customers.seen_at < last_whole.started_at, false)
            and short.source is null
            and not customers.is_from_file
        ) as is_deleted
    from customers
    left join last_whole on customers.source = last_whole.source
    left join short
        on customers.source = short.source
        and customers.seen_at >= short.last_started_at
        and customers.seen_at < short.started_at

)

select * from final
