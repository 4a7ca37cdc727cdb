-- The newest version of each stands: by its own updated_at, then by when it reached us. A version that comes late is
-- passed over but for when it was shown, so that landing read in any order gives the same rows.

-- Of people who are gone a system often tells no more than that: what their record said stays, above all a refusal. So
-- what was told of them is kept apart: the newest record, and of each kind the newest note that came after it.
create or replace temp table gone as
select distinct source, customer_ref from incoming
where is_deleted or merged_into is not null
union
select source, customer_ref from raw.customers_told
semi join incoming using (source, customer_ref);

create or replace temp table told as
with versions as (
    select * exclude (stream, shown_at), received_at as first_received_at, shown_at as seen_at from incoming
    semi join gone using (source, customer_ref)
    union all by name
    select * exclude (load_id), -1 as position from raw.customers_told
    semi join gone using (source, customer_ref)
    union all by name
    select * exclude (load_id), -1 as position from raw.customers
    semi join gone using (source, customer_ref)
    anti join raw.customers_told using (source, customer_ref)
)
, numbered as (
    select
        * exclude (position) replace (
            min(first_received_at) over who as first_received_at,
            arg_max(seen_at, told_at(seen_at)) over who as seen_at
        ),
        coalesce(is_deleted, false) or merged_into is not null as is_note,
        row_number() over (
            partition by source, customer_ref
            order by updated_at nulls first, told_at(received_at), split_part(landing_ref, ':', 1),
                split_part(landing_ref, ':', 2)::bigint, position
        ) as version
    from versions
    window who as (partition by source, customer_ref)
)
select * from numbered
qualify version >= coalesce(max(version) filter (where not is_note) over (partition by source, customer_ref), 0)
    and row_number() over (
        partition by source, customer_ref, coalesce(is_deleted, false), merged_into order by version desc
    ) = 1;

delete from raw.customers_told
using gone
where customers_told.source = gone.source and customers_told.customer_ref = gone.customer_ref;

insert into raw.customers_told by name
select
    told.* exclude (is_note, version),
    $load_id as load_id
from told
where (source, customer_ref) in (select (source, customer_ref) from told where is_note);

delete from raw.customers
using gone
where customers.source = gone.source and customers.customer_ref = gone.customer_ref;

create or replace temp table newest as
select
    * exclude (stream, position, shown_at),
    min(received_at) over (partition by source, customer_ref) as first_received_at,
    arg_max(shown_at, told_at(shown_at)) over (partition by source, customer_ref) as seen_at
from incoming
anti join gone using (source, customer_ref)
qualify row_number() over (
    partition by source, customer_ref
    order by updated_at desc nulls last, told_at(received_at) desc, split_part(landing_ref, ':', 1) desc,
        split_part(landing_ref, ':', 2)::bigint desc, position desc
) = 1;

update newest
set
    first_received_at = least(newest.first_received_at, known.first_received_at),
    seen_at = later_told(newest.seen_at, coalesce(known.seen_at, known.received_at))
from raw.customers as known
where known.source = newest.source
    and known.customer_ref = newest.customer_ref;

create or replace temp table passed_over as
select newest.*
from newest
inner join raw.customers as known
    on known.source = newest.source and known.customer_ref = newest.customer_ref
where (
        coalesce(known.updated_at, timestamp '0001-01-01'), told_at(known.received_at),
        split_part(known.landing_ref, ':', 1), split_part(known.landing_ref, ':', 2)::bigint
    ) > (
        coalesce(newest.updated_at, timestamp '0001-01-01'), told_at(newest.received_at),
        split_part(newest.landing_ref, ':', 1), split_part(newest.landing_ref, ':', 2)::bigint
    );

update raw.customers
set
    first_received_at = passed_over.first_received_at,
    seen_at = passed_over.seen_at
from passed_over
where customers.source = passed_over.source and customers.customer_ref = passed_over.customer_ref;

delete from newest
using passed_over
where newest.source = passed_over.source and newest.customer_ref = passed_over.customer_ref;

delete from raw.customers
using newest
where customers.source = newest.source and customers.customer_ref = newest.customer_ref;

insert into newest by name
select
    source, customer_ref,
    arg_max(columns(* exclude (source, customer_ref, is_note, version)), version)  -- which passes over what is null
from told
group by source, customer_ref;

insert into raw.customers by name
select
    newest.*,
    $load_id as load_id
from newest
