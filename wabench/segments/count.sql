{people},

judged as (select is_reachable, consent, {decided} as is_in, {known} is null as is_open from people)

select
    count(*) filter (where is_in) as customers,
    count(*) filter (where is_in and is_reachable) as reachable,
    count(*) filter (where is_in and is_reachable and {consented}) as consented,
    count(*) filter (where is_in and consent = 'opted_out') as opted_out,
    count(*) filter (where is_open) as decided_by_unset,
    count(*) as total
from judged
