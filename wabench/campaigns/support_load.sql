-- Who waits for an answer now, and how many dialogs a day the shop answered lately.
select
    count(*) filter (where is_open) as open_dialogs,
    count(*) filter (where is_open and is_overdue) as overdue_dialogs,
    count(*) filter (where answered_at >= $since) / $days::double as answered_per_day
from fct_dialogs
