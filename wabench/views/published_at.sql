select max(refreshed_at) as at
from dim_customers
