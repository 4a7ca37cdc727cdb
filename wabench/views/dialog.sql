-- The last messages with one customer, newest first. Of ours no text is published.
select
    coalesce(received_at, accepted_at, sent_at, delivered_at, read_at, failed_at, reacted_at) as happened_at,
    direction,
    case when $is_masked then regexp_replace(body_text, $private, $hidden, 'g') else body_text end as text,
    template_name,
    content_kind,
    status,
    error_code,
    provider,
    message_id
from fct_messages
where customer_id = $customer_id
order by happened_at desc, message_key
limit $size
