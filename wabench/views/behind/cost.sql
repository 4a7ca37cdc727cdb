-- To whom messages of a window went: of one value of a side, of any side where `by` is null; without a cost, or any.
select customer_id
from fct_messages
where direction = 'out'
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
    and (not $is_unknown or cost is null)
    and case $by
        when 'category' then coalesce(category, 'unknown') = $value
        when 'provider' then provider = $value
        when 'country' then customer_id in (
            select customers.customer_id from dim_customers as customers
            where coalesce(customers.country, 'unknown') = $value
        )
        else true
    end
