-- What a customer had brought after each order.
select
    ordered_at,
    net,
    is_paid,
    status,
    attributed_message_key is not null as is_attributed,
    sum(net) over (order by ordered_at, order_key) as brought
from fct_orders
where customer_id = $customer_id
order by ordered_at, order_key
