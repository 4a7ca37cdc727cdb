select
    delay_band,
    from_minutes,
    to_minutes,
    replied,
    replies,
    all_replied,
    all_replies,
    delivered,
    share_of_replied,
    share_of_replied_low,
    share_of_replied_high,
    reply_rate_until
from fct_reply_delays
order by from_minutes
