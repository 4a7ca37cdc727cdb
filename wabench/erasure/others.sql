-- Of some identities those that lead to another customer: (identity).
select identity from dim_identities
where list_contains($identities, identity) and customer_id is distinct from $customer
union
select lower(email) from dim_customers
where list_contains($identities, lower(email)) and customer_id is distinct from $customer
