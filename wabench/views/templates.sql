-- What was sent with each template in a window, and what came of it.
select
    provider,
    template_name,
    count(*) as messages,
    count(delivered_at) as delivered,
    count(read_at) as read,
    count(*) filter (where is_replied and delivered_at is not null) as replied,
    count(*) filter (where converted_at is not null and delivered_at is not null) as converted,
    count(*) filter (where failed_at is not null and delivered_at is null) as failed,
    sum(cost) as cost,
    count(*) filter (where cost is null) as messages_without_cost,
    max(coalesce(sent_at, accepted_at, delivered_at, failed_at)) as last_sent_at
from fct_messages
where direction = 'out'
    and template_name is not null
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
group by provider, template_name
