select count(*) as customers from dim_customers
