-- Who replied to a message of ours after so many whole minutes, the last ones left out.
select customer_id
from fct_messages
where direction = 'out'
    and delivered_at is not null
    and is_replied
    and reply_seconds >= 60 * $from_minutes
    and ($to_minutes is null or reply_seconds < 60 * $to_minutes::bigint)
