-- The newest version of each stands: by its own updated_at, then by when it reached us. A version that comes late is
-- passed over but for when it was shown, so that landing read in any order gives the same rows.
create or replace temp table newest as
select
    * exclude (stream, position, shown_at),
    min(received_at) over (partition by source, order_id) as first_received_at,
    arg_max(shown_at, told_at(shown_at)) over (partition by source, order_id) as seen_at
from incoming
qualify row_number() over (
    partition by source, order_id
    order by updated_at desc nulls last, told_at(received_at) desc, split_part(landing_ref, ':', 1) desc,
        split_part(landing_ref, ':', 2)::bigint desc, position desc
) = 1;

update newest
set
    first_received_at = least(newest.first_received_at, known.first_received_at),
    seen_at = later_told(newest.seen_at, coalesce(known.seen_at, known.received_at))
from raw.orders as known
where known.source = newest.source
    and known.order_id = newest.order_id;

create or replace temp table passed_over as
select newest.*
from newest
inner join raw.orders as known
    on known.source = newest.source and known.order_id = newest.order_id
where (
        coalesce(known.updated_at, timestamp '0001-01-01'), told_at(known.received_at),
        split_part(known.landing_ref, ':', 1), split_part(known.landing_ref, ':', 2)::bigint
    ) > (
        coalesce(newest.updated_at, timestamp '0001-01-01'), told_at(newest.received_at),
        split_part(newest.landing_ref, ':', 1), split_part(newest.landing_ref, ':', 2)::bigint
    );

update raw.orders
set
    first_received_at = passed_over.first_received_at,
    seen_at = passed_over.seen_at
from passed_over
where orders.source = passed_over.source and orders.order_id = passed_over.order_id;

delete from newest
using passed_over
where newest.source = passed_over.source and newest.order_id = passed_over.order_id;

delete from raw.orders
using newest
where orders.source = newest.source and orders.order_id = newest.order_id;

insert into raw.orders by name
select
    newest.*,
    $load_id as load_id
from newest
