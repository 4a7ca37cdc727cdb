select *
from dim_customers
where {decided}
order by customer_id
