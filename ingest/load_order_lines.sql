-- An order's lines come together: those that reached us last replace the ones before, so that a file ingested again, or
-- a newer one that names the order, counts it once. Lines of one arrival share received_at and may span several loads.
create or replace temp table arrived as
select
    incoming.* exclude (stream, position, shown_at),
    row_number() over (
        partition by source, order_id order by split_part(landing_ref, ':', 2)::bigint, position
    ) as line_number
from incoming
qualify told_at(received_at) = max(told_at(received_at)) over (partition by source, order_id);

delete from arrived
using (select source, order_id, max(told_at(received_at)) as told_at from raw.order_lines group by all) as known
where known.source = arrived.source
    and known.order_id = arrived.order_id
    and known.told_at > told_at(arrived.received_at);

delete from raw.order_lines
using (select distinct source, order_id, received_at from arrived) as fresh
where order_lines.source = fresh.source
    and order_lines.order_id = fresh.order_id
    and told_at(order_lines.received_at) < told_at(fresh.received_at);

insert into raw.order_lines by name
select
    arrived.* replace (arrived.line_number + coalesce(before.lines, 0) as line_number),
    $load_id as load_id
from arrived
left join (
    select source, order_id, max(line_number) as lines
    from raw.order_lines
    where (source, order_id) in (select (source, order_id) from arrived)
    group by all
) as before
    on before.source = arrived.source and before.order_id = arrived.order_id
