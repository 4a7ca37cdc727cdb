-- Whose an identity is, by what is published: (customer_id).
select customer_id from dim_identities
where customer_id = $asked
    or identity = $asked
    or (identity_type = 'phone' and list_contains($phones, identity))
    or (identity_type in ('user_id', 'customer_ref') and substr(identity, instr(identity, ':') + 1) = $asked)
union
select customer_id from dim_customers
where lower(email) = lower($asked)
    or customer_id = $asked
