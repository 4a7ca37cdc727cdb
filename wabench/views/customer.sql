select * replace (
    case when $is_masked then '•••• ' || right(phone, 4) else phone end as phone,
    case when $is_masked then left(email, 1) || '•••@' || split_part(email, '@', 2) else email end as email
)
from dim_customers
where customer_id = $customer_id
