{{ config(materialized="view") }}

-- What CRMs record of people. Who is no longer there was deleted: their CRM says so, or its last full pull did not show
-- them.

with

customers as (

    select * from {{ ref("stg_crm__customers") }}

),

pulls as (

    select * from {{ ref("stg_crm__pulls") }}

),

last_whole as (

    select source, max(started_at) as started_at from pulls
    where is_full and stream = 'customers'
    group by source

),

final as (

    select
        customers.* except (is_deleted),
        customers.is_deleted or coalesce(customers.received_at < last_whole.started_at, false) as is_deleted
    from customers
    left join last_whole on customers.source = last_whole.source

)

select * from final
