-- Who bought first in a month; with `month`, those of them who bought in it.
select customers.customer_id
from dim_customers as customers
where customers.first_order_at >= $cohort::date
    and customers.first_order_at < $cohort::date + interval 1 month
    and (
        $month is null
        or exists (
            select 1 from fct_orders as orders
            where orders.customer_id = customers.customer_id
                and orders.is_paid
                and orders.ordered_at >= $month::date
                and orders.ordered_at < $month::date + interval 1 month
        )
    )
