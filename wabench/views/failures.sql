-- Messages of a window that failed, by what their provider said.
select
    provider,
    coalesce(error_code, 'unknown') as error_code,
    coalesce(error_family, 'unknown') as error_family,
    count(*) as failed,
    count(distinct customer_id) as customers,
    max(failed_at) as last_at
from fct_messages
where direction = 'out'
    and failed_at is not null
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
group by 1, 2, 3
order by failed desc, provider, error_code
limit 50
