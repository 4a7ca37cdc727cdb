insert into raw.rejected by name
select
    incoming_rejected.*,
    $load_id as load_id
from incoming_rejected
