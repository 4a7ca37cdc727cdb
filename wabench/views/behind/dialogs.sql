-- Whose dialogs began in a window; a band of the first answer's time, a weekday and an hour narrow them where given.
select customer_id
from fct_dialogs
where
    started_at >= $since
    and started_at < $until
    and (
        $band is null
        or (not is_open and coalesce(len(list_filter($edges, lambda edge: first_response_seconds >= edge)), 0) = $band)
    )
    and ($weekday is null or isodow(timezone($zone, timezone('UTC', started_at))) = $weekday)
    and ($hour is null or hour(timezone($zone, timezone('UTC', started_at))) = $hour)
