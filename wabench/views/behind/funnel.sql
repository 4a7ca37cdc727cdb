-- Whom messages of a window reached as far as a step of the funnel.
select customer_id
from fct_messages
where direction = 'out'
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
    and case $step
        when 'accepted' then true
        when 'delivered' then delivered_at is not null
        when 'read' then read_at is not null
        when 'replied' then is_replied
        when 'failed' then failed_at is not null
    end
