select
    run_id,
    started_at,
    finished_at,
    as_of,
    status,
    step,
    events,
    orders,
    customers,
    tests_passed,
    tests_failed,
    error,
    epoch(finished_at - started_at) as seconds
from meta_refreshes
order by started_at desc
limit 60
