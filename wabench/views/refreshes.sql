select
    run_id,
    started_at,
    finished_at,
    status,
    step,
    tests_passed,
    tests_failed,
    error
from meta_refreshes
order by started_at desc
limit 10
