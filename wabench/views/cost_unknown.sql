-- Messages of a window whose cost nobody told and the price book does not know.
select
    provider,
    coalesce(category, 'unknown') as category,
    content_kind,
    count(*) as messages,
    count(delivered_at) as delivered,
    max(coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at)) as last_at
from fct_messages
where direction = 'out'
    and cost is null
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
group by 1, 2, 3
order by messages desc, provider, category, content_kind
limit 50
