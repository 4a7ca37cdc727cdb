-- All that leads to a customer, by what is published: (identity_type, identity), their e-mail among them.
select identity_type, identity from dim_identities
where customer_id = $customer
union
select 'email', lower(email) from dim_customers
where customer_id = $customer and email is not null
