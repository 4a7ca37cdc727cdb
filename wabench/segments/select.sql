{people}

select *
from dim_customers
where customer_id in (select customer_id from people where {decided})
order by customer_id
