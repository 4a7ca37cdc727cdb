select
    weekday,
    hour,
    delivered,
    read,
    replied,
    inbound_messages,
    read_rate,
    read_rate_low,
    read_rate_high,
    reply_rate,
    reply_rate_low,
    reply_rate_high
from fct_engagement_hours
order by weekday, hour
