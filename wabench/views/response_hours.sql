-- When customers begin to wait, on the shop's clock, and how long they do.
select
    isodow(timezone($zone, timezone('UTC', started_at))) as weekday,
    hour(timezone($zone, timezone('UTC', started_at))) as hour,
    count(*) as dialogs,
    count(*) filter (where status = 'answered') as answered,
    median(first_response_seconds) as median_seconds,
    count(*) filter (where not is_open or seconds_waited > 3600 * $hours) as decided,
    count(*) filter (where first_response_seconds <= 3600 * $hours) as in_time
from fct_dialogs
where started_at >= $since and started_at < $until
group by weekday, hour
order by weekday, hour
