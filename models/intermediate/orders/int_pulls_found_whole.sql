-- Which full pulls showed all there was. A list may be short for other reasons than deletions: a right that was taken away, a
-- server with a bad day. So what a pull missed is held for missing until it, or the last one, is seen to have shown enough.

with

pulls as (

    select * from {{ ref("stg_crm__pulls") }}

),

rejected as (

    select * from {{ ref("stg_runs__rejected") }}

),

orders as (

    select * from {{ ref("stg_crm__orders") }}

),

lines_summed as (

    select * from {{ ref("int_order_lines_collapsed_to_orders") }}

),

readings as (

    select * from {{ ref("stg_crm__readings") }}

),

derived as (

    select lines_summed.* from lines_summed
    left join readings on lines_summed.source = readings.source
    where lines_summed.load_id > coalesce(readings.load_id, 0)

),

customers as (

    select * from {{ ref("stg_crm__customers") }}

),

-- A record that was shown and not understood looks like one that was not shown. A line of an order is none of these.
refused as (

    select distinct pulls.source, pulls.stream, pulls.started_at from pulls
    inner join rejected on pulls.source = rejected.source and pulls.stream = rejected.stream
    where
        pulls.is_full
        and rejected.reason not like 'order_lines: %'
        and (
            rejected.received_at between pulls.started_at and pulls.finished_at
            or (rejected.received_at is null and split_part(rejected.landing_ref, ':', 1) = pulls.file)
        )

),

-- A pull from the future is one of a clock that ran ahead.
full_pulls as (

    select
        pulls.source,
        pulls.stream,
        pulls.started_at,
        pulls.records,
        refused.source is null as is_understood,
        refused.source is null and pulls.is_confirmed as is_confirmed,
        coalesce(
            lag(pulls.started_at) over (partition by pulls.source, pulls.stream order by pulls.started_at),
            cast('0001-01-01' as timestamp)
        ) as last_started_at
    from pulls
    left join refused
        on pulls.source = refused.source and pulls.stream = refused.stream and pulls.started_at = refused.started_at
    where pulls.is_full and pulls.started_at <= {{ now_or_as_of() }}

),

last_understood as (

    select
        source,
        stream,
        max(started_at) as started_at,
        max(case when is_confirmed then started_at end) as confirmed_at,
        {{ latest("records", "started_at") }} as records
    from full_pulls
    where is_understood
    group by source, stream

),

-- By moments, of which there are as many as pages. What a source itself says is gone, it need not show. Lines that came
-- again replaced the ones before, so it is not known since when there were some.
known as (

    select source, 'orders' as stream, first_received_at, seen_at, count(*) as records from orders
    where not is_deleted and not is_from_file and source in (select source from full_pulls)
    group by source, first_received_at, seen_at
    union all
    select source, 'order_lines', cast('0001-01-01' as timestamp), updated_at, count(*) from derived
    where not is_from_file and source in (select source from full_pulls)
    group by source, updated_at
    union all
    select source, 'customers', first_received_at, seen_at, count(*) from customers
    where not is_deleted and not is_from_file and merged_into is null and source in (select source from full_pulls)
    group by source, first_received_at, seen_at

),

counted as (

    select
        full_pulls.source,
        full_pulls.stream,
        full_pulls.started_at,
        sum(case when known.seen_at >= full_pulls.last_started_at then known.records else 0 end) as alive,
        sum(
            case
                when known.seen_at >= full_pulls.last_started_at and known.seen_at < full_pulls.started_at
                    then known.records
                else 0
            end
        ) as missed,
        sum(case when known.seen_at >= full_pulls.started_at then known.records else 0 end) as shown,
        sum(case when known.seen_at >= last_understood.started_at then known.records else 0 end) as shown_last
    from full_pulls
    inner join known
        on full_pulls.source = known.source
        and full_pulls.stream = known.stream
        and full_pulls.started_at > known.first_received_at
    left join last_understood
        on full_pulls.source = last_understood.source and full_pulls.stream = last_understood.stream
    group by full_pulls.source, full_pulls.stream, full_pulls.started_at

),

-- What was seen since may have come by a pull of changes, so a full one has shown no more than it had records.
final as (

    select
        full_pulls.source,
        full_pulls.stream,
        full_pulls.started_at,
        full_pulls.last_started_at,
        coalesce(counted.missed, 0) as missed,
        coalesce(counted.missed, 0) = 0
        or coalesce(last_understood.confirmed_at >= full_pulls.started_at, false)
        or (
            full_pulls.is_understood
            and least(counted.shown, full_pulls.records) >= {{ var("whole_pull_share") }} * counted.alive
        )
        or coalesce(
            last_understood.started_at > full_pulls.started_at
            and least(counted.shown_last, last_understood.records) >= {{ var("whole_pull_share") }} * counted.alive,
            false
        ) as is_whole
    from full_pulls
    left join counted
        on full_pulls.source = counted.source
        and full_pulls.stream = counted.stream
        and full_pulls.started_at = counted.started_at
    left join last_understood
        on full_pulls.source = last_understood.source and full_pulls.stream = last_understood.stream

)

select * from final
