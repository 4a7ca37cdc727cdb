select
    count(*) filter (where {decided}) as customers,
    count(*) filter (where {decided} and is_reachable) as reachable,
    count(*) filter (where {decided} and is_reachable and {consented}) as consented,
    count(*) filter (where {known} is null) as decided_by_unset,
    count(*) as total
from dim_customers
