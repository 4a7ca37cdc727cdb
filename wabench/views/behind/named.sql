-- Customers who were found elsewhere than in SQL, such as by a reply rule.
select unnest($customers) as customer_id
