-- How fast dialogs of a window were answered. An open one that does not wait too long yet is no share of anything.
select
    count(*) as dialogs,
    count(*) filter (where status = 'answered') as answered,
    count(*) filter (where status = 'lapsed') as lapsed,
    count(*) filter (where status = 'open') as still_open,
    count(*) filter (where not is_open or seconds_waited > 3600 * $hours) as decided,
    count(*) filter (where first_response_seconds <= 3600 * $hours) as in_time,
    median(first_response_seconds) as median_seconds,
    quantile_cont(first_response_seconds, 0.9) as p90_seconds,
    count(*) filter (where answered_by = 'rule') as by_rule,
    count(*) filter (where answered_by = 'person') as by_person
from fct_dialogs
where started_at >= $since and started_at < $until
