-- Who ordered after campaign messages of a month, by the campaign an order is attributed to.
select orders.customer_id
from fct_orders as orders
inner join fct_messages as messages on orders.attributed_message_key = messages.message_key
where orders.attributed_campaign_id is not null
    and coalesce(messages.accepted_at, messages.sent_at, messages.delivered_at, messages.read_at) >= $month::date
    and coalesce(messages.accepted_at, messages.sent_at, messages.delivered_at, messages.read_at)
        < $month::date + interval 1 month
