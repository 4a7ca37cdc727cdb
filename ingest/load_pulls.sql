-- A row a completed pull: its last page is read once, so it is there once.
insert into raw.pulls by name
select
    incoming.*,
    $load_id as load_id
from incoming
where not exists (select 1 from raw.pulls as known where known.landing_ref = incoming.landing_ref)
