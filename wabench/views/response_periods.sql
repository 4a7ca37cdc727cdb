-- How fast dialogs were answered, by the week or month of the shop's zone in which they began.
select
    date_trunc($grain, timezone($zone, timezone('UTC', started_at))) as period,
    count(*) as dialogs,
    count(*) filter (where status = 'answered') as answered,
    median(first_response_seconds) as median_seconds,
    quantile_cont(first_response_seconds, 0.9) as p90_seconds,
    count(*) filter (where not is_open or seconds_waited > 3600 * $hours) as decided,
    count(*) filter (where first_response_seconds <= 3600 * $hours) as in_time
from fct_dialogs
where started_at >= $since and started_at < $until
group by period
order by period
