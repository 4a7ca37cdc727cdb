-- Who waits for an answer; only too long, or only those worth most, where asked.
select customer_id
from fct_dialogs
where
    is_open
    and (not $is_overdue_only or seconds_waited > 3600 * $hours)
    and (not $is_high_only or priority = 1)
