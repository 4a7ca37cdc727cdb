-- To whom messages of a window failed with an error.
select customer_id
from fct_messages
where direction = 'out'
    and failed_at is not null
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
    and provider = $provider
    and coalesce(error_code, 'unknown') = $error_code
