-- Messages of a campaign that were taken but did not arrive, by what their provider said.
select
    provider,
    coalesce(error_code, 'unknown') as error_code,
    coalesce(error_family, 'unknown') as error_family,
    count(*) as failed,
    count(distinct customer_id) as customers
from fct_messages
where campaign_id = $campaign_id and failed_at is not null and delivered_at is null
group by 1, 2, 3
order by failed desc, error_code
limit 50
