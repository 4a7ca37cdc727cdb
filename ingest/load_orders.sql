-- The newest version of each stands: by its own updated_at, then by when it reached us. A version that comes late is
-- passed over but for when it came, so that landing read in any order gives the same rows.
create or replace temp table newest as
select
    * exclude (stream),
    min(received_at) over (partition by source, order_id) as first_received_at
from incoming
qualify row_number() over (
    partition by source, order_id order by updated_at desc nulls last, received_at desc, split_part(landing_ref, ':', 1) desc,
        split_part(landing_ref, ':', 2)::bigint desc
) = 1;

update raw.orders
set first_received_at = newest.first_received_at
from newest
where orders.source = newest.source
    and orders.order_id = newest.order_id
    and orders.first_received_at > newest.first_received_at;

update newest
set first_received_at = known.first_received_at
from raw.orders as known
where known.source = newest.source
    and known.order_id = newest.order_id;

delete from newest
using raw.orders as known
where known.source = newest.source
    and known.order_id = newest.order_id
    and (
        coalesce(known.updated_at, timestamp '0001-01-01'), known.received_at,
        split_part(known.landing_ref, ':', 1), split_part(known.landing_ref, ':', 2)::bigint
    ) > (
        coalesce(newest.updated_at, timestamp '0001-01-01'), newest.received_at,
        split_part(newest.landing_ref, ':', 1), split_part(newest.landing_ref, ':', 2)::bigint
    );

delete from raw.orders
using newest
where orders.source = newest.source and orders.order_id = newest.order_id;

insert into raw.orders by name
select
    newest.*,
    $load_id as load_id
from newest
