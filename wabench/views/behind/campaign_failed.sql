-- To whom a campaign's messages failed with an error.
select customer_id
from fct_messages
where campaign_id = $campaign_id
    and failed_at is not null
    and delivered_at is null
    and coalesce(error_code, 'unknown') = $error_code
