-- How many wait, how many of them too long, and how many of those are worth most.
select
    count(*) as waiting,
    count(*) filter (where dialogs.seconds_waited > 3600 * $hours) as overdue,
    count(*) filter (where dialogs.priority = 1) as high,
    count(*) filter (where dialogs.priority = 1 and dialogs.seconds_waited > 3600 * $hours) as high_overdue,
    max(dialogs.seconds_waited) as longest_seconds,
    median(dialogs.seconds_waited) as median_seconds
from fct_dialogs as dialogs
where dialogs.is_open
