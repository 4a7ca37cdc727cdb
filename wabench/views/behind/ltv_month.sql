-- Who had bought before a moment and was, or was not, served on WhatsApp by then.
select customers.customer_id
from dim_customers as customers
where customers.first_order_at < $until
    and customers.customer_id in (
        select messages.customer_id from fct_messages as messages
        where coalesce(messages.delivered_at, messages.received_at) < $until
            and messages.customer_id is not null
    ) = ($channel = 'whatsapp')
