-- Who wrote, as published: the customers behind some phones and user ids, and whether they ever paid for an order.
select
    identities.identity_type,
    identities.identity,
    customers.customer_id,
    customers.name,
    customers.consent,
    customers.consent_at,
    customers.first_order_at is null as is_new
from dim_identities as identities
inner join dim_customers as customers on identities.customer_id = customers.customer_id
where
    (identities.identity_type = 'phone' and list_contains($phones, identities.identity))
    or (identities.identity_type = 'user_id' and list_contains($user_ids, identities.identity))
